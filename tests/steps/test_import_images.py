"""Import: real sets by flags alone, kinds of masks, planes, tags, and what goes wrong."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Photo

from cellwright.formats import (
    open_dataset,
    read_instances,
    write_coco,
    write_image,
    write_instances,
)
from cellwright.geometry import from_label_map
from cellwright.overlap import intersections
from cellwright.steps.import_images import import_images
from cellwright.types import Image, InputError

LABELS = np.zeros((16, 20), np.uint16)
LABELS[2:6, 2:8] = 1
LABELS[9:14, 4:18] = 7


def picture(value: int = 0, shape: tuple[int, int] = (16, 20)) -> Image:
    """A flat image."""
    return Image(np.full(shape, value, np.uint16))


def folder(path: Path, names: tuple[str, ...] = ("a", "b")) -> Path:
    """Images `names` in path/images, labels in path/labels."""
    for i, name in enumerate(names):
        write_image(picture(i), path / "images" / f"{name}.tif")
        write_instances(from_label_map(LABELS), path / "labels" / f"{name}_masks.tif")
    return path


def test_images_and_labels_of_the_same_stem(tmp_path: Path) -> None:
    src = folder(tmp_path)
    result = import_images(src / "images", tmp_path / "out", masks=src / "labels", tags=["split=x"])
    assert (result.done, result.skipped, result.failed) == (2, 0, ())
    assert result.details["cells"] == 4
    assert result.details["mask_kind"] == "labels"
    data = open_dataset(tmp_path / "out")
    assert data.names == ("a", "b")
    assert data.tags(0) == {"split": "x"}
    assert data.instances(1).areas.tolist() == [24, 70]
    again = import_images(src / "images", tmp_path / "out", masks=src / "labels", tags=["split=x"])
    assert (again.done, again.skipped) == (0, 2)
    other = import_images(src / "images", tmp_path / "out", masks=src / "labels", tags=["split=y"])
    assert len(other.failed) == 2
    assert "already" in other.failed[0].message


def test_images_alone_are_unlabelled(tmp_path: Path) -> None:
    src = folder(tmp_path)
    import_images([src / "images"], tmp_path / "out", pixel_size=0.5)
    first = open_dataset(tmp_path / "out")[0]
    assert first.instances is None
    assert first.image.pixel_size == (0.5, 0.5)


@pytest.mark.parametrize("suffix", [".zip", ".geojson", ".png"])
def test_other_masks(tmp_path: Path, suffix: str) -> None:
    src = folder(tmp_path, ("a",))
    write_instances(from_label_map(LABELS), tmp_path / "other" / f"a{suffix}")
    import_images(src / "images", tmp_path / "out", masks=tmp_path / "other", class_name="yeast")
    data = open_dataset(tmp_path / "out")
    assert data.class_names == ("yeast",)
    assert data.instances(0).areas.tolist() == [24, 70]


def test_coco_masks_and_coco_sources(tmp_path: Path) -> None:
    src = folder(tmp_path)
    cells = from_label_map(LABELS, class_names=("neuron",))
    write_coco(
        [("a", cells), ("b", cells[:1])], src / "images" / "coco.json", class_names=("neuron",),
        records={n: {"file_name": f"{n}.tif", "tags": {"cell_line": n * 3}} for n in "ab"},
    )  # fmt: skip
    import_images(src / "images", tmp_path / "one", masks=src / "images" / "coco.json")
    result = import_images(src / "images" / "coco.json", tmp_path / "two")
    assert result.details["mask_kind"] == "coco"
    for name in ("one", "two"):
        data = open_dataset(tmp_path / name)
        assert data.class_names == ("neuron",)
        assert [len(data.instances(i)) for i in range(2)] == [2, 1]
        assert data.where(cell_line="bbb").names == ("b",)
    (src / "images" / "b.tif").unlink()
    result = import_images(src / "images" / "coco.json", tmp_path / "three")
    assert [f.message for f in result.failed] == ["the image file is missing"]
    assert result.done == 1


def test_planes_become_one_image(tmp_path: Path) -> None:
    for position in (1, 2):
        for channel in (1, 2):
            for z in (1, 2, 10):
                name = f"day1t1c{channel}xy{position}z{z}.tif"
                write_image(picture(100 * position + 10 * channel + z), tmp_path / "in" / name)
    import_images(tmp_path / "in", tmp_path / "out", channels=["phase", "dapi"])
    data = open_dataset(tmp_path / "out")
    assert data.names == ("day1_t1_position1", "day1_t1_position2")
    first = data[0].image
    assert (first.axes, first.channels) == ("ZCYX", ("phase", "dapi"))
    assert first.data[:, :, 0, 0].tolist() == [[111, 121], [112, 122], [120, 130]]
    assert dict(first.tags) == {"day": 1, "t": 1, "position": 1}


def test_a_field_with_a_missing_plane_is_reported_and_the_rest_is_done(tmp_path: Path) -> None:
    for name in ("c1xy1", "c2xy1", "c1xy2", "c1xy3", "c2xy3"):
        write_image(picture(), tmp_path / "in" / f"{name}.tif")
    result = import_images(tmp_path / "in", tmp_path / "out", pattern="c{channel}xy{position}")
    assert result.done == 2
    assert "c1xy2: missing channel 2" in result.failed[0].message
    failures = json.loads((tmp_path / "out" / "failures.json").read_text())
    assert "missing channel 2" in json.dumps(failures)


def test_one_bad_file_is_reported_and_the_rest_is_done(tmp_path: Path) -> None:
    src = folder(tmp_path, ("a", "b", "c", "d"))
    path = src / "images" / "b.tif"
    path.write_bytes(path.read_bytes()[:200])
    write_image(picture(shape=(16, 21)), src / "images" / "c.tif")
    (src / "labels" / "d_masks.tif").unlink()
    result = import_images(src / "images", tmp_path / "out", masks=src / "labels")
    assert result.done == 1
    messages = " ".join(f.message for f in result.failed)
    assert len(result.failed) == 3
    for part in ("b.tif", "the mask is (16, 20), the image is (16, 21)", "d has no mask"):
        assert part in messages
    assert open_dataset(tmp_path / "out").names == ("a",)


def test_tag_tables_and_conditions(tmp_path: Path) -> None:
    src = folder(tmp_path, ("a", "b", "c"))
    (tmp_path / "t.csv").write_text("image,kind\na,dense\nb,sparse\n")
    result = import_images(
        src / "images", tmp_path / "out", tag_table=tmp_path / "t.csv", where=["kind=d*"]
    )
    assert open_dataset(tmp_path / "out").names == ("a",)
    assert [f.message.split(" in ")[0] for f in result.failed] == ["c has no row"]
    with pytest.raises(InputError, match="no image meets"):
        import_images(src / "images", tmp_path / "none", where=["name=z"])


def test_names_that_collide_take_their_folders(tmp_path: Path) -> None:
    for well in ("A", "B"):
        write_image(picture(), tmp_path / "in" / well / "img.tif")
    import_images(tmp_path / "in", tmp_path / "out", pattern="{well}/img")
    data = open_dataset(tmp_path / "out")
    assert data.names == ("A_img", "B_img")
    assert data.tags(1) == {"well": "B"}


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"pattern": "x{well}y"}, "fits none of 2 images"),
        ({"masks": "nowhere"}, "no such file"),
        ({"mask_kind": "blobs"}, "not known"),
        ({"masks": "labels", "mask_pattern": "q{well}"}, "fits none of 2 mask files"),
        ({"masks": "images"}, "no mask fits"),
        ({"tags": ["split"]}, "key=value"),
    ],
)
def test_wrong_use_gets_one_line(tmp_path: Path, options: dict[str, str], message: str) -> None:
    src = folder(tmp_path)
    if "masks" in options:
        options = {**options, "masks": str(src / options["masks"])}
    with pytest.raises(InputError, match=message) as caught:
        import_images(src / "images", tmp_path / "out", **options)  # type: ignore[arg-type]
    assert "\n" not in str(caught.value)


def test_usiigaci_by_flags(tmp_path: Path, data_dir: Path) -> None:
    src = data_dir / "usiigaci"
    result = import_images(
        src, tmp_path, pattern="set{set}/phase", masks=src, mask_pattern="set{set}/labels",
        tags=["split=train:set=01,05,09,13,18", "split=test"], where=["set=01,22"],
    )  # fmt: skip
    assert (result.done, result.failed) == (2, ())
    data = open_dataset(tmp_path)
    assert data.where(split="train").names == ("set01_phase",)
    truth = read_instances(src / "set22" / "labels.png")
    assert data.instances(1).areas.tolist() == truth.areas.tolist()


def test_worms_keep_their_overlaps(tmp_path: Path, data_dir: Path) -> None:
    src = data_dir / "bbbc010"
    result = import_images(
        src / "images", tmp_path, pattern="*_{well}_w{channel}_*", channels=["gfp", "bright"],
        masks=src / "eachworm", mask_pattern="{well}_{worm}_ground_truth", where=["well=A01,A09"],
        class_name="worm",
    )  # fmt: skip
    assert result.failed == ()
    for one in open_dataset(tmp_path):
        files = sorted((src / "eachworm").glob(f"{one.image.tags['well']}_*.png"))
        stack = np.array([np.asarray(Photo.open(f)) > 0 for f in files])
        cells = one.instances
        assert cells is not None
        assert one.image.axes == "CYX"
        assert sorted(cells.areas) == sorted(stack.sum((1, 2)))
        i, j, pixels = intersections(cells, cells)
        flat = stack.reshape(len(stack), -1).astype(np.int64)
        assert pixels[i < j].sum() == np.triu(flat @ flat.T, 1).sum() > 0


def test_red_blood_cells_are_filled(tmp_path: Path, data_dir: Path) -> None:
    src = data_dir / "bbbc009"
    result = import_images(src / "images", tmp_path, masks=src / "outlines")
    assert result.details["mask_kind"] == "outlines"
    counts = [len(s.instances or ()) for s in open_dataset(tmp_path)]
    assert all(30 < n < 60 for n in counts)
    assert min(s.instances.areas.min() for s in open_dataset(tmp_path) if s.instances) > 150


def test_nuclei_by_their_index(tmp_path: Path, data_dir: Path) -> None:
    src = data_dir / "dsb2018"
    result = import_images(
        [src / "train" / "images", src / "test" / "images"], tmp_path,
        pattern="{split}/images/{id}", masks=src, mask_pattern="{split}/labels/{id}",
        tag_table=src / "index.json", where=["kind=brightfield"],
    )  # fmt: skip
    assert (result.done, result.failed) == (10, ())
    data = open_dataset(tmp_path)
    assert len(data.where(split="train")) == 9
    assert all(len(data.instances(i)) == data.tags(i)["cells"] for i in range(len(data)))
