"""Extended images: pixels and masks agree, intensities cover or add up, counts are exact."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.geometry import from_label_map
from cellwright.synth.paste import ADDED, COVERING, Compose, Source, Warp, compose
from cellwright.types import Image, InputError, Instances

STILL = Warp(rotate=False, flip=False)


def image_of(level=100.0, bright=50.0, shape=(60, 64), dtype=np.uint16, axes="YX", noise=0.0):
    """Two cells, 8 x 8 at (10, 10) and 6 x 12 at (40, 30), on flat ground."""
    labels = np.zeros(shape, int)
    labels[10:18, 10:18] = 1
    labels[40:46, 30:42] = 2
    plane = np.where(labels > 0, level + bright * labels, level)
    plane = plane + noise * np.random.default_rng(5).standard_normal(shape)
    sizes = {"Z": 2, "C": 3}
    full = np.broadcast_to(plane, [*(sizes[a] for a in axes[:-2]), *shape])
    return Image(full.astype(dtype), axes), from_label_map(labels)


def source(*, edge=0.0, **options) -> Source:
    image, cells = image_of(**options)
    return Source.of("a", image, cells, diameter=8.0, edge=edge)


def drawn(seed=0, cells=5, how=None, made=None, shape=None):
    return compose(
        np.random.default_rng(seed),
        [made or source()],
        cells=cells,
        base=0,
        how=how or Compose(),
        shape=shape,
    )


def covered(cells: Instances) -> np.ndarray:
    frame = np.zeros(cells.shape, int)
    for (row, col, row1, col1), mask in zip(cells.boxes.tolist(), cells.masks, strict=True):
        frame[row:row1, col:col1] += mask
    return frame


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 2**31), st.sampled_from([COVERING, ADDED]), st.booleans())
def test_pixels_and_masks_agree(seed, intensities, still) -> None:
    how = Compose(intensities, STILL if still else Warp(elastic=0.03), (0.0, 0.3), 0.5)
    sample, origins = drawn(seed, 8, how)
    cells, data = sample.instances, sample.image.data.astype(int)
    assert len(cells) == len(origins) == 8
    cover = covered(cells)
    assert (data[cover == 0] == 100).all()
    assert (data[cover > 0] > 100).all()
    if still:
        bright = np.zeros(cells.shape, int)
        for (row, col, row1, col1), mask, (_, cell) in zip(
            cells.boxes.tolist(), cells.masks, origins, strict=True
        ):
            window = bright[row:row1, col:col1]
            if intensities == ADDED:
                window += mask * 50 * (cell + 1)
            else:
                window[mask] = 50 * (cell + 1)
        np.testing.assert_array_equal(data, 100 + bright)


def test_without_warp_cells_keep_their_masks() -> None:
    sample, origins = drawn(3, 6, Compose(warp=STILL))
    sizes = {0: 64, 1: 72}
    inner = (sample.instances.boxes[:, :2] > 0).all(1)
    inner &= (sample.instances.boxes[:, 2:] < sample.instances.shape).all(1)
    assert inner.any()
    for area, (_, cell), whole in zip(sample.instances.areas, origins, inner, strict=True):
        assert area == sizes[cell] if whole else area <= sizes[cell]


def test_turned_cells_keep_about_their_area() -> None:
    sample, _ = drawn(1, 4, Compose(), shape=(300, 300))
    assert all(55 <= a <= 80 for a in sample.instances.areas)


def test_a_soft_edge_falls_off_around_the_cell_only() -> None:
    made = source(edge=2.0)
    sample, _ = drawn(0, 1, Compose(ADDED, STILL), made)
    data, cover = sample.image.data.astype(int), covered(sample.instances) > 0
    from scipy import ndimage

    far = ndimage.distance_transform_edt(~cover)
    assert (data[cover] > 100).all()
    assert (data[far > 2.5 * 2 * 1.5 + 2] == 100).all()


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.int16, np.float32, np.float64, bool])
@pytest.mark.parametrize("axes", ["YX", "CYX", "ZCYX"])
def test_types_and_axes_stay(dtype, axes) -> None:
    made = source(dtype=dtype, axes=axes, level=0 if dtype is bool else 100, bright=1)
    sample, _ = drawn(0, 3, Compose(), made, shape=(41, 53))
    assert sample.image.data.dtype == np.dtype(dtype)
    assert sample.image.axes == axes
    assert sample.image.shape == (41, 53)
    assert sample.image.planes == made.image.planes


def test_counts_are_cut_to_the_type() -> None:
    sample, _ = drawn(0, 9, Compose(ADDED, STILL, (0.0, 0.5), 1.0), source(dtype=np.uint8))
    assert sample.image.data.max() <= 255
    bright = source(dtype=np.uint8, level=200, bright=25)
    sample, _ = drawn(0, 9, Compose(ADDED, STILL, (0.0, 0.5), 1.0), bright)
    assert sample.image.data.max() == 255
    assert sample.image.data.min() == 200


def test_full_images_hold_fewer_and_force_none() -> None:
    sample, _ = drawn(0, 500, Compose(overlap=(0.0, 0.0)))
    assert 10 < len(sample.instances) < 100
    assert covered(sample.instances).max() == 1


def test_noise_is_that_of_the_image() -> None:
    made = source(noise=6.0, dtype=np.float32, shape=(200, 220))
    sample, _ = drawn(0, 1, Compose(), made)
    ground = sample.image.data[covered(sample.instances) == 0]
    assert ground.mean() == pytest.approx(100, abs=1.0)
    assert ground.std() == pytest.approx(6.0, rel=0.1)


def test_nuclei_go_along_and_are_not_counted() -> None:
    labels = np.zeros((60, 64), int)
    labels[10:20, 10:20] = 1
    cell = from_label_map(labels)
    labels[:] = 0
    labels[13:16, 13:17] = 1
    nucleus = from_label_map(labels)
    both = Instances(
        (60, 64),
        np.concatenate([cell.boxes, nucleus.boxes]),
        (*cell.masks, *nucleus.masks),
        classes=[0, 1],
        class_names=("cell", "nucleus"),
    )
    made = Source.of("a", image_of()[0], both, diameter=10.0)
    assert made.pool.tolist() == [0]
    sample, origins = drawn(0, 2, Compose(warp=Warp(elastic=0.02)), made, shape=(90, 90))
    assert sample.instances.classes.tolist() == [0, 1, 0, 1]
    assert [c for _, c in origins] == [0, 1, 0, 1]
    for k in (0, 2):
        (row, col, row1, col1), (r, c, r1, c1) = sample.instances.boxes[k : k + 2].tolist()
        assert row <= r < r1 <= row1
        assert col <= c < c1 <= col1


def test_cells_at_the_border_are_not_cut_out() -> None:
    image, _ = image_of()
    labels = np.zeros((60, 64), int)
    labels[0:8, 10:18], labels[20:28, 20:28] = 1, 2
    made = Source.of("a", image, from_label_map(labels), diameter=8.0)
    assert made.pool.tolist() == [1]


def test_an_image_without_background_is_refused() -> None:
    with pytest.raises(InputError, match="between the cells"):
        Source.of("a", image_of()[0], from_label_map(np.ones((60, 64), int)), diameter=60.0)


@pytest.mark.parametrize("wrong", [{"resize": (0.0, 1.0)}, {"resize": (2, 1)}, {"elastic": 0.5}])
def test_wrong_warps(wrong) -> None:
    with pytest.raises(InputError):
        Warp(**wrong)
