"""Tests of two runs on the same images: swaps of image results, and correction for many tests.

The swap test is Fisher's permutation test for pairs. If two runs are equally good, then which
run gave which result of an image is a matter of chance; so the results of each image are
swapped or not, at random, and the figure of all images is computed anew each time. Nothing is
assumed of the figure: it may be a ratio of sums, and images may differ in size and difficulty.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.evaluate.resample import total

SWAPS = 10_000
#: Differences closer than this are ties: sums in another order differ in their last bits.
_TIE = 1e-12
_ROWS = 1000

Row = Mapping[str, float]


def swap_test(
    first: Sequence[Row],
    second: Sequence[Row],
    differ: Callable[[Mapping[str, Any], Mapping[str, Any]], Mapping[str, Any]],
    *,
    swaps: int = SWAPS,
    seed: int = 0,
) -> dict[str, float]:
    """Two-sided p of the differences between two runs, by swapping their results per image.

    Parameters
    ----------
    first, second
        Sums of each image by name, image by image the same; a name that is not there is 0.
    differ
        Sums of the first and of the second run (numbers, or arrays over swaps) -> differences
        by name, which change their sign when the runs are exchanged.
    swaps
        Random swaps; all ways to swap are tried instead where they are no more than this.
    seed
        Of the random swaps.

    Returns
    -------
    dict
        Name -> p: the share of swaps with a difference at least as large as the one seen, in
        either direction. The result as it is counts as one more swap, (k + 1) / (n + 1), if
        they are random (Phipson and Smyth 2010); of all ways to swap it is one. A difference
        that is not defined has p = NaN; a swap that makes it so counts as large.

    Examples
    --------
    Four images of which the first run wins each by the same: only all or none swapped is as
    large, so p = 2 / 16.

    >>> won, lost = [{"tp": 3}] * 4, [{"tp": 2}] * 4
    >>> swap_test(won, lost, lambda a, b: {"tp": a["tp"] - b["tp"]})
    {'tp': 0.125}
    """
    images = len(first)
    names = list(dict.fromkeys(name for row in (*first, *second) for name in row))
    own, other = _table(first, names), _table(second, names)
    seen = differ(total(first), total(second))
    as_large = dict.fromkeys(seen, 0)
    tried = 0
    change, both = other - own, own.sum(axis=0) + other.sum(axis=0)
    for swapped in _swapped(images, swaps, seed):
        sums = own.sum(axis=0) + swapped @ change
        found = differ(
            dict(zip(names, sums.T, strict=True)), dict(zip(names, (both - sums).T, strict=True))
        )
        tried += len(swapped)
        for name, value in seen.items():
            smaller = np.abs(found[name]) < abs(value) - _TIE
            as_large[name] += len(swapped) - int(np.count_nonzero(smaller))
    more = 0 if exact(images, swaps) else 1
    return {
        name: (as_large[name] + more) / (tried + more) if np.isfinite(value) else float("nan")
        for name, value in seen.items()
    }


def exact(images: int, swaps: int = SWAPS) -> bool:
    """Whether all ways to swap so many images are tried.

    >>> exact(13), exact(14)
    (True, False)
    """
    return images <= 62 and 2**images <= swaps


def holm(values: Sequence[float | None]) -> list[float | None]:
    """p values corrected for their number (Holm 1979); None and NaN are left out and stay.

    The smallest is multiplied by the number of tests, the next by one less, and so on; none
    is smaller than one before it, nor larger than 1.

    >>> holm([0.01, None, 0.04, 0.03])
    [0.03, None, 0.06, 0.06]
    """
    known = [k for k, p in enumerate(values) if p is not None and np.isfinite(p)]
    corrected = list(values)
    largest = 0.0
    for rank, k in enumerate(sorted(known, key=lambda k: float(values[k] or 0))):
        largest = min(1.0, max(largest, (len(known) - rank) * float(values[k] or 0)))
        corrected[k] = largest
    return corrected


def _table(rows: Sequence[Row], names: Sequence[str]) -> np.ndarray:
    """(image, name) float64."""
    table = np.array([[row.get(name, 0) for name in names] for row in rows], dtype=float)
    return table.reshape(len(rows), len(names))


def _swapped(images: int, swaps: int, seed: int) -> Iterator[np.ndarray]:
    """(rows, image) of 0 and 1 in blocks: which images are swapped."""
    every = exact(images, swaps)
    count = 2**images if every else swaps
    rng = np.random.default_rng(seed)
    for start in range(0, count, _ROWS):
        rows = min(_ROWS, count - start)
        if every:
            numbers = np.arange(start, start + rows)[:, None]
            yield ((numbers >> np.arange(images)) & 1).astype(float)
        else:
            yield rng.integers(0, 2, size=(rows, images)).astype(float)
