"""Several sources in one data set, their cells brought to one diameter."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from pydantic import ValidationError

from cellwright.experiment.data_config import Joined, Source
from cellwright.experiment.joined import join, rescaled, scaled_shape
from cellwright.formats import write_dataset
from cellwright.formats.dataset import open_dataset
from cellwright.geometry import from_label_map
from cellwright.types import Image, Sample

SMALL = {"fields": 2, "shape": (48, 56), "diameter": 8.0}


def disc(size: int = 20) -> Sample:
    rows, cols = np.ogrid[:size, :size]
    cell = (rows - size / 2) ** 2 + (cols - size / 2) ** 2 < 25
    return Sample("disc", Image((100 + 50 * cell).astype(np.uint16)), from_label_map(cell * 1))


def test_image_and_cells_grow_together() -> None:
    found = rescaled(disc(), 2.5)
    assert found.image.shape == (50, 50)
    assert found.instances is not None
    assert found.instances.shape == (50, 50)
    assert found.instances.areas[0] == pytest.approx(6.25 * disc().instances.areas[0], rel=0.05)
    assert rescaled(disc(), 1.0).image.data is not None
    assert scaled_shape(disc().image, 0.001) == (1, 1)


def test_parts_are_told_apart_and_repeated(tmp_path: Path) -> None:
    write_dataset([disc()], tmp_path / "raw")
    parts = [
        Joined.model_validate({"name": "many", "simulate": SMALL}),
        Joined.model_validate(
            {
                "name": "one",
                "import": {"sources": [tmp_path / "raw"]},
                "diameter": 10,
                "repeat": 2,
            }
        ),
    ]
    assert join(parts, tmp_path / "set", diameter=20, quiet=True) == ()
    found = open_dataset(tmp_path / "set")
    assert found.names == ("many_field_0000", "many_field_0001", "one_disc", "one_disc_1")
    assert [found.shape(i) for i in range(4)] == [(48, 56), (48, 56), (40, 40), (40, 40)]
    assert found.tags(3) == {"source": "one", "field": "one_disc"}
    assert found.tags(1)["field"] == "many_1"
    assert not (tmp_path / "set" / "parts").exists()


def test_cells_are_simulated_in_empty_fields_plane_by_plane(tmp_path: Path) -> None:
    stack = np.full((2, 40, 40), 1000, np.uint16)
    stack[:, :12, :] = 3000
    write_dataset([Sample("trap", Image(stack, "ZYX"), None)], tmp_path / "raw")
    part = Joined.model_validate(
        {
            "name": "traps",
            "import": {"sources": [tmp_path / "raw" / "images"]},
            "simulate": SMALL | {"cells": 6, "planes": 2, "z": [1, 2]},
            "heights": [1.0, -1.0],
            "diameter": 10,
        }
    )
    join([part], tmp_path / "set", diameter=20, quiet=True)
    found = open_dataset(tmp_path / "set")
    assert len(found) == 4
    assert {found.shape(i) for i in range(4)} == {(80, 80)}
    assert {found.image(i).axes for i in range(4)} == {"YX"}
    assert sum(len(found.instances(i)) for i in range(4)) > 0
    assert len({found.tags(i)["field"] for i in range(4)}) == 2


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"joined": [{"name": "x"}]}, "simulate, import or both"),
        ({"joined": [{"name": "x", "simulate": SMALL}], "diameter": 30}, "diameters of joined"),
        ({"joined": [{"name": "x", "simulate": SMALL, "diameter": 9}]}, "diameters of joined"),
        ({"joined": [{"name": "x", "simulate": SMALL}], "simulate": SMALL}, "one of simulate"),
    ],
)
def test_errors_say_what_is_wanted(settings: dict, message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        Source.model_validate(settings)
