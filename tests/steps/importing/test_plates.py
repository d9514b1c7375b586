"""Plates by flags: names, channels, planes apart or projected, splits, tiles, other sizes."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Photo
from typer.testing import CliRunner

from cellwright.cli.app import app
from cellwright.formats import open_dataset, write_image, write_instances
from cellwright.geometry import from_label_map
from cellwright.steps.import_images import import_images
from cellwright.types import Image, InputError

LABELS = np.zeros((16, 20), np.uint16)
LABELS[2:6, 2:8] = 1
LABELS[9:14, 4:18] = 7


def pixels(day: int = 1, channel: int = 0, position: int = 0, z: int = 0) -> np.ndarray:
    """Pixels that tell the plane."""
    out = np.full((16, 20), 1000 * day + 100 * channel + 10 * position + z, np.uint16)
    out[0, 0] = 7
    return out


def plate(
    folder: Path, positions=(1, 14), channels=(1, 2), zs=(12, 14, 16), form: str | None = None
) -> Path:
    """A plate in P2's names, or in those of `form`."""
    folder.mkdir(parents=True, exist_ok=True)
    for p in positions:
        for c in channels:
            for z in zs:
                name = (form or "day1t1c{c}xy{p}z{z}").format(c=c, p=p, z=z)
                Photo.fromarray(pixels(1, c, p, z)).save(folder / f"{name}.png")
    return folder


BOTH = ["1=brightfield", "2=fluorescence"]


@pytest.mark.parametrize(
    "form",
    ["day1t1c{c}xy{p}z{z}", "xy{p}_z{z}_c{c}", "z{z}xy{p}day3c{c}", "c{c}-xy{p}-z{z}"],
)
def test_any_order_and_subset_needs_no_pattern(tmp_path: Path, form: str) -> None:
    import_images(plate(tmp_path / "in", form=form), tmp_path / "out")
    data = open_dataset(tmp_path / "out")
    assert len(data) == 2
    assert data[1].image.axes == "ZCYX"
    assert data[1].image.data[2, 1, 3, 3] == 1000 + 200 + 140 + 16


def test_names_without_z_and_several_patterns(tmp_path: Path) -> None:
    src = plate(tmp_path / "in", zs=(0,), form="day3c{c}t3xy{p}")
    result = import_images(src, tmp_path / "out")
    data = open_dataset(tmp_path / "out")
    assert (result.done, data[0].image.axes) == (2, "CYX")
    (src / "A01_w1.png").write_bytes((src / "day3c1t3xy1.png").read_bytes())
    (src / "note.png").write_bytes((src / "day3c1t3xy1.png").read_bytes())
    result = import_images(
        src, tmp_path / "more",
        pattern=["day{day}c{channel}t{t}xy{position}", "{well:[A-P][0-9]{2}}_w{site}"],
    )  # fmt: skip
    assert result.done == 3
    assert result.details["left_out"] == 1
    assert open_dataset(tmp_path / "more").where(well="A01").names == ("A01_w1",)


def test_channels_by_name_and_the_modality(tmp_path: Path) -> None:
    src = plate(tmp_path / "in")
    import_images(src, tmp_path / "both", channel=BOTH)
    both = open_dataset(tmp_path / "both")
    assert both[0].image.channels == ("brightfield", "fluorescence")
    assert both.tags(0)["modality"] == "brightfield+fluorescence"
    import_images(src, tmp_path / "turned", channel=BOTH[::-1])
    turned = open_dataset(tmp_path / "turned")[0].image
    assert (turned.channels, turned.data[0, 0, 3, 3]) == (("fluorescence", "brightfield"), 1222)
    (src / "day1t1c2xy1z14.png").unlink()  # not missed where nobody wants it
    result = import_images(src, tmp_path / "bf", channel=BOTH, keep_channels=["brightfield"])
    one = open_dataset(tmp_path / "bf")
    assert (result.done, result.failed) == (2, ())
    assert (one[0].image.axes, one[0].image.channels) == ("ZYX", ("brightfield",))
    assert one.tags(0)["modality"] == one.tags(0)["channel"] == "brightfield"


def test_channels_within_files(tmp_path: Path) -> None:
    data = np.stack([pixels(channel=c) for c in (1, 2, 3)])
    write_image(Image(data, "CYX", channels=("BF", "GFP", "RFP")), tmp_path / "in" / "a.ome.tif")
    write_image(Image(data, "CYX"), tmp_path / "plain" / "a.tif")
    import_images(
        tmp_path / "in", tmp_path / "1", channel=["BF=bright", "3=red"],
        keep_channels=["red", "bright"],
    )  # fmt: skip
    one = open_dataset(tmp_path / "1")[0].image
    assert (one.channels, one.data[:, 3, 3].tolist()) == (("red", "bright"), [1300, 1100])
    import_images(tmp_path / "plain", tmp_path / "2", channel=["2=gfp"], modalities="each")
    two = open_dataset(tmp_path / "2")
    assert two.names == ("a_1", "a_gfp", "a_3")
    assert two[1].image.data[3, 3] == 1200
    assert two.tags(1) == {"modality": "gfp", "channel": "gfp", "field": "a"}
    for flags in ({"channel": ["9=x"]}, {"keep_channels": ["x"]}, {"channels": ["a", "b"]}):
        result = import_images(tmp_path / "plain", tmp_path / "3", **flags)
        assert len(result.failed) == 1


def test_each_plane_and_each_modality_is_an_image(tmp_path: Path) -> None:
    """P2's second data set: every plane in both modalities, with the mask of its state."""
    src = plate(tmp_path / "in")
    for p in (1, 14):
        write_instances(from_label_map(LABELS), tmp_path / "masks" / f"xy{p}.tif")
    flags = {
        "channel": BOTH, "planes": "each", "modalities": "each", "masks": tmp_path / "masks",
        "mask_pattern": "xy{position}", "split": ["test:position=14"],
    }  # fmt: skip
    result = import_images(src, tmp_path / "out", **flags)
    assert (result.done, result.details["cells"]) == (12, 24)
    data = open_dataset(tmp_path / "out")
    assert data.names[0] == "day1_t1_position1_brightfield_z12"
    assert dict(data.tags(4)) == {
        "day": 1, "t": 1, "position": 1, "z": 14, "channel": "fluorescence",
        "modality": "fluorescence", "field": "day1_t1_position1", "z_route": "merged",
        "split": "train",
    }  # fmt: skip
    assert data[4].image.data[3, 3] == 1000 + 200 + 10 + 14
    assert len(data.where(modality="brightfield", split="test")) == 3
    again = import_images(src, tmp_path / "out", **flags)
    assert (again.done, again.skipped) == (0, 12)
    some = import_images(src, tmp_path / "some", **{**flags, "where": ["z=12", "channel=bright*"]})
    assert some.done == 2


def test_a_stopped_import_of_planes_goes_on(tmp_path: Path) -> None:
    src = plate(tmp_path / "in", channels=(1,))
    import_images(src, tmp_path / "out", planes="each")
    path = tmp_path / "out" / "annotations.json"
    found = json.loads(path.read_text())
    found["images"] = found["images"][:4]
    path.write_text(json.dumps(found))
    result = import_images(src, tmp_path / "out", planes="each")
    assert (result.done, result.skipped) == (2, 4)
    assert len(open_dataset(tmp_path / "out")) == 6


def test_planes_with_masks_of_their_own(tmp_path: Path) -> None:
    src = plate(tmp_path / "in", positions=(1,), channels=(1,), zs=(1, 2, 3))
    for z, labels in ((1, LABELS), (2, np.where(LABELS == 7, 7, 0).astype(np.uint16)), (3, LABELS)):
        name = f"day1t1c1xy1z{z}_masks.tif"
        write_instances(from_label_map(labels), tmp_path / "masks" / name)
    for flags in ({}, {"mask_pattern": "day{day}t{t}c{channel}xy{position}z{z}_masks"}):
        out = tmp_path / f"out{len(flags)}"
        import_images(src, out, planes="each", masks=tmp_path / "masks", **flags)
        data = open_dataset(out)
        assert [len(data.instances(i)) for i in range(3)] == [2, 1, 2]
        assert {data.tags(i)["z_route"] for i in range(3)} == {"plane"}
    whole = import_images(src, tmp_path / "stack", masks=tmp_path / "masks")
    assert "3 masks came for its planes" in whole.failed[0].message
    (tmp_path / "masks" / "day1t1c1xy1z2_masks.tif").unlink()
    lacking = import_images(src, tmp_path / "less", planes="each", masks=tmp_path / "masks")
    assert "z 2 has no mask" in lacking.failed[0].message


@pytest.mark.parametrize("method", ["median", "max", "mean", "focus"])
def test_projections_and_their_route(tmp_path: Path, method: str) -> None:
    import_images(plate(tmp_path / "in", zs=(1, 2, 6)), tmp_path / "out", project=method)
    data = open_dataset(tmp_path / "out")
    image = data[1].image
    assert (image.axes, image.data.dtype, data.tags(1)["z_route"]) == ("CYX", np.uint16, method)
    want = {"median": 2, "max": 6, "mean": 3, "focus": 6}[method]
    assert image.data[0, 9, 9] in ((1241 - 1 + want,) if method != "focus" else (1241, 1242, 1246))


def test_a_channel_without_z_stands_at_every_plane(tmp_path: Path) -> None:
    src = plate(tmp_path / "in", channels=(1,), zs=(1, 2))
    for p in (1, 14):
        Photo.fromarray(pixels(1, 2, p)).save(src / f"day1t1c2xy{p}.png")
    import_images(src, tmp_path / "stack")
    image = open_dataset(tmp_path / "stack")[0].image
    assert image.axes == "ZCYX"
    assert image.data[:, :, 3, 3].tolist() == [[1111, 1210], [1112, 1210]]
    import_images(src, tmp_path / "each", planes="each", modalities="each")
    names = open_dataset(tmp_path / "each").names[:3]
    assert names == (
        "day1_t1_position1_1_z1", "day1_t1_position1_1_z2", "day1_t1_position1_2"
    )  # fmt: skip


def test_tiles_of_pictures_and_of_masks(tmp_path: Path) -> None:
    tiles = [pixels(z=z) for z in range(5)]
    (tmp_path / "in").mkdir()
    (tmp_path / "masks").mkdir()
    Photo.fromarray(np.hstack(tiles)).save(tmp_path / "in" / "a_bf.png")
    one, two = (LABELS == 1), (LABELS == 7)
    Photo.fromarray(np.hstack([one, two])).save(tmp_path / "masks" / "a_seg.png")
    flags = {
        "split_columns": 5, "pattern": "{trap}_bf", "masks": tmp_path / "masks",
        "mask_pattern": "{trap}_seg",
    }  # fmt: skip
    result = import_images(tmp_path / "in", tmp_path / "z", mask_tiles="cells", **flags)
    sample = open_dataset(tmp_path / "z")[0]
    assert result.details["mask_kind"] == "binary"
    assert (sample.image.axes, sample.image.data.shape) == ("ZYX", (5, 16, 20))
    assert sample.instances.areas.tolist() == [24, 70]
    import_images(tmp_path / "in", tmp_path / "c", split_as="channel",
                  **{k: v for k, v in flags.items() if "mask" not in k})  # fmt: skip
    assert open_dataset(tmp_path / "c")[0].image.axes == "CYX"
    Photo.fromarray(np.hstack([one, two, one, one | two, one & two])).save(
        tmp_path / "masks" / "a_seg.png"
    )
    flags |= {"mask_tiles": "planes", "mask_kind": "components"}
    import_images(tmp_path / "in", tmp_path / "p", planes="each", **flags)
    each = open_dataset(tmp_path / "p")
    assert [len(each.instances(i)) for i in range(5)] == [1, 1, 1, 2, 0]
    assert [each.tags(i)["z"] for i in range(5)] == [1, 2, 3, 4, 5]
    assert {each.tags(i)["z_route"] for i in range(5)} == {"plane"}
    import_images(tmp_path / "in", tmp_path / "s", **flags)
    cells = open_dataset(tmp_path / "s")[0].instances
    assert [t["z"] for t in cells.tags] == [1, 2, 3, 4, 4]


def test_another_size_for_images_masks_and_boxes(tmp_path: Path) -> None:
    image = np.zeros((16, 20), np.uint8)
    image[9:14, 4:18] = 200
    write_image(Image(image), tmp_path / "in" / "a.tif")
    write_instances(from_label_map(LABELS), tmp_path / "masks" / "a.tif")
    import_images(
        tmp_path / "in", tmp_path / "out", masks=tmp_path / "masks", resize=(32, 10),
        pixel_size=1.0,
    )  # fmt: skip
    sample = open_dataset(tmp_path / "out")[0]
    assert (sample.image.shape, sample.image.pixel_size) == ((32, 10), (0.5, 2.0))
    assert sample.instances.boxes.tolist() == [[4, 1, 12, 4], [18, 2, 28, 9]]
    seen = sample.image.data > 100
    box = sample.instances.boxes[1]
    assert seen[box[0] : box[2], box[1] : box[3]].mean() > 0.9
    assert seen.sum() <= 1.1 * sample.instances.areas[1]


def test_splits_at_import(tmp_path: Path) -> None:
    src = plate(tmp_path / "in", positions=(1, 14, 20, 10), channels=(1,), zs=(1, 2))
    import_images(src, tmp_path / "out", split=["val:position=14", "test:position=10"])
    data = open_dataset(tmp_path / "out")
    sides = {data.tags(i)["position"]: data.tags(i)["split"] for i in range(4)}
    assert sides == {1: "train", 14: "val", 20: "train", 10: "test"}
    with pytest.raises(InputError, match="images of one field into several parts"):
        import_images(src, tmp_path / "z", planes="each", split=["val:z=1"])
    by_tag = import_images(src, tmp_path / "t", planes="each", tags=["split=val:z=1", "split=x"])
    assert len(by_tag.failed) == 4
    assert "a field is not divided" in by_tag.failed[0].message
    plate(src, positions=(14,), channels=(1,), zs=(1, 2), form="day2t1c{c}xy{p}z{z}")
    with pytest.raises(InputError, match="both are of position 14"):
        import_images(src, tmp_path / "out", split=["val:day=2"], group=["position"])
    drawn = import_images(src, tmp_path / "d", split=["val:0.4"], group=["position"], seed=3)
    assert drawn.done == 5
    found = open_dataset(tmp_path / "d")
    assert (
        len({found.tags(i)["position"] for i in range(5) if found.tags(i)["split"] == "val"}) == 2
    )


def test_an_unreadable_plane_costs_its_field_only(tmp_path: Path) -> None:
    src = plate(tmp_path / "in")
    bad = src / "day1t1c2xy14z16.png"
    bad.write_bytes(bad.read_bytes()[:60])
    result = import_images(src, tmp_path / "out")
    assert result.done == 1
    assert "day1t1c2xy14z16.png: the file is damaged" in result.failed[0].message
    listed = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert len(listed["failed"]) == 1


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        ({"channel": ["7=x"]}, "no channel 7; they have 1, 2"),
        ({"channel": ["x"]}, "KEY=NAME"),
        ({"channel": BOTH, "keep_channels": ["dapi"]}, "there are brightfield, fluorescence"),
        ({"channel": BOTH, "channels": ["a", "b"]}, "one of the two"),
        ({"project": "median", "planes": "each"}, "one of the two"),
        ({"project": "min"}, "one of median, max"),
        ({"planes": "all"}, "one of stack, each"),
        ({"mask_tiles": "rows"}, "cells or planes"),
        ({"mask_tiles": "planes", "project": "max"}, "--planes each"),
        ({"resize": (0, 4)}, "1 or more"),
        ({"split": ["val"]}, "NAME:TAG=VALUE"),
        ({"group": ["well"]}, "no such tag"),
        ({"output": None}, "no output"),
    ],
)
def test_wrong_flags_get_one_line(tmp_path: Path, flags: dict, message: str) -> None:
    src = plate(tmp_path / "in", zs=(1,))
    with pytest.raises(InputError, match=message) as caught:
        import_images(src, **{"output": tmp_path / "out", **flags})
    assert "\n" not in str(caught.value)


def test_label_studio_masks(tmp_path: Path) -> None:
    src = plate(tmp_path / "in", channels=(1,), zs=(1,))
    value = {"points": [[10, 25], [50, 25], [50, 50], [10, 50]], "polygonlabels": ["Alive"]}
    tasks = [
        {
            "file_upload": f"12ab34cd-day1t1c1xy{p}z1.png",
            "annotations": [{"result": [{
                "type": "polygonlabels", "original_width": 20, "original_height": 16,
                "value": value}] * n}],
        }
        for p, n in ((1, 2), (14, 0))
    ]  # fmt: skip
    (tmp_path / "export.json").write_text(json.dumps(tasks))
    result = import_images(src, tmp_path / "out", masks=tmp_path / "export.json")
    data = open_dataset(tmp_path / "out")
    assert (result.failed, data.class_names) == ((), ("Alive",))
    assert data.instances(0).areas.tolist() == [32, 32]
    assert data.labelled(1)
    assert len(data.instances(1)) == 0


def test_the_command_takes_all_of_it(tmp_path: Path) -> None:
    src = plate(tmp_path / "in")
    words = [
        "import", src, "-o", tmp_path / "out", "--pattern", "x{n}", "--pattern",
        "day{day}t{t}c{channel}xy{position}z{z}", "--channel", "1=brightfield", "--channel",
        "2=fluorescence", "--keep-channels", "brightfield", "--planes", "each", "--split",
        "val:position=14", "--split", "test:position=10", "--resize", "32", "40",
    ]  # fmt: skip
    done = CliRunner().invoke(app, [str(w) for w in words])
    assert done.exit_code == 0, done.output
    data = open_dataset(tmp_path / "out").where(split="val")
    assert len(data) == 3
    assert data[0].image.shape == (32, 40)
    wrong = CliRunner().invoke(app, ["import", str(src), "-o", "x", "--channel", "1"])
    assert wrong.exit_code == 2


def test_a_data_set_is_imported_with_its_tags(tmp_path: Path) -> None:
    src = plate(tmp_path / "in")
    for p in (1, 14):
        write_instances(from_label_map(LABELS), tmp_path / "masks" / f"xy{p}.tif")
    flags = {"masks": tmp_path / "masks", "mask_pattern": "xy{position}", "channel": BOTH}
    import_images(src, tmp_path / "data", split=["val:position=14"], **flags)
    result = import_images(
        tmp_path / "data", tmp_path / "flat", where=["split=val"], project="max",
        keep_channels=["fluorescence"],
    )  # fmt: skip
    assert (result.done, result.failed, result.details["cells"]) == (1, (), 2)
    one = open_dataset(tmp_path / "flat")[0]
    assert (one.image.axes, one.image.channels) == ("YX", ("fluorescence",))
    assert one.image.data[3, 3] == 1000 + 200 + 140 + 16
    assert one.image.tags["z_route"] == "max"
    assert one.instances.areas.tolist() == [24, 70]
