"""Images into groups: by the value of a tag, by density, by the size of their cells."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from cellwright.types import InputError, Instances, Tag

NO_TAG = "(none)"
#: What is computed from the truth where no tag of that name is there: name -> unit.
COMPUTED = {"density": "cells per megapixel", "size": "px of the median cell"}
PARTS = 3


def describe(truth: Instances) -> dict[str, float]:
    """Density (true cells per megapixel) and size (median area in px) of one image.

    >>> describe(Instances((10, 100), [[0, 0, 2, 2]], [np.ones((2, 2))]))
    {'density': 1000.0, 'size': 4.0}
    """
    rows, columns = truth.shape
    density = len(truth) / (rows * columns) * 1e6
    return {"density": density, "size": float(np.median(truth.areas)) if len(truth) else 0.0}


def group(
    tag: str, tags: Sequence[Mapping[str, Tag]], facts: Sequence[Mapping[str, float]]
) -> dict[str, list[int]]:
    """Numbers of the images of each value of a tag, numbers by size, then words by alphabet.

    Parameters
    ----------
    tag
        Name of a tag; "density" and "size" are computed where no image has such a tag, and
        divide the images into three parts of equal number.
    tags
        Tags of each image.
    facts
        What `describe` says of each image.

    Raises
    ------
    InputError
        If no image has the tag; the message lists those known.

    Examples
    --------
    >>> group("z", [{"z": 10}, {"z": 9}, {}, {"z": 9}], [{}] * 4)
    {'9': [1, 3], '10': [0], '(none)': [2]}
    """
    values = [t.get(tag) for t in tags]
    if any(v is not None for v in values):
        names = [NO_TAG if v is None else str(v) for v in values]
        return {
            name: [k for k, n in enumerate(names) if n == name]
            for name in sorted(set(names), key=_by_number)
        }
    if tag in COMPUTED:
        return _parts(np.array([f[tag] for f in facts]), COMPUTED[tag])
    known = sorted({t for record in tags for t in record}) + list(COMPUTED)
    raise InputError(f"no image has the tag {tag!r}; known tags: {', '.join(known)}")


def _parts(values: np.ndarray, unit: str) -> dict[str, list[int]]:
    """Images in parts of equal number by a value; images of one value stay together."""
    edges = np.unique(np.quantile(values, np.arange(1, PARTS) / PARTS, method="higher"))
    part = np.searchsorted(edges, values, side="right")
    found = {}
    for number in np.unique(part):
        chosen = np.flatnonzero(part == number)
        low, high = values[chosen].min(), values[chosen].max()
        found[f"{low:.4g} to {high:.4g} {unit}"] = chosen.tolist()
    return found


def _by_number(name: str) -> tuple[int, float, str]:
    """Sorting key: numbers by size, then words, then images without the tag."""
    try:
        return 0, float(name), name
    except ValueError:
        return (2 if name == NO_TAG else 1), 0.0, name
