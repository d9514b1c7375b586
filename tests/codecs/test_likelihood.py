"""The maps of how likely an overlap is, on discs whose answer is known, and their properties."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.codecs.centres import cell_centres, cells_and_nuclei, nucleus_owners
from cellwright.codecs.likelihood import (
    MAPS,
    STEEPNESS,
    inside_distance,
    near_overlaps,
    overlap_likelihood,
    relaxed_inside_distance,
    unbounded_distance,
)
from cellwright.geometry import from_masks
from cellwright.geometry.transform import flip, resize, rot90
from cellwright.overlap import overlap_map
from cellwright.synth import simulate_field
from cellwright.types import InputError, Instances

RADIUS = 10
VERSIONS = tuple(MAPS)


def disc(row: float, col: float, radius: float = RADIUS, shape=(41, 81)) -> np.ndarray:
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, cols - col) <= radius


def pair(apart: int, *, nuclei: bool = False) -> Instances:
    """Two discs of radius 10 whose centres, in row 20, are `apart` columns apart."""
    at = [(20, 20), (20, 20 + apart)]
    masks = [disc(*p) for p in at] + ([disc(*p, radius=3) for p in at] if nuclei else [])
    found = from_masks(masks)
    classes = [0, 0, 1, 1] if nuclei else [0, 0]
    return Instances(found.shape, found.boxes, found.masks, None, classes, ("cell", "nucleus"))


@pytest.mark.parametrize("version", VERSIONS)
def test_no_cells_are_low_all_over(version: str) -> None:
    for shape in [(1, 1), (5, 3)]:
        found = overlap_likelihood(Instances.empty(shape, ("cell", "nucleus")), version)
        assert found.shape == shape
        assert found.dtype == np.float32
        assert np.allclose(found, 0.1)


def test_one_cell() -> None:
    one = pair(20)[:1]
    for version in ("v0", "v1", "v2", "v3"):
        found = overlap_likelihood(one, version, low=0.0)
        assert found[20, 20] == 0
        assert found[20, 25] == pytest.approx(0.5)
        assert found[20, 30] == pytest.approx(1)
        assert (found[~disc(20, 20)] == 0).all()
    assert np.allclose(overlap_likelihood(one, "v4"), 0.1)


def test_the_cell_of_one_pixel() -> None:
    for shape in [(1, 1), (4, 4)]:
        mask = np.zeros(shape, bool)
        mask[0, 0] = True
        for version in VERSIONS:
            assert np.allclose(overlap_likelihood(from_masks([mask]), version), 0.1)


@pytest.mark.parametrize("version", VERSIONS)
def test_nuclei_and_background_are_low(version: str) -> None:
    cells = pair(21, nuclei=True)
    found = overlap_likelihood(cells, version)
    background = ~(disc(20, 20) | disc(20, 41))
    assert np.allclose(found[background], 0.1)
    if version != "v4":
        assert np.allclose(found[disc(20, 20, 3) | disc(20, 41, 3)], 0.1)


@pytest.mark.parametrize("version", ["v0", "v1", "v2", "v3"])
def test_a_nucleus_off_the_middle_moves_the_low_place(version: str) -> None:
    cell, nucleus = disc(20, 20), disc(20, 15, 2)
    found = from_masks([cell, nucleus])
    both = Instances(found.shape, found.boxes, found.masks, None, [0, 1], ("cell", "nucleus"))
    values = overlap_likelihood(both, version, low=0.0)
    assert values[20, 15] == 0
    assert values[20, 30] == pytest.approx(1)
    assert values[20, 10] == pytest.approx(5 / 15)
    assert overlap_likelihood(both[:1], version, low=0.0)[20, 15] == pytest.approx(0.5)


def test_unbounded_maps_reach_into_the_neighbour_and_end_at_twice_the_radius() -> None:
    over = pair(15)
    bounded = overlap_likelihood(over, "v0", low=0.0)
    found = overlap_likelihood(over, "v1", low=0.0)
    # The right centre is 15 from the left one: 1 - |1 - 1.5|; the pixel 20 from it gets nothing.
    assert bounded[20, 35] == 0
    assert found[20, 35] == pytest.approx(0.5)
    assert found[20, 40] == bounded[20, 40] == pytest.approx(0.5)
    assert (unbounded_distance(over) >= bounded - 1e-6).all()
    alone = over[:1]
    np.testing.assert_allclose(unbounded_distance(alone), inside_distance(alone), atol=1e-6)


def test_the_closeness_of_borders() -> None:
    cells = pair(22)
    found = overlap_likelihood(cells, "v4", low=0.0)
    reach = 2 * np.sqrt(np.median(cells.areas) / np.pi)
    # Column 30 is the last of the left disc in its row, column 32 the first of the right one.
    for col in (30, 25, 20):
        share = (32 - col) / reach
        wanted = 1 - np.log1p(STEEPNESS * share) / np.log1p(STEEPNESS)
        assert found[20, col] == pytest.approx(wanted, abs=1e-6)
    assert (np.diff(found[20, 11:31]) >= 0).all()
    drop = -np.diff(found[20, 20:31][::-1])
    assert (np.diff(drop) < 0).all(), "steepest at the border"
    assert np.allclose(overlap_likelihood(pair(45), "v4"), 0.1)


def test_the_farther_the_less_likely() -> None:
    peaks = [float(overlap_likelihood(pair(n), "v4")[20, 28]) for n in (15, 19, 21, 24, 28, 33, 60)]
    assert peaks[0] == 1
    assert peaks == sorted(peaks, reverse=True)
    assert len(set(peaks)) == len(peaks)


def test_annotated_overlaps() -> None:
    cells = pair(15)
    shared = overlap_map(cells)
    for version in ("v2", "v3", "v4"):
        assert np.allclose(overlap_likelihood(cells, version)[shared], 1)
    assert overlap_likelihood(cells, "v0")[shared].max() <= 1
    relaxed = near_overlaps(cells)
    assert shared[20, 25]
    assert not shared[20, 24]
    radius = np.sqrt(np.median(cells.areas) / np.pi)
    assert relaxed[20, 24] == pytest.approx(1 - 1 / (radius / 2), abs=1e-6)
    assert relaxed[20, 19] == 0
    assert relaxed_inside_distance(cells)[20, 24] == relaxed[20, 24]


def test_a_cell_as_large_as_the_frame() -> None:
    whole = from_masks([np.ones((6, 7), bool), np.ones((6, 7), bool)])
    for version in ("v2", "v3", "v4"):
        assert np.allclose(overlap_likelihood(whole, version), 1)
    assert np.allclose(overlap_likelihood(whole[:1], "v4"), 0.1)


def fields(seed: int, *, nuclei: bool = True) -> Instances:
    return simulate_field(
        seed=seed, shape=(72, 96), overlap=0.5, kind="mixed", nuclei=nuclei, diameter=10
    ).instances


@pytest.mark.parametrize("version", VERSIONS)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_range_and_symmetry(version: str, seed: int) -> None:
    cells = fields(seed)
    found = overlap_likelihood(cells, version, low=0.2, high=0.7)
    assert found.min() >= 0.2 - 1e-6
    assert found.max() <= 0.7 + 1e-6
    for axis in (0, 1):
        mirrored = overlap_likelihood(flip(cells, axis), version, low=0.2, high=0.7)
        np.testing.assert_allclose(np.flip(mirrored, axis), found, atol=1e-5)
    turned = overlap_likelihood(rot90(cells, 1), version, low=0.2, high=0.7)
    np.testing.assert_allclose(np.rot90(turned, -1), found, atol=1e-5)


@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_inside_cells_the_closeness_of_borders_holds_the_relaxation(seed: int) -> None:
    cells, _ = cells_and_nuclei(fields(seed))
    inside = np.zeros(cells.shape, bool)
    for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True):
        inside[r0:r1, c0:c1] |= mask
    v4 = overlap_likelihood(cells, "v4", low=0.0)
    assert (v4[inside] >= near_overlaps(cells)[inside] - 1e-6).all()
    assert (v4[~inside] == 0).all()


@pytest.mark.parametrize("version", VERSIONS)
def test_a_magnified_image_has_the_map_magnified(version: str) -> None:
    cells = fields(3)
    small = overlap_likelihood(cells, version)
    large = overlap_likelihood(resize(cells, (144, 192)), version)
    assert np.abs(large.reshape(72, 2, 96, 2).mean(axis=(1, 3)) - small).mean() < 0.02


def test_the_order_of_the_cells_does_not_matter() -> None:
    cells = fields(8)
    for version in VERSIONS:
        np.testing.assert_allclose(
            overlap_likelihood(cells, version),
            overlap_likelihood(cells[np.arange(len(cells))[::-1]], version),
            atol=1e-6,
        )


def test_whose_nucleus_it_is() -> None:
    cells = from_masks([disc(20, 20), disc(20, 30)])
    nuclei = from_masks([disc(20, 26, 2), disc(5, 70, 2), disc(20, 17, 2), disc(20, 21, 3)])
    assert nucleus_owners(cells, nuclei)[1:].tolist() == [-1, 0, 0]

    def tagged(part: Instances, numbers: list[int]) -> Instances:
        tags = tuple({"cell": n} for n in numbers)
        return Instances(part.shape, part.boxes, part.masks, tags=tags)

    owners = nucleus_owners(tagged(cells, [7, 9]), tagged(nuclei, [9, 4, 9, 7]))
    assert owners.tolist() == [1, -1, 1, 0]
    # The largest nucleus of the first cell counts; the second cell's is that at column 26.
    centres = cell_centres(tagged(cells, [7, 9]), tagged(nuclei, [9, 4, 7, 7]))
    np.testing.assert_allclose(centres, [(20, 21), (20, 26)])


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="v0, v1, v2, v3, v4"):
        overlap_likelihood(pair(20), "v5")
    with pytest.raises(InputError, match="low"):
        overlap_likelihood(pair(20), "v4", low=0.5, high=0.5)
