"""What data sets differ in: numbers of cells, sizes, overlaps, intensities, components."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from scipy.stats import ks_2samp

from cellwright.overlap import overlap_map
from cellwright.types import Instances

#: what is compared as a distribution: attribute of `DataSet`, its name, its unit
DISTRIBUTIONS: tuple[tuple[str, str, str], ...] = (
    ("per_image", "Cells per image", "cells in an image"),
    ("densities", "Density", "cells per megapixel"),
    ("per_mm2", "Density in the dish", "cells per square millimetre"),
    ("areas", "Sizes of the cells", "area in pixels"),
    ("shared", "Overlap of the cells", "share of a cell that others share"),
    ("intensities", "Intensities of the pixels", "0 and 1: 1 and 99.8 percentiles of the first"),
    ("contrasts", "Contrast of the cells", "mean under cells less mean beside them, same unit"),
)


@dataclass(frozen=True, slots=True)
class DataSet:
    """What is known of one data set, as plain numbers.

    Parameters
    ----------
    name
        What the user calls it.
    images, cells
        How many.
    kinds
        Type of the cells of each labelled image, from a tag; "" where it has none.
    per_image, densities, contrasts
        One number for each labelled image: cells, cells per megapixel, mean intensity under cells
        less that beside them.
    per_mm2
        Cells per square millimetre of those whose pixel size is known.
    areas, shared
        One number for each cell: pixels, and share of them that another cell of its class has too.
    intensities
        Of some pixels, relative to the first data set.
    """

    name: str
    images: int
    cells: int
    kinds: tuple[str, ...]
    per_image: np.ndarray
    densities: np.ndarray
    per_mm2: np.ndarray
    areas: np.ndarray
    shared: np.ndarray
    intensities: np.ndarray
    contrasts: np.ndarray

    @property
    def overlapping(self) -> float | None:
        """Share of the cells that share a pixel with another one."""
        return float((self.shared > 0).mean()) if len(self.shared) else None


@dataclass(frozen=True, slots=True)
class Map:
    """Images of all data sets on two principal components of the same features.

    Parameters
    ----------
    features
        Which features, in words.
    shares
        Share of the variance that each of the two components explains.
    places
        Data set -> (image, 2).
    names, kinds
        Data set -> name, and type, of each of these images.
    """

    features: str
    shares: tuple[float, float]
    places: Mapping[str, np.ndarray]
    names: Mapping[str, tuple[str, ...]]
    kinds: Mapping[str, tuple[str, ...]]


@dataclass(frozen=True, slots=True)
class DataComparison:
    """Data sets side by side; the first is what the others are compared with.

    Parameters
    ----------
    sets
        In the order given.
    by
        The tag that names the type of the cells; "" for none.
    maps
        Principal components, of one kind of features each.
    distances
        Data set -> Fréchet distance (FID) from the first; for the first that of its halves from
        each other, which numbers alone make.
    fid
        How these were computed: network of the features, crops and their size.
    settings
        What the comparison depends on.
    """

    sets: tuple[DataSet, ...]
    by: str
    maps: tuple[Map, ...]
    distances: Mapping[str, float | None]
    fid: Mapping[str, Any]
    settings: Mapping[str, Any] = field(default_factory=dict)

    def apart(self, name: str, what: str) -> float | None:
        """Largest difference of the cumulative distributions (Kolmogorov, Smirnov) to the first.

        0 for the same distribution, 1 for ones that do not meet; None where one has no values.
        """
        other = next(s for s in self.sets if s.name == name)
        one, two = getattr(self.sets[0], what), getattr(other, what)
        return float(ks_2samp(one, two).statistic) if len(one) and len(two) else None

    def beyond(self, name: str, kind: str) -> float | None:
        """Share of the images of a type in `name` that are denser than any of the first's."""
        first, other = self.sets[0], next(s for s in self.sets if s.name == name)
        known = first.densities[_of(first, kind)]
        asked = other.densities[_of(other, kind)]
        return float((asked > known.max()).mean()) if len(known) and len(asked) else None

    def kinds(self) -> tuple[str, ...]:
        """Types of cells in the order in which they are met."""
        return tuple(dict.fromkeys(k for s in self.sets for k in s.kinds))

    def to_json(self) -> dict[str, Any]:
        """All figures as JSON values."""
        return {
            "sets": [_record(self, s) for s in self.sets],
            "by": self.by or None,
            "maps": [
                {
                    "features": m.features,
                    "shares": list(m.shares),
                    "images": [
                        {"set": n, "name": i, "type": k or None, "place": [float(v) for v in p]}
                        for n in m.places
                        for i, k, p in zip(m.names[n], m.kinds[n], m.places[n], strict=True)
                    ],
                }
                for m in self.maps
            ],
            "fid": dict(self.fid),
            "settings": dict(self.settings),
        }


def shared_shares(cells: Instances) -> np.ndarray:
    """(N,) share of each cell's pixels that another cell of its class has too.

    A nucleus in its cell is no overlap.
    """
    found = np.zeros(len(cells))
    for number in np.unique(cells.classes):
        mine = np.flatnonzero(cells.classes == number)
        twice = overlap_map(cells[mine])
        for i in mine.tolist():
            row, col, row1, col1 = cells.boxes[i].tolist()
            mask = cells.masks[i]
            both = np.count_nonzero(mask & twice[row:row1, col:col1])
            found[i] = both / max(np.count_nonzero(mask), 1)
    return found


def _of(one: DataSet, kind: str) -> np.ndarray:
    """Which labelled images of a data set are of a type."""
    return np.array([k == kind for k in one.kinds], dtype=bool)


def _record(found: DataComparison, one: DataSet) -> dict[str, Any]:
    first = one.name == found.sets[0].name
    return {
        "name": one.name,
        "images": one.images,
        "cells": one.cells,
        "overlapping": one.overlapping,
        "fid": found.distances.get(one.name),
        "distributions": {
            what: {
                "count": len(values),
                "quantiles": {str(q): float(np.percentile(values, q)) for q in (0, 5, 25, 50, 75,
                              95, 100)} if len(values) else None,
                "apart_from_first": 0.0 if first else found.apart(one.name, what),
            }
            for what, values in ((w, getattr(one, w)) for w, _, _ in DISTRIBUTIONS)
        },
        "types": {
            kind or "all": {
                "images": int(_of(one, kind).sum()),
                "densities": [float(v) for v in _ends(one.densities[_of(one, kind)])],
                "denser_than_the_first": None if first else found.beyond(one.name, kind),
            }
            for kind in found.kinds()
        },
    }  # fmt: skip


def _ends(values: np.ndarray) -> list[float]:
    """Least, middle and largest; nothing of nothing."""
    return [values.min(), np.median(values), values.max()] if len(values) else []
