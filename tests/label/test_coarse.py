"""What every coarse segmenter holds to, and what tells them apart."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.geometry import from_label_map
from cellwright.label.segmenters import segmenter
from cellwright.overlap import overlap_map
from cellwright.synth import simulate_field
from cellwright.types import Image, InputError

SPLITTING = ("watershed", "region-growing", "split-merge", "active-contour")
COARSE = (*SPLITTING, "otsu", "local-threshold")
ALL = (*COARSE, "coarse-prompted")


def discs(places, shape=(120, 160), *, slope: float = 0.0) -> np.ndarray:
    """Discs (row, column, radius, height) on a background of 100 with noise of 2."""
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    plane = 100.0 + slope * cols + np.random.default_rng(0).normal(0, 2, shape)
    for row, col, radius, height in places:
        plane += height / (1 + np.exp(np.hypot(rows - row, cols - col) - radius))
    return plane.astype(np.float32)


def has_cell_at(found, row: int, col: int, radius: int) -> bool:
    """Whether one cell covers a disc by an IoU of 0.6."""
    rows, cols = np.mgrid[: found.shape[0], : found.shape[1]]
    disc = from_label_map((np.hypot(rows - row, cols - col) <= radius).astype(int))
    from cellwright.overlap import iou

    return bool(len(found)) and float(iou(found, disc).max()) > 0.6


@pytest.mark.parametrize("name", SPLITTING)
def test_touching_discs_are_parted(name) -> None:
    found = segmenter(name).segment(Image(discs([(40, 40, 14, 100), (40, 65, 14, 100)])))
    assert len(found) == 2
    assert has_cell_at(found, 40, 40, 14)
    assert has_cell_at(found, 40, 65, 14)


@pytest.mark.parametrize("name", ["otsu", "local-threshold"])
def test_plain_thresholds_leave_touching_discs_together(name) -> None:
    found = segmenter(name).segment(Image(discs([(40, 40, 14, 100), (40, 65, 14, 100)])))
    assert len(found) == 1


@pytest.mark.parametrize("name", [n for n in ALL if n != "otsu"])
def test_dim_beside_bright_on_uneven_light(name) -> None:
    places = [(30, 30, 12, 400), (30, 75, 12, 60), (85, 50, 12, 60), (85, 120, 12, 400)]
    found = segmenter(name).segment(Image(discs(places, slope=0.2)))
    assert all(has_cell_at(found, row, col, radius) for row, col, radius, _ in places)
    assert len(found) == 4


@pytest.mark.parametrize("name", ALL)
def test_scores_and_repeats(name) -> None:
    image = simulate_field(4, shape=(96, 96)).image
    first, second = (segmenter(name).segment(image) for _ in range(2))
    assert len(first)
    assert ((first.scores >= 0) & (first.scores <= 1)).all()
    assert (first.boxes == second.boxes).all()
    assert (first.scores == second.scores).all()
    if name in COARSE:
        assert overlap_map(first).max() <= 1


@pytest.mark.parametrize("name", ALL)
@pytest.mark.parametrize("shape", [(1, 1), (1, 50), (2, 2), (3, 70), (33, 31)])
def test_constant_images_of_odd_sizes_have_no_cells(name, shape) -> None:
    for kind in ("bright", "dark", "texture", "auto"):
        for value in (0, 7):
            image = Image(np.full(shape, value, np.uint8))
            assert len(segmenter(name, foreground=kind).segment(image)) == 0


@pytest.mark.parametrize("name", ALL)
def test_dark_cells_are_found_as_bright_ones(name) -> None:
    plane = discs([(40, 40, 14, 100), (80, 100, 14, 100)])
    found = segmenter(name, foreground="dark").segment(Image(400 - plane))
    assert len(found) == 2


@pytest.mark.parametrize("name", ALL)
def test_structure_on_even_grey_is_found(name) -> None:
    rng = np.random.default_rng(1)
    rows, cols = np.mgrid[:200, :200]
    plane = rng.normal(100, 1, (200, 200))
    inside = np.hypot(rows - 100, cols - 100) < 40
    plane[inside] += rng.normal(0, 30, int(inside.sum()))
    found = segmenter(name, foreground="texture").segment(Image(plane.astype(np.float32)))
    assert len(found) == 1
    assert 0.5 < found.masks[0].sum() / inside.sum() < 1.5


@pytest.mark.parametrize("name", ALL)
def test_a_wrong_foreground_and_option_are_named(name) -> None:
    with pytest.raises(InputError, match="foreground 'lit'"):
        segmenter(name, foreground="lit")
    with pytest.raises(InputError, match="colour"):
        segmenter(name, colour=1)


def test_coarse_prompted_names_what_it_lacks() -> None:
    with pytest.raises(InputError, match="no segmenter 'circles'"):
        segmenter("coarse-prompted", coarse="circles")
    with pytest.raises(InputError, match="no promptable segmenter"):
        segmenter("coarse-prompted", prompts="circles")
