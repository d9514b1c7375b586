"""Cells: label images, ROIs, GeoJSON and OME-Zarr labels, to disk and back."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Photo

from cellwright.formats import read_image, read_instances, read_sample, write_image, write_instances
from cellwright.formats.label_map import read_labels, write_labels
from cellwright.formats.masks import detect_kind, fill_lines, read_masks
from cellwright.formats.ome_zarr import label_names
from cellwright.geometry import from_label_map, from_masks, to_label_map
from cellwright.types import Image, InputError, Instances


def overlapping() -> Instances:
    """A ring, a cell in two pieces that overlaps it, and one at the border."""
    masks = np.zeros((3, 24, 30), bool)
    masks[0, 2:12, 2:12] = True
    masks[0, 5:8, 5:8] = False
    masks[1, 6:9, 4:20] = True
    masks[1, 15:17, 20:25] = True
    masks[2, 20:24, 25:30] = True
    return from_masks(
        masks, scores=[0.5, 0.125, 1.0], classes=[1, 0, 1], class_names=("cell", "nucleus")
    )


def same_masks(a: Instances, b: Instances) -> bool:
    """Whether the cells agree pixel for pixel."""
    return a.boxes.tolist() == b.boxes.tolist() and all(
        np.array_equal(x, y) for x, y in zip(a.masks, b.masks, strict=True)
    )


@pytest.mark.parametrize("name", ["a.zip", "a.geojson"])
def test_outlines_keep_overlaps_holes_pieces_classes_and_scores(tmp_path: Path, name: str) -> None:
    before = overlapping()
    write_instances(before, tmp_path / name)
    after = read_instances(tmp_path / name, shape=(24, 30))
    assert same_masks(before, after)
    assert np.allclose(after.scores, before.scores)
    named = [after.class_names[c] for c in after.classes]
    assert named == ["nucleus", "cell", "nucleus"]
    write_instances(Instances.empty((4, 5)), tmp_path / name)
    assert len(read_instances(tmp_path / name, shape=(4, 5))) == 0


@given(mask=hnp.arrays(bool, st.tuples(st.integers(1, 9), st.integers(1, 9))))
@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_any_mask_survives_as_outline(tmp_path: Path, mask: np.ndarray) -> None:
    frame = np.pad(mask, ((3, 1), (2, 4)))
    cells = from_masks([frame], frame.shape)
    for name in ("a.zip", "a.geojson"):
        write_instances(cells, tmp_path / name)
        assert same_masks(read_instances(tmp_path / name, shape=frame.shape), cells)


def test_rois_far_out_do_not_wrap(tmp_path: Path) -> None:
    shape = (70000, 70010)
    boxes = np.array([[69990, 69995, 70000, 70005], [40000, 3, 40004, 9], [3, 33000, 8, 33010]])
    cells = Instances(shape, boxes, tuple(np.ones((b[2] - b[0], b[3] - b[1]), bool) for b in boxes))
    cells.masks[1][1, 1] = False  # a hole: a composite ROI
    write_instances(cells, tmp_path / "a.zip")
    assert same_masks(read_instances(tmp_path / "a.zip", shape=shape), cells)


def test_imagej_ovals_rectangles_and_lines(tmp_path: Path) -> None:
    import roifile

    kinds = roifile.ROI_TYPE
    rois = [
        roifile.ImagejRoi(roitype=k, left=4, top=2, right=14, bottom=8, name=f"r{k.value}")
        for k in (kinds.RECT, kinds.OVAL, kinds.LINE)
    ]
    roifile.roiwrite(tmp_path / "a.zip", rois)
    found = read_instances(tmp_path / "a.zip", shape=(20, 30))
    assert found.boxes.tolist() == [[2, 4, 8, 14], [2, 4, 8, 14]]
    assert found.areas[0] == 60
    assert abs(found.areas[1] - np.pi * 15) < 5
    assert [t["roi"] for t in found.tags] == ["r1", "r2"]


def test_the_real_roi_sets_hold_the_labelled_cells(data_dir: Path) -> None:
    folder = data_dir / "usiigaci" / "set18"
    labels = from_label_map(read_labels(folder / "labels.png"))
    rois = read_instances(folder / "RoiSet.zip", shape=labels.shape)
    assert len(rois) == len(labels)
    assert abs(rois.areas.sum() / labels.areas.sum() - 1) < 0.1


def test_geojson_is_what_qupath_opens(tmp_path: Path) -> None:
    write_instances(overlapping(), tmp_path / "a.geojson")
    data = json.loads((tmp_path / "a.geojson").read_text())
    assert data["type"] == "FeatureCollection"
    first, second, third = data["features"]
    assert {f["type"] for f in data["features"]} == {"Feature"}
    assert first["geometry"]["type"] == "Polygon"
    assert len(first["geometry"]["coordinates"]) == 2
    assert second["geometry"]["type"] == "MultiPolygon"
    ring = third["geometry"]["coordinates"][0]
    assert ring[0] == ring[-1]
    assert sorted(map(tuple, ring[:-1])) == [(25, 20), (25, 24), (30, 20), (30, 24)]
    assert third["properties"]["objectType"] == "annotation"
    assert third["properties"]["classification"]["name"] == "nucleus"


def test_geojson_as_qupath_exports_it(tmp_path: Path) -> None:
    square = [[[2.5, 1], [6.5, 1], [6.5, 4], [2.5, 4], [2.5, 1]]]
    features = [
        {"type": "Feature", "id": "x", "geometry": {"type": "Polygon", "coordinates": square},
         "properties": {"objectType": "detection",
                        "measurements": [{"name": "score", "value": 0.5}]}},
        {"type": "Feature", "geometry": {"type": "Point", "coordinates": [1, 2]}, "properties": {}},
    ]  # fmt: skip
    (tmp_path / "a.geojson").write_text(json.dumps(features))
    found = read_instances(tmp_path / "a.geojson", shape=(10, 10))
    assert found.areas.tolist() == [12]
    assert found.scores.tolist() == [0.5]
    with pytest.raises(InputError, match="shape"):
        read_instances(tmp_path / "a.geojson")


def test_labels_lose_overlaps_and_nothing_else(tmp_path: Path) -> None:
    cells = overlapping()
    for name in ("a.tif", "a.png", "a.zarr"):
        write_instances(cells, tmp_path / name)
        found = read_instances(tmp_path / name)
        assert np.array_equal(to_label_map(cells) > 0, to_label_map(found) > 0)
    assert found.class_names == ("nucleus", "cell")
    assert np.allclose(found.scores, cells.scores)


@pytest.mark.parametrize("name", ["a.tif", "a.zarr"])
def test_more_than_65535_labels_do_not_wrap(tmp_path: Path, name: str) -> None:
    count = 65540
    labels = np.zeros((300, 300), np.int64)
    labels.flat[:count] = np.arange(1, count + 1)
    cells = from_label_map(labels)
    write_instances(cells, tmp_path / name)
    found = read_instances(tmp_path / name)
    assert len(found) == count
    assert same_masks(found, cells)
    if name == "a.tif":
        assert read_labels(tmp_path / name).dtype == np.uint32
        with pytest.raises(InputError, match="PNG"):
            write_labels(labels, tmp_path / "a.png")


@pytest.mark.parametrize(
    "dtype", ["uint8", "uint16", "uint32", "int32", "int64", "float32", "bool"]
)
def test_label_images_of_any_type(tmp_path: Path, dtype: str) -> None:
    labels = np.zeros((6, 7), dtype)
    labels[1:3, 1:4] = 1
    tifffile.imwrite(tmp_path / "a.tif", labels)
    assert read_instances(tmp_path / "a.tif").areas.tolist() == [6]


def test_palette_labels_and_bad_labels(tmp_path: Path) -> None:
    photo = Photo.fromarray(np.array([[0, 3, 3], [0, 0, 9]], np.uint8), mode="P")
    photo.putpalette([i for v in range(256) for i in (v * 7 % 256, v, 255 - v)])
    photo.save(tmp_path / "p.png")
    assert np.unique(read_labels(tmp_path / "p.png")).tolist() == [0, 3, 9]
    for name, data, message in (
        ("neg.tif", np.full((3, 3), -1, np.int16), "-1"),
        ("half.tif", np.full((3, 3), 0.5, np.float32), "whole"),
        ("deep.ome.tif", np.zeros((2, 3, 3), np.uint8), "rows and columns only"),
    ):
        write_image(Image(data, "ZYX"[-data.ndim :]), tmp_path / name)
        with pytest.raises(InputError, match=message):
            read_instances(tmp_path / name)
    with pytest.raises(InputError, match="same rows and columns"):
        read_instances(tmp_path / "p.png", shape=(9, 9))


@pytest.mark.parametrize("zarr_format", [2, 3])
def test_labels_go_into_an_image(tmp_path: Path, zarr_format: int) -> None:
    path = tmp_path / "a.zarr"
    data = np.random.default_rng(0).integers(0, 99, (2, 24, 30)).astype(np.uint8)
    write_image(Image(data, "CYX", (0.5, 0.5), ("a", "b")), path)
    if zarr_format == 2:
        from cellwright.formats import ome_zarr

        path = tmp_path / "old.zarr"
        ome_zarr._write(path, data, [0, 1, 2], "CYX", (0.5, 0.5), {}, "old", 2)
    write_instances(overlapping(), path)
    write_instances(overlapping()[:1], path)
    assert label_names(path) == ("cells",)
    found = read_sample(path)
    assert np.array_equal(found.image.data, data)
    assert found.image.pixel_size == (0.5, 0.5)
    assert found.instances is not None
    assert len(found.instances) == 1
    assert len(read_instances(path / "labels" / "cells")) == 1
    with pytest.raises(InputError, match="agree"):
        write_instances(Instances.empty((4, 5)), path)


def test_pyramids_are_what_ome_zarr_reads(tmp_path: Path) -> None:
    reader = pytest.importorskip("ome_zarr.reader")
    io = pytest.importorskip("ome_zarr.io")
    data = np.random.default_rng(0).integers(0, 9999, (2, 3, 1300, 40)).astype(np.uint16)
    write_image(Image(data, "ZCYX", (0.5, 0.25), ("a", "b", "c")), tmp_path / "a.zarr")
    node = next(iter(reader.Reader(io.parse_url(str(tmp_path / "a.zarr")))()))
    assert [a["name"] for a in node.metadata["axes"]] == ["c", "z", "y", "x"]
    assert [d.shape for d in node.data] == [(3, 2, 1300, 40), (3, 2, 650, 20)]
    assert np.array_equal(np.asarray(node.data[0]), data.swapaxes(0, 1))
    assert np.array_equal(np.asarray(node.data[1]), data.swapaxes(0, 1)[..., ::2, ::2])
    found = read_image(tmp_path / "a.zarr", lazy=True)
    assert found.axes == "ZCYX"
    assert np.array_equal(
        found.stack((slice(3, 9), slice(4, 5))), data.reshape(6, 1300, 40)[:, 3:9, 4:5]
    )


def test_damaged_outline_files(tmp_path: Path) -> None:
    (tmp_path / "a.zip").write_bytes(b"PK no zip")
    (tmp_path / "b.roi").write_bytes(b"Iout\0")
    (tmp_path / "c.geojson").write_text(
        '{"type": "FeatureCollection", "features": [{"geometry": 7}]}'
    )
    (tmp_path / "d.geojson").write_text("{")
    for name in ("a.zip", "b.roi", "c.geojson", "d.geojson", "none.zip"):
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            read_instances(tmp_path / name, shape=(5, 5))
    with pytest.raises(InputError, match="format 'svg'"):
        write_instances(overlapping(), tmp_path / "a", format="svg")


def ring(frame: np.ndarray, row: int, col: int, radius: int) -> None:
    """Draw a one-pixel, 8-connected circle."""
    turn = np.linspace(0, 2 * np.pi, 40 * radius)
    frame[np.rint(row + radius * np.sin(turn)).astype(int),
          np.rint(col + radius * np.cos(turn)).astype(int)] = True  # fmt: skip


def test_outlines_are_filled_and_slivers_dropped(tmp_path: Path) -> None:
    lines = np.zeros((80, 100), bool)
    for row, col in ((20, 20), (20, 46), (55, 60)):
        ring(lines, row, col, 13)
    lines[70:73, 5:8] = True
    lines[71, 6] = False  # a sliver: one enclosed pixel
    labels = fill_lines(lines)
    assert len(np.unique(labels)) == 4
    assert labels[71, 6] == 0
    assert len({int(labels[20, 20]), int(labels[20, 46]), int(labels[55, 60])}) == 3
    areas = np.sort(np.bincount(labels.ravel())[1:])[-3:]
    assert (np.abs(areas - np.pi * 13.5**2) < 0.1 * areas).all()
    Photo.fromarray(lines).save(tmp_path / "a.png")
    assert detect_kind([[tmp_path / "a.png"]]) == "outlines"
    assert len(read_masks([tmp_path / "a.png"], "outlines", shape=(80, 100))) == 3


def test_kinds_are_told_apart_or_asked_for(tmp_path: Path) -> None:
    blobs = np.zeros((20, 20), np.uint8)
    blobs[2:8, 2:8] = 255
    blobs[10:18, 10:18] = 255
    Photo.fromarray(blobs).save(tmp_path / "blobs.png")
    blob = tmp_path / "blobs.png"
    Photo.fromarray((blobs > 0).astype(np.uint8) * np.arange(20, dtype=np.uint8)).save(
        tmp_path / "l.png"
    )
    assert detect_kind([[tmp_path / "l.png"]]) == "labels"
    assert detect_kind([[blob], [blob, blob]]) == "binary"
    with pytest.raises(InputError, match="components"):
        detect_kind([[blob]])
    assert len(read_masks([blob], "components", shape=(20, 20))) == 2
    both = read_masks([blob, blob], "binary", shape=(20, 20), class_name="worm")
    assert both.areas.tolist() == [100, 100]
    assert both.class_names == ("worm",)
    for kind, paths, message in (
        ("labels", [blob, blob], "2 labels files"),
        ("binary", [tmp_path / "l.png"], "0 and one other"),
    ):
        with pytest.raises(InputError, match=message):
            read_masks(paths, kind, shape=(20, 20))
    with pytest.raises(InputError, match="same rows and columns"):
        read_masks([blob], "binary", shape=(20, 21))


def test_large_label_images_are_streamed_in_tiles(tmp_path: Path, monkeypatch) -> None:
    from cellwright.formats import label_map
    from cellwright.geometry import from_label_map, to_label_map

    rng = np.random.default_rng(0)
    labels = np.kron(rng.integers(0, 40, (13, 21)), np.ones((9, 7), int))
    cells = from_label_map(labels)
    monkeypatch.setattr(label_map, "STREAMED_PIXELS", 100)
    monkeypatch.setattr(label_map, "TILE", 32)
    label_map.write_instances(cells, tmp_path / "a.tif")
    np.testing.assert_array_equal(label_map.read_labels(tmp_path / "a.tif"), to_label_map(cells))
