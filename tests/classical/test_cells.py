"""From planes to label maps."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellwright.classical.cells import bright_cells, textured_cells
from cellwright.classical.modality import guess_foreground


@pytest.fixture(scope="module")
def plane() -> tuple[np.ndarray, np.ndarray]:
    """Twenty blurred discs, bright and dim, on a slope with noise; and their label map."""
    rng = np.random.default_rng(1)
    rows, cols = np.mgrid[:200, :260]
    truth = np.zeros((200, 260), int)
    light = np.zeros((200, 260))
    for k in range(20):
        inside = np.hypot(rows - 25 - 50 * (k // 5), cols - 30 - 50 * (k % 5)) < 12
        truth[inside] = k + 1
        light += inside * rng.choice([60, 120, 600])
    image = ndimage.gaussian_filter(light, 1.5) + 100 + cols / 4
    return rng.poisson(image).astype(np.uint16), truth


def hits(labels: np.ndarray, truth: np.ndarray) -> int:
    """True cells that some object meets with IoU above 0.8."""
    count = 0
    for k in range(1, truth.max() + 1):
        cell = truth == k
        found = np.bincount(labels[cell]).argmax()
        same = labels == found
        count += bool(found) and (cell & same).sum() / (cell | same).sum() > 0.8
    return count


def test_bright_cells_dim_and_lit(plane) -> None:
    image, truth = plane
    labels = bright_cells(image)
    assert labels.dtype == np.int32
    assert hits(labels, truth) == 20
    assert labels.max() <= 22


def test_the_scale_of_the_intensities_does_not_matter(plane) -> None:
    image, _ = plane
    same = bright_cells(image.astype(np.float64) / 65535)
    assert (same > 0).sum() == pytest.approx((bright_cells(image) > 0).sum(), rel=0.02)


@pytest.mark.parametrize("image", [np.zeros((40, 50)), np.full((1, 1), 3), np.ones((2, 90))])
def test_empty_planes_have_no_cells(image: np.ndarray) -> None:
    assert bright_cells(image).shape == image.shape
    assert not bright_cells(image).any()


def test_a_bright_frame_is_not_a_cell() -> None:
    image = np.full((120, 120), 900.0)
    image[20:100, 20:100] = 100
    image[50:60, 40:80] = 500
    image += np.random.default_rng(0).normal(0, 3, image.shape)
    labels = bright_cells(image, widest=21, first=0.0, limit=0.0)
    assert labels[55, 60]
    assert not labels[5, 5]


def test_textured_cells() -> None:
    rng = np.random.default_rng(0)
    rows, cols = np.mgrid[:240, :240]
    image = rng.normal(100, 1, (240, 240))
    truth = np.zeros((240, 240), int)
    for k, (row, col) in enumerate([(60, 60), (170, 70), (120, 180)], start=1):
        cell = np.hypot(rows - row, cols - col) < 28
        truth[cell] = k
        image += cell * ndimage.gaussian_filter(rng.normal(0, 60, image.shape), 1)
    labels, structure = textured_cells(image)
    assert structure.shape == image.shape
    assert labels.max() == 3
    assert hits(labels, truth) >= 2


def test_flat_planes_have_no_texture() -> None:
    labels, _ = textured_cells(np.full((60, 60), 5.0))
    assert not labels.any()


def test_the_modality_is_told_from_histograms(plane) -> None:
    image, _ = plane
    assert guess_foreground(image) == "bright"
    assert guess_foreground(image.max() - image.astype(float)) == "dark"
    assert guess_foreground(np.zeros((9, 9))) == "bright"
    rng = np.random.default_rng(0)
    both = ndimage.gaussian_filter(rng.normal(0, 1, (200, 200)), 2) * (image[:200, :200] > 190)
    assert guess_foreground(both + 3 + rng.normal(0, 0.001, both.shape)) == "texture"
