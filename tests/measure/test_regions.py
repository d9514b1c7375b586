"""The table of measurements: by hand, units, overlaps, channels, lazy reading."""

import numpy as np
import pytest

from cellwright.geometry import from_label_map, from_masks
from cellwright.measure import intensities as reading
from cellwright.measure import measure
from cellwright.types import Image, InputError, Instances


def two_cells():
    masks = np.zeros((2, 8, 10), bool)
    masks[0, 0:3, 1:5] = True
    masks[1, 2:6, 3:6] = True
    return from_masks(masks, scores=[0.25, 0.75], classes=[1, 0], class_names=("cell", "debris"))


def test_a_rectangle_by_hand():
    data = np.arange(80, dtype=np.uint16).reshape(8, 10)
    row = measure(Image(data, "YX", (0.5, 0.5)), two_cells()).iloc[0]
    expected = {
        "label": 1,
        "class": "debris",
        "score": 0.25,
        "area_px": 12,
        "area_um2": 3.0,
        "perimeter_px": 10,
        "perimeter_um": 5,
        "equivalent_diameter_px": np.sqrt(48 / np.pi),
        "major_axis_px": 4 * np.sqrt(16 / 12),
        "minor_axis_um": 2 * np.sqrt(9 / 12),
        "eccentricity": np.sqrt(1 - 9 / 16),
        "orientation_deg": 0,
        "circularity": 4 * np.pi * 12 / 100,
        "roundness": 48 / (np.pi * 16 * 16 / 12),
        "solidity": 1,
        "centroid_row_px": 1,
        "centroid_column_px": 2.5,
        "centroid_column_um": 1.25,
        "bbox_row0": 0,
        "bbox_column0": 1,
        "bbox_row1": 3,
        "bbox_column1": 5,
        "touches_border": True,
        "overlap_px": 2,
        "intensity_mean": 12.5,
        "intensity_median": 12.5,
        "intensity_min": 1,
        "intensity_max": 24,
        "intensity_sum": 150,
        "intensity_std": np.std(data[:3, 1:5]),
    }
    for name, value in expected.items():
        assert row[name] == (value if isinstance(value, str) else pytest.approx(value)), name


def test_overlapping_cells_are_measured_whole():
    data = np.zeros((8, 10), np.float32)
    data[2, 3:5] = 6
    table = measure(Image(data), two_cells())
    assert table["intensity_sum"].tolist() == [12, 12]
    assert table["overlap_px"].tolist() == [2, 2]
    assert table["touches_border"].tolist() == [True, False]
    assert table["area_px"].tolist() == [12, 12]
    assert table["centroid_row_px"].tolist() == [1, 3.5]
    assert table["centroid_column_px"].tolist() == [2.5, 4]


def test_an_unknown_pixel_size_leaves_um_empty():
    table = measure(Image(np.zeros((8, 10))), two_cells())
    um = [c for c in table if c.endswith(("_um", "_um2"))]
    assert len(um) == 7
    assert table[um].isna().all(axis=None)
    assert table.drop(columns=um).notna().all(axis=None)


def test_pixels_that_are_not_square():
    cells = from_masks([np.ones((4, 8))])
    row = measure(Image(np.zeros((4, 8)), "YX", (2.0, 1.0)), cells).iloc[0]
    assert row["area_um2"] == 64
    assert row["major_axis_um"] == pytest.approx(row["minor_axis_um"])
    assert row["eccentricity"] == pytest.approx(0, abs=1e-6)
    assert row["major_axis_px"] == pytest.approx(2 * row["minor_axis_px"])
    assert row["centroid_row_um"] == 3


@pytest.mark.parametrize("axes", ["CYX", "ZCYX", "TZCYX"])
def test_channels_pool_their_planes(axes):
    rng = np.random.default_rng(0)
    data = rng.integers(0, 4096, (2, 3, 4, 8, 10)[5 - len(axes) :]).astype(np.uint16)
    cells = two_cells()
    names = tuple("abcd")
    table = measure(Image(data, axes, None, names), cells)
    unnamed = measure(Image(data, axes), cells)
    for c, name in enumerate(names):
        pixels = np.moveaxis(data, -3, 0)[c][..., 2:6, 3:6]
        assert table[f"intensity_mean_{name}"][1] == pytest.approx(pixels.mean())
        assert table[f"intensity_median_{name}"][1] == pytest.approx(np.median(pixels))
        assert table[f"intensity_std_{name}"][1] == pytest.approx(pixels.std())
        assert unnamed[f"intensity_max_{c}"][1] == pixels.max()


def test_sums_do_not_overflow_and_bools_count():
    cells = from_masks([np.ones((300, 300))])
    table = measure(Image(np.full((300, 300), 65535, np.uint16)), cells)
    assert table["intensity_sum"][0] == 65535 * 90000
    assert measure(Image(np.ones((300, 300), bool)), cells)["intensity_sum"][0] == 90000


def test_single_pixels_and_empty_masks():
    masks = (np.ones((1, 1), bool), np.zeros((2, 2), bool))
    cells = Instances((5, 5), [[2, 2, 3, 3], [0, 0, 2, 2]], masks)
    table = measure(Image(np.ones((5, 5))), cells)
    assert table["area_px"].tolist() == [1, 0]
    assert table["major_axis_px"][0] == pytest.approx(4 / np.sqrt(12))
    assert np.isnan(table["circularity"][0])
    assert np.isnan(table["solidity"][1])
    assert np.isnan(table["intensity_mean"][1])


def test_no_cells_give_the_same_columns():
    full = measure(Image(np.zeros((8, 10))), two_cells())
    empty = measure(Image(np.zeros((8, 10))), Instances.empty((8, 10)))
    assert len(empty) == 0
    assert list(empty.columns) == list(full.columns)


class Lazy:
    """An array that records what is read of it."""

    def __init__(self, data):
        self.data, self.shape, self.dtype, self.reads = data, data.shape, data.dtype, []

    def __getitem__(self, index):
        part = self.data[index]
        self.reads.append(part.size)
        return part


def test_lazy_images_are_read_in_windows(monkeypatch):
    monkeypatch.setattr(reading, "_BLOCK", 16)
    rng = np.random.default_rng(1)
    data = rng.random((2, 64, 64))
    labels = np.kron(np.arange(1, 65).reshape(8, 8), np.ones((8, 8), int))
    cells = from_label_map(labels)[rng.permutation(64)]
    lazy = Lazy(data)
    table = measure(Image(lazy, "CYX"), cells)
    assert len(lazy.reads) == 16
    assert max(lazy.reads) == 2 * 16 * 16
    expected = [
        data[1][8 * (n // 8) : 8 * (n // 8) + 8, 8 * (n % 8) : 8 * (n % 8) + 8].mean()
        for n in (cells.boxes[:, 0] + cells.boxes[:, 1] // 8).tolist()
    ]
    np.testing.assert_allclose(table["intensity_mean_1"], expected)


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="same rows"):
        measure(Image(np.zeros((3, 3))), two_cells())


def test_each_of_the_four_borders_counts():
    labels = np.zeros((5, 5), int)
    labels[0, 2], labels[2, 0], labels[4, 2], labels[2, 4], labels[2, 2] = 1, 2, 3, 4, 5
    table = measure(Image(np.zeros((5, 5))), from_label_map(labels))
    assert table["touches_border"].tolist() == [True, True, True, True, False]
