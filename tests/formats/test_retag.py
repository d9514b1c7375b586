"""Other tags for the images of a COCO file."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from cellwright.formats import read_coco, write_coco
from cellwright.formats.retag import retag
from cellwright.geometry import from_label_map


def test_tags_change_and_nothing_else(tmp_path: Path) -> None:
    labels = np.zeros((8, 9), np.uint16)
    labels[2:5, 2:5], labels[6:8, 2:5] = 3, 4
    cells = from_label_map(labels, class_names=("dead", "alive"), classes=[1, 0])
    path = tmp_path / "c.json"
    write_coco(
        [("a", cells), ("b", cells[:1])], path, class_names=("dead", "alive"),
        records={"a": {"tags": {"well": "A"}}, "b": {"tags": {"well": "B"}}},
    )  # fmt: skip
    retag(path, {"a": {"well": "C", "dose": np.float32(0.5)}})
    data = read_coco(path)
    assert [data.tags(i) for i in range(2)] == [{"well": "C", "dose": 0.5}, {"well": "B"}]
    assert data.class_names == ("dead", "alive")
    again = data.instances(0)
    assert (again.classes.tolist(), again.areas.tolist()) == ([1, 0], [9, 6])
    assert np.array_equal(again.boxes, cells.boxes)
