"""Hand-made cells of a few pixels, and figures that are compared as a whole."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from cellwright.evaluate.headlines import flatten
from cellwright.geometry import flip, from_label_map
from cellwright.types import Instances


def rows(*runs: tuple[int, int], width: int = 12, **facts: Any) -> Instances:
    """Cells in one row of pixels, each from column a to column b (not included)."""
    boxes = [(0, a, 1, b) for a, b in runs]
    return Instances((1, width), boxes, tuple(np.ones((1, b - a)) for a, b in runs), **facts)


def drawn(picture: str) -> Instances:
    """Cells of a label image written as digits, one line per row."""
    lines = picture.split()
    return from_label_map(np.array([[int(c) for c in line] for line in lines]))


def same(a: Mapping[str, Any], b: Mapping[str, Any]) -> bool:
    """The same figures under the same names; NaN is NaN."""
    a, b = flatten(a), flatten(b)
    return a.keys() == b.keys() and np.allclose(
        [a[k] for k in a], [b[k] for k in a], rtol=1e-12, atol=1e-12, equal_nan=True
    )


def flipped(cells: Instances) -> Instances:
    """Upside down and left to right."""
    return flip(flip(cells, 0), 1)


run = st.tuples(st.integers(0, 10), st.integers(1, 6)).map(lambda r: (r[0], r[0] + r[1]))

#: Up to six cells in a row of 16 pixels, over one another or not.
overlapping = st.lists(run, max_size=6).map(lambda found: rows(*found, width=16))

#: Cells of a 4 x 5 label image.
separate = arrays(np.int64, (4, 5), elements=st.integers(0, 4)).map(from_label_map)
