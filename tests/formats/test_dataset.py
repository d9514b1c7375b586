"""The data set on disk: round trips, views, resuming after a kill, bad input."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats import (
    DatasetWriter,
    open_dataset,
    read_coco,
    write_coco,
    write_dataset,
)
from cellwright.geometry import from_masks
from cellwright.types import Image, InputError, Instances, Sample

CLASSES = ("cell", "nucleus")


def cells(shape: tuple[int, int] = (20, 30)) -> Instances:
    """Two overlapping cells of two classes with scores and tags."""
    masks = np.zeros((2, *shape), bool)
    masks[0, 2:9, 3:12] = True
    masks[1, 5:14, 8:20] = True
    return from_masks(
        masks, scores=[0.25, 0.9], classes=[0, 1], class_names=("cell", "nucleus"),
        tags=[{"alive": True}, {"source": "hand"}],
    )  # fmt: skip


def sample(name: str, *, channels: int = 2, **tags: str) -> Sample:
    """A two-channel image of 20 x 30 with `cells`."""
    data = np.random.default_rng(len(name)).integers(0, 60000, (channels, 20, 30)).astype(np.uint16)
    names = tuple("ab"[:channels])
    return Sample(name, Image(data, "CYX", (0.5, 0.25), names, {"field": 3, **tags}), cells())


def same(a: Instances, b: Instances) -> bool:
    """Whether two sets of cells agree in everything."""
    return (
        a.shape == b.shape
        and np.array_equal(a.boxes, b.boxes)
        and all(np.array_equal(x, y) for x, y in zip(a.masks, b.masks, strict=True))
        and np.array_equal(a.scores, b.scores)
        and np.array_equal(a.classes, b.classes)
        and a.class_names == b.class_names
        and [dict(t) for t in a.tags] == [dict(t) for t in b.tags]
    )


def test_a_data_set_comes_back_as_it_was_written(tmp_path: Path) -> None:
    samples = [sample("a", split="train"), sample("b", channels=1), sample("c", split="test")]
    data = write_dataset(samples, tmp_path / "set")
    assert data.names == ("a", "b", "c")
    assert data.class_names == ("cell", "nucleus")
    for before, after in zip(samples, data, strict=True):
        assert after.image.axes == before.image.axes
        assert after.image.pixel_size == before.image.pixel_size
        assert after.image.channels == before.image.channels
        assert dict(after.image.tags) == dict(before.image.tags)
        assert after.image.data.dtype == np.uint16
        assert np.array_equal(after.image.data, before.image.data)
        assert before.instances is not None
        assert after.instances is not None
        assert same(before.instances, after.instances)
    assert data.shape(0) == (20, 30)
    assert [p.name for p in (tmp_path / "set").iterdir() if p.name.startswith(".")] == []


def test_where_picks_by_tag_and_says_what_there_is(tmp_path: Path) -> None:
    data = write_dataset([sample("a", split="train"), sample("b", split="test")], tmp_path)
    assert data.where(split="test").names == ("b",)
    assert data.where(split=["test", "train"], field="3").names == ("a", "b")
    assert data.subset([1]).subset([0])[0].name == "b"
    with pytest.raises(InputError, match="split=train"):
        data.where(split="val")


def test_images_nobody_looked_at_differ_from_images_without_cells(tmp_path: Path) -> None:
    image = Image(np.zeros((4, 5), np.uint8))
    data = write_dataset(
        [Sample("unseen", image), Sample("empty", image, Instances.empty((4, 5)))], tmp_path
    )
    assert data[0].instances is None
    assert data[1].instances is not None
    assert len(data[1].instances) == 0
    assert (data.labelled(0), data.labelled(1)) == (False, True)


def test_a_writer_goes_on_where_another_stopped(tmp_path: Path) -> None:
    first = DatasetWriter(tmp_path, class_names=("cell", "nucleus"))
    first.add(sample("a"))
    first.stop()
    with pytest.raises(InputError, match="unfinished"):
        open_dataset(tmp_path)
    with (tmp_path / "annotations.json.journal").open("ab") as file:
        file.write(b'{"image": {"name": "torn')
    with DatasetWriter(tmp_path, class_names=("cell", "nucleus")) as second:
        assert second.done == {"a"}
        second.add(sample("b"))
        with pytest.raises(InputError, match="already"):
            second.add(sample("a"))
    with DatasetWriter(tmp_path, class_names=("cell", "nucleus")) as third:
        assert third.done == {"a", "b"}
        third.add(sample("c"))
    data = open_dataset(tmp_path)
    assert data.names == ("a", "b", "c")
    assert all(len(data.instances(i)) == 2 for i in range(3))
    ids = [a["id"] for a in json.loads((tmp_path / "annotations.json").read_text())["annotations"]]
    assert ids == [1, 2, 3, 4, 5, 6]
    with pytest.raises(InputError, match="classes"):
        DatasetWriter(tmp_path, class_names=("worm",))


def test_records_are_read_back_while_a_data_set_grows(tmp_path: Path) -> None:
    with DatasetWriter(tmp_path, class_names=CLASSES) as writer:
        writer.add(sample("zelle_ä"), facts={"source": {"a": [1, "}"]}})
    second = DatasetWriter(tmp_path, class_names=CLASSES)
    done = second.done
    assert set(done) == {"zelle_ä"}
    for number in range(3):
        second.add(sample(f"b{number}"), facts={"number": number})
        assert second.record(f"b{number // 2}")["number"] == number // 2
    assert done == {"zelle_ä", "b0", "b1", "b2"}
    second.stop()  # a kill
    with pytest.raises(InputError, match="closed"):
        second.record("b0")
    with DatasetWriter(tmp_path, class_names=CLASSES) as third:
        assert third.record("zelle_ä")["source"] == {"a": [1, "}"]}
        assert [third.record(f"b{k}")["number"] for k in range(3)] == [0, 1, 2]
        third.add(sample("c"))
        assert third.record("b1")["file_name"] == "images/b1.tif"
    assert set(open_dataset(tmp_path).names) == {"zelle_ä", "b0", "b1", "b2", "c"}


KILLED = """
import sys
import numpy as np
from cellwright.formats import DatasetWriter
from cellwright.geometry import from_masks
from cellwright.types import Image, Sample
with DatasetWriter(sys.argv[1]) as writer:
    for i in range(10000):
        name = f"field{i}"
        if name in writer.done:
            continue
        mask = np.zeros((64, 64), bool)
        mask[3 : 5 + i % 50, 4:9] = True
        writer.add(Sample(name, Image(np.full((64, 64), i, np.uint16)), from_masks([mask])))
        print(name, flush=True)
"""


@pytest.mark.skipif(os.name == "nt", reason="kills by signal")
def test_a_kill_loses_nothing_that_was_added(tmp_path: Path) -> None:
    said: list[str] = []
    for lines in (3, 8, 5):
        child = subprocess.Popen(
            [sys.executable, "-c", KILLED, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert child.stdout is not None
        said += [child.stdout.readline().strip() for _ in range(lines)]
        child.send_signal(signal.SIGKILL)
        said += [line.strip() for line in child.stdout if line.endswith("\n")]
        child.wait()
        child.stdout.close()
    with DatasetWriter(tmp_path) as writer:
        assert set(said) <= writer.done
        assert len(said) == len(set(said)) >= 16
        assert [p.name for p in tmp_path.rglob(".*")] == []
    data = open_dataset(tmp_path)
    for i, one in enumerate(data):
        number = int(one.name.removeprefix("field"))
        assert (one.image.data == number).all()
        assert data.instances(i).areas.tolist() == [(2 + number % 50) * 5]


def test_a_prediction_folder_is_a_writer_without_images(tmp_path: Path) -> None:
    with DatasetWriter(
        tmp_path, class_names=("cell", "nucleus"), annotations="predictions.json", save_images=False
    ) as writer:
        writer.add(sample("a"), file_name="a.png", facts={"seconds": 0.5})
    found = read_coco(tmp_path)
    assert found.record(0)["file_name"] == "a.png"
    assert found.record(0)["seconds"] == 0.5
    assert np.allclose(found.instances(0).scores, [0.25, 0.9])
    assert not (tmp_path / "images").exists()


def test_write_coco_maps_classes_by_name(tmp_path: Path) -> None:
    path = tmp_path / "p.json"
    write_coco([("a", cells())], path, class_names=("nucleus", "worm", "cell"))
    found = read_coco(path)
    assert found.instances(0).classes.tolist() == [2, 0]
    with pytest.raises(InputError, match="class 'cell'"):
        write_coco([("a", cells())], path, class_names=("nucleus",))
    assert read_coco(path).names == ("a",), "a failed write leaves the old file"


def coco_with(tmp_path: Path, **change: object) -> Path:
    """A COCO file in the manner of LIVECell (polygons, one crowd), with some keys changed."""
    data = {
        "images": [{"id": 7, "width": 30, "height": 20, "file_name": "A172_Phase_1.tif",
                    "original_filename": "A172", "url": ""}],
        "categories": [{"supercategory": "cell", "id": 1, "name": "cell"}],
        "annotations": [
            {"segmentation": [[2, 3, 9, 3, 9, 11, 2, 11]], "area": 56, "iscrowd": 0,
             "image_id": 7, "bbox": [2, 3, 7, 8], "category_id": 1, "id": 1},
            {"segmentation": {"size": [20, 30], "counts": [20, 5, 575]}, "area": 5, "iscrowd": 1,
             "image_id": 7, "bbox": [1, 0, 1, 5], "category_id": 1, "id": 2},
        ],
    }  # fmt: skip
    path = tmp_path / "coco.json"
    path.write_text(json.dumps({**data, **change}))
    return path


def test_livecell_style_polygons_and_crowds(tmp_path: Path) -> None:
    found = read_coco(coco_with(tmp_path))
    both = found.instances(0)
    assert found.names == ("A172_Phase_1",)
    assert both.areas.tolist() == [56, 5]
    assert both.boxes[1].tolist() == [0, 1, 5, 2]
    assert [dict(t) for t in both.tags] == [{}, {"iscrowd": True}]


@pytest.mark.parametrize("name", ["../a.tif", "/etc/a.tif", "a/../../b.tif", "C:\\a.tif", "..\\a"])
def test_file_names_may_not_leave_the_folder(tmp_path: Path, name: str) -> None:
    images = [{"id": 7, "width": 30, "height": 20, "file_name": name}]
    with pytest.raises(InputError, match="leaves the folder"):
        read_coco(coco_with(tmp_path, images=images))


def test_missing_images_are_listed(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="1 of 1 image files are missing: A172_Phase_1"):
        open_dataset(coco_with(tmp_path))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"images": None}, "no COCO file"),
        ({"images": [{"id": 7}]}, "damaged or incomplete"),
        ({"images": []}, "not in 'images'"),
        ({"categories": []}, "not in 'categories'"),
    ],
)
def test_damaged_coco(tmp_path: Path, change: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        read_coco(coco_with(tmp_path, **change))


def test_no_json_and_no_data_set(tmp_path: Path) -> None:
    (tmp_path / "annotations.json").write_text('{"images": [')
    with pytest.raises(InputError, match="no valid JSON"):
        open_dataset(tmp_path)
    with pytest.raises(InputError, match="cellwright import"):
        open_dataset(tmp_path / "nothing")


def test_an_image_of_another_size_than_its_record(tmp_path: Path) -> None:
    write_dataset([sample("a")], tmp_path)
    text = (tmp_path / "annotations.json").read_text().replace('"height": 20', '"height": 21')
    (tmp_path / "annotations.json").write_text(text)
    data = open_dataset(tmp_path)
    with pytest.raises(InputError, match=r"\(20, 30\)"):
        data.image(0)
    with pytest.raises(InputError, match="RLE of size"):
        data.instances(0)


@pytest.mark.parametrize("name", ["", "../a", "a/b", ".hidden"])
def test_names_that_are_no_file_names(tmp_path: Path, name: str) -> None:
    with DatasetWriter(tmp_path) as writer, pytest.raises(InputError, match="name"):
        writer.add(Sample(name, Image(np.zeros((4, 5)))))
