"""Label Studio exports: polygons, ellipses, brush masks, names, and which annotation counts."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats.label_studio import brush_mask, is_label_studio, read_label_studio
from cellwright.types import InputError


def region(kind: str, value: dict, label: str = "cell", **more) -> dict:
    """A region of an image of 20 x 40 pixels."""
    return {
        "id": "r1", "type": kind, "from_name": "label", "to_name": "image",
        "original_width": 40, "original_height": 20, "image_rotation": 0,
        "value": {**value, kind: [label]}, **more,
    }  # fmt: skip


BOX = region("polygonlabels", {"points": [[25, 50], [75, 50], [75, 100], [25, 100]]})


def task(regions: list[dict], name: str = "/data/upload/3/1a2b3c4d-a.png", **more) -> dict:
    """A task with one annotation."""
    about = {"was_cancelled": False, "ground_truth": False, **more}
    return {"id": 1, "data": {"image": name}, "annotations": [{"result": regions, **about}]}


def export(path: Path, tasks: list[dict]) -> Path:
    """Write an export."""
    path.write_text(json.dumps(tasks))
    return path


def packed(mask: np.ndarray, runs: bool = True) -> list[int]:
    """Pack a mask as rle-pack does: RGBA, 8-bit values, lengths of 4, 8, 12 and 16 bits."""
    values = np.zeros((*mask.shape, 4), np.uint8)
    values[mask] = 255
    flat = values.ravel()
    bits = f"{flat.size:032b}" + f"{7:05b}" + "".join(f"{n - 1:04b}" for n in (4, 8, 12, 16))
    at = 0
    while at < flat.size:
        stop = at + 1
        while runs and stop < flat.size and flat[stop] == flat[at] and stop - at < 2**16:
            stop += 1
        length = stop - at - 1
        which = next(i for i, n in enumerate((4, 8, 12, 16)) if length < 2**n)
        bits += f"{int(runs)}{which:02b}{length:0{(4, 8, 12, 16)[which]}b}"
        bits += "".join(f"{flat[i]:08b}" for i in range(at, at + 1 if runs else stop))
        at = stop
    bits += "0" * (-len(bits) % 8)
    return [int(bits[i : i + 8], 2) for i in range(0, len(bits), 8)]


def test_percent_become_pixels(tmp_path: Path) -> None:
    data = read_label_studio(export(tmp_path / "e.json", [task([BOX])]))
    assert data.names == ("a",)
    assert (data.shape(0), data.class_names) == ((20, 40), ("cell",))
    cells = data.instances(0)
    assert cells.boxes.tolist() == [[10, 10, 20, 30]]
    assert cells.areas.tolist() == [200]
    assert cells.tags[0]["label_studio"] == "r1"


def test_ellipses_classes_and_overlaps(tmp_path: Path) -> None:
    flat = region(
        "ellipselabels", {"x": 50, "y": 50, "radiusX": 25, "radiusY": 25, "rotation": 0}, "dead"
    )
    turned = region(
        "ellipselabels", {"x": 50, "y": 50, "radiusX": 20, "radiusY": 10, "rotation": 90}, "alive"
    )
    data = read_label_studio(export(tmp_path / "e.json", [task([flat, turned, BOX])]))
    cells = data.instances(0)
    assert data.class_names == ("alive", "cell", "dead")
    assert cells.classes.tolist() == [2, 0, 1]
    assert cells.areas[0] == pytest.approx(np.pi * 10 * 5, rel=0.05)
    top, left, bottom, right = cells.boxes[1]
    assert (bottom - top, right - left) == (16, 4)
    assert cells.areas.sum() > 350


@pytest.mark.parametrize("runs", [True, False])
def test_brush_masks(tmp_path: Path, runs: bool) -> None:
    mask = np.zeros((20, 40), bool)
    mask[3:9, 5:30] = True
    mask[12, 7] = True
    assert np.array_equal(brush_mask(packed(mask, runs), (20, 40)), mask)
    one = region("brushlabels", {"format": "rle", "rle": packed(mask, runs)})
    cells = read_label_studio(export(tmp_path / "e.json", [task([one])])).instances(0)
    assert cells.areas.tolist() == [mask.sum()]
    with pytest.raises(InputError, match="too early"):
        brush_mask(packed(mask, runs)[:-9], (20, 40))
    with pytest.raises(InputError, match="4 a pixel"):
        brush_mask(packed(mask, runs), (20, 41))


@pytest.mark.parametrize(
    ("place", "name"),
    [
        ("/data/upload/3/1a2b3c4d-well_A1-2.ome.png", "well_A1-2.ome"),
        ("/data/local-files/?d=plate%201/xy1.tif", "xy1"),
        ("s3://bucket/run/xy1.tif", "xy1"),
        ("https://host/x/a%20b.png?token=1", "a b"),
    ],
)
def test_names_are_those_before_the_upload(tmp_path: Path, place: str, name: str) -> None:
    assert read_label_studio(export(tmp_path / "e.json", [task([BOX], place)])).names == (name,)


def test_the_annotation_that_counts(tmp_path: Path) -> None:
    two = task([BOX])
    two["annotations"] = [
        {"result": [BOX, BOX], "updated_at": "2024-02-01"},
        {"result": [BOX], "updated_at": "2024-03-01"},
        {"result": [], "was_cancelled": True, "updated_at": "2024-04-01"},
    ]
    other = task([BOX, BOX, BOX], "b.png", ground_truth=True)
    other["annotations"].append({"result": [BOX]})
    empty, undone = task([], "c.png"), {"data": {"image": "d.png"}, "annotations": []}
    data = read_label_studio(export(tmp_path / "e.json", [two, other, empty, undone]))
    assert data.names == ("a", "b", "c")
    assert [len(data.instances(i)) for i in range(2)] == [1, 3]
    assert data.shape(2) == (0, 0)


def test_the_short_export_and_the_old_one(tmp_path: Path) -> None:
    value = dict(BOX["value"])
    short = {"image": "/data/upload/1/0f0f0f0f-a.png", "id": 7,
             "label": [{**value, "original_width": 40, "original_height": 20}]}  # fmt: skip
    old = {"data": {"image": "b.png"}, "completions": [{"result": [BOX]}]}
    data = read_label_studio(export(tmp_path / "e.json", [short, old]))
    assert data.names == ("a", "b")
    assert [data.instances(i).areas.tolist() for i in range(2)] == [[200], [200]]


def test_rectangles_are_no_outlines(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    box = region("rectanglelabels", {"x": 1, "y": 1, "width": 5, "height": 5, "rotation": 0})
    choice = {"type": "choices", "value": {"choices": ["good"]}}
    data = read_label_studio(export(tmp_path / "e.json", [task([box, choice, BOX])]))
    assert len(data.instances(0)) == 1
    assert "1 regions of type rectanglelabels" in caplog.text


@pytest.mark.parametrize(
    ("tasks", "message"),
    [
        ([1], "list of tasks"),
        ([task([BOX]), task([BOX])], "comes twice"),
        ([task([{**BOX, "image_rotation": 90}])], "turned by 90"),
        ([task([region("polygonlabels", {"points": [[1, 1]]})])], "task 1 is damaged"),
        ([task([{**BOX, "value": None}])], "task 1 is damaged"),
    ],
)
def test_bad_exports_say_so(tmp_path: Path, tasks: list, message: str) -> None:
    path = export(tmp_path / "e.json", tasks)
    assert is_label_studio(path)
    with pytest.raises(InputError, match=message):
        read_label_studio(path)


def test_coco_is_no_label_studio(tmp_path: Path) -> None:
    (tmp_path / "c.json").write_text(' {"images": []}')
    assert not is_label_studio(tmp_path / "c.json")
