"""A simulated plate that nobody labelled, and masks to commit."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from cellwright.formats import Dataset, DatasetWriter, open_dataset
from cellwright.synth import simulate_field
from cellwright.types import Instances

SHAPE = (72, 80)


@pytest.fixture(scope="session")
def _plate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Instances]]:
    folder = tmp_path_factory.mktemp("session") / "plate"
    truth = []
    with DatasetWriter(folder) as writer:
        for i in range(3):
            sample = simulate_field(
                7, i, shape=SHAPE, planes=3, cells=6, overlap=0.2, diameter=14.0
            )
            truth.append(sample.instances)
            writer.add(sample.with_instances(None))
    return folder, truth


@pytest.fixture
def plate(_plate: tuple[Path, list[Instances]], tmp_path: Path) -> Path:
    """A data set of three unlabelled fields with three planes each."""
    return Path(shutil.copytree(_plate[0], tmp_path / "plate"))


@pytest.fixture
def truth(_plate: tuple[Path, list[Instances]]) -> list[Instances]:
    """The cells that are in the fields."""
    return _plate[1]


@pytest.fixture
def labelled_plate(_plate: tuple[Path, list[Instances]], tmp_path: Path) -> Dataset:
    """The same fields with their cells."""
    source = open_dataset(_plate[0])
    with DatasetWriter(tmp_path / "known") as writer:
        for sample, cells in zip(source, _plate[1], strict=True):
            writer.add(sample.with_instances(cells))
    return open_dataset(tmp_path / "known")


@pytest.fixture
def square() -> Callable[..., np.ndarray]:
    """Makes a mask of the whole field with a square in it."""

    def make(row: int, col: int, size: int = 8, shape: tuple[int, int] = SHAPE) -> np.ndarray:
        mask = np.zeros(shape, bool)
        mask[row : row + size, col : col + size] = True
        return mask

    return make
