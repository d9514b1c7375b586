"""Public data sets that can be fetched: where they are, what they are, under which licence."""

from __future__ import annotations

from cellwright.datasets.dsb2018 import DSB2018
from cellwright.datasets.livecell import LIVECELL
from cellwright.datasets.record import Dataset, Part
from cellwright.types import InputError

DATASETS: tuple[Dataset, ...] = (LIVECELL, DSB2018)


def dataset(name: str) -> Dataset:
    """The record called `name`.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    for record in DATASETS:
        if record.name == name:
            return record
    raise InputError(
        f"there is no data set {name!r} to fetch; there are {', '.join(d.name for d in DATASETS)}"
    )


__all__ = ["DATASETS", "Dataset", "Part", "dataset"]
