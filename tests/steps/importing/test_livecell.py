"""LIVECell's folders, splits, cell lines, polygons and crowds."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats import open_dataset, write_image
from cellwright.steps.import_images import import_images
from cellwright.types import Image, InputError

IMAGES = {
    "train": ["A172_Phase_A7_1_00d00h00m_1.tif", "BT474_Phase_B3_2_01d16h00m_4.tif"],
    "val": ["A172_Phase_A7_1_00d04h00m_2.tif"],
    "test": ["SkBr3_Phase_H4_1_02d00h00m_3.tif"],
}


@pytest.fixture
def livecell(tmp_path: Path) -> Path:
    """The archive in small: images of 20 x 30 pixels, two cells and a crowd in each."""
    root = tmp_path / "LIVECell_dataset_2021"
    notes = root / "annotations" / "LIVECell"
    notes.mkdir(parents=True)
    number = 0
    for split, names in IMAGES.items():
        images, annotations = [], []
        for name in names:
            number += 1
            part = "livecell_test_images" if split == "test" else "livecell_train_val_images"
            line = name.split("_")[0]
            write_image(Image(np.full((20, 30), number, np.uint8)),
                        root / "images" / part / line / name)  # fmt: skip
            images.append({"id": number, "file_name": name, "original_filename": name,
                           "width": 30, "height": 20, "url": ""})  # fmt: skip
            for k, x in enumerate((2, 8, 20)):
                ring = [x, 4, x + 8, 4, x + 8, 10, x, 10]
                annotations.append({
                    "id": 10 * number + k, "image_id": number, "category_id": 1, "area": 48.0,
                    "iscrowd": int(k == 2), "bbox": [x, 4, 8, 6], "segmentation": [ring],
                })  # fmt: skip
        about = {"images": images, "annotations": annotations, "info": {}, "licenses": [],
                 "categories": [{"supercategory": "cell", "id": 1, "name": "cell"}]}  # fmt: skip
        (notes / f"livecell_coco_{split}.json").write_text(json.dumps(about))
    return root


def test_the_folder_is_all_that_is_needed(livecell: Path, tmp_path: Path) -> None:
    result = import_images(livecell, tmp_path / "out")
    assert (result.done, result.failed, result.details["mask_kind"]) == (4, (), "coco")
    data = open_dataset(tmp_path / "out")
    assert data.where(split="train", cell_line="BT474").names == ("BT474_Phase_B3_2_01d16h00m_4",)
    assert data.tags(0) == {
        "cell_line": "A172", "well": "A7", "site": 1, "time": "00d00h00m", "crop": 1,
        "split": "train",
    }  # fmt: skip
    cells = data.instances(0)
    assert cells.areas.tolist() == [48, 48, 48]
    assert cells.boxes[:2].tolist() == [[4, 2, 10, 10], [4, 8, 10, 16]]
    assert [t.get("iscrowd", False) for t in cells.tags] == [False, False, True]
    assert import_images(livecell, tmp_path / "out").skipped == 4


def test_tags_and_conditions_hold_for_it_too(livecell: Path, tmp_path: Path) -> None:
    result = import_images(livecell, tmp_path / "out", where=["cell_line=A172"], resize=(10, 15))
    assert result.done == 2
    assert open_dataset(tmp_path / "out").instances(0).areas.tolist() == [12, 12, 12]


def test_one_split_with_its_file_and_images_in_folders(livecell: Path, tmp_path: Path) -> None:
    notes = livecell / "annotations" / "LIVECell"
    result = import_images(
        livecell / "images", tmp_path / "out", masks=notes / "livecell_coco_val.json",
        pattern="{cell_line}_Phase_{well}_{site}_{time}_{crop}", where=["time=00d04*"],
        tags=["split=val"],
    )  # fmt: skip
    assert (result.done, result.details["cells"]) == (1, 3)


def test_missing_images_are_named(livecell: Path, tmp_path: Path) -> None:
    gone = next(livecell.rglob("SkBr3*.tif"))
    gone.unlink()
    result = import_images(livecell, tmp_path / "out")
    assert result.done == 3
    assert f"{gone.name}: the image file of test is missing" in result.failed[0].message
    for path in livecell.rglob("*.tif"):
        path.write_bytes(path.read_bytes())
        path.rename(path.with_name("x" + path.name))
    with pytest.raises(InputError, match=r"none of the images.*unpack images\.zip"):
        import_images(livecell, tmp_path / "none")
