import json

import numpy as np
import pytest
from PIL import Image as Pillow

from cellwright.formats.dataset import open_dataset
from cellwright.report.dataset_card import card, class_table, spread_table, tag_tables
from cellwright.report.dataset_counts import count_cells


@pytest.fixture
def dataset(tmp_path):
    """Nine images of two sizes and two classes, one not annotated."""
    images, annotations = [], []
    for number in range(9):
        shape = (20, 30) if number else (10, 30)
        Pillow.fromarray(np.zeros(shape, np.uint8)).save(tmp_path / f"{number}.png")
        tags = {"split": "test" if number < 3 else "train", "z": number, "licence": "CC BY 4.0"}
        record = {"id": number + 1, "name": f"i{number}", "file_name": f"{number}.png"}
        record |= {"height": shape[0], "width": shape[1], "tags": tags, "axes": "YX"}
        record |= {"pixel_size": [0.5, 0.5]} if number != 4 else {"labelled": False}
        images.append(record)
        for k in range(2 if number != 4 else 0):
            x = 2 + 2 * k + (10 if number == 0 and k else 0)
            annotations.append(
                {
                    "id": len(annotations) + 1,
                    "image_id": number + 1,
                    "category_id": k + 1,
                    "bbox": [x, 2, 4, 4],
                    "area": 16,
                    "iscrowd": 0,
                    "segmentation": [[x, 2, x + 4, 2, x + 4, 6, x, 6]],
                }
            )
    categories = [{"id": 1, "name": "alive"}, {"id": 2, "name": "dead"}]
    record = {"images": images, "annotations": annotations, "categories": categories}
    (tmp_path / "annotations.json").write_text(json.dumps(record))
    return open_dataset(tmp_path)


def test_card_says_what_there_is(dataset):
    rows = dict(card(dataset, count_cells(dataset)).rows)
    assert rows["Images"] == "9"
    assert rows["Annotated images"] == "8"
    assert rows["Cells"] == "16"
    assert rows["Cells that overlap another"] == "14 (87.5 %)"
    assert rows["Classes"] == "alive: 8, dead: 8"
    assert rows["Pixel size, \N{MICRO SIGN}m"] == "0.5: 8, not given: 1"
    assert rows["Axes"] == "YX"
    assert rows["Tag: licence"] == "CC BY 4.0"
    assert rows["Tag: split"] == "test: 3, train: 6"
    assert rows["Tag: z"] == "9 values, 0 to 8"
    times = "\N{MULTIPLICATION SIGN}"
    assert rows[f"Image size, rows {times} columns"] == f"10 {times} 30: 1, 20 {times} 30: 8"
    names = list(rows)
    assert names.index("Tag: licence") < names.index("Tag: split") < names.index("Tag: z")


def test_regions_of_uncounted_cells_are_not_counted(dataset):
    path = dataset.file.path
    record = json.loads(path.read_text())
    for annotation in record["annotations"]:
        annotation["iscrowd"] = int(annotation["category_id"] == 2)
    path.write_text(json.dumps(record))
    counts = count_cells(open_dataset(path.parent))
    assert counts.known == [1] * 8
    assert counts.overlapping == 0
    assert counts.classes == {"alive": 8}


def test_tables_for_what_the_card_cannot_list(dataset):
    counts = count_cells(dataset)
    assert class_table(counts).rows == (("alive", 8), ("dead", 8))
    assert tag_tables(dataset) == []  # each image has a z of its own
    dataset.file.images[8]["tags"]["z"] = 7
    (by_z,) = tag_tables(dataset)
    assert by_z.rows == (*((str(z), 1) for z in range(7)), ("7", 2))
    spread = {row[0]: row[1:] for row in spread_table(dataset, counts).rows}
    assert spread["Rows of an image"] == (10, 20, 20)
    assert spread["Cell area, px"] == (16, 16, 16)
    assert spread["Cell area, \N{MICRO SIGN}m\N{SUPERSCRIPT TWO}"] == (4, 4, 4)


def test_a_tag_of_some_images_says_how_many_lack_it(dataset):
    for number in range(7):
        del dataset.file.images[number]["tags"]["licence"]
    rows = dict(card(dataset, count_cells(dataset)).rows)
    assert rows["Tag: licence"] == "CC BY 4.0: 2; not given: 7"


def test_an_empty_data_set_has_a_card(dataset):
    nothing = dataset.subset([])
    rows = dict(card(nothing, count_cells(nothing)).rows)
    assert rows["Images"] == rows["Cells"] == "0"
