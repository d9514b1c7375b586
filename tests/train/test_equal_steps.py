"""Data sets of unequal sizes, trainings of equal steps."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellwright import train
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.types import InputError, Sample

SMALL = {"options": {"widths": [4, 8]}, "crop": (16, 16), "device": "cpu", "quiet": True}


def data(folder: Path, fields: int) -> Path:
    found = (simulate_field(seed=s, shape=(96, 96), cells=2) for s in range(fields))
    write_dataset((Sample(f"f{n}", s.image, s.instances) for n, s in enumerate(found)), folder)
    return folder


def test_crops_of_an_epoch_make_equal_steps(tmp_path: Path) -> None:
    few, many = data(tmp_path / "few", 3), data(tmp_path / "many", 6)
    taken = [
        train(place, tmp_path / f"{place.name}-m", epochs=2, crops_per_epoch=12, batch_size=4,
              val_fraction=0.2, **SMALL).details["steps"]
        for place in (few, many)
    ]  # fmt: skip
    assert taken == [6, 6]
    with pytest.raises(InputError, match="0 crops per epoch"):
        train(few, tmp_path / "none", crops_per_epoch=0, **SMALL)
