"""Run lengths of many masks at once: sums within parts, and crops out of runs."""

from __future__ import annotations

import numpy as np

from cellwright.types import InputError

# Pixels of crops that are laid out in one go.
_CHUNK = 1 << 26


def cumsum_of_parts(values: np.ndarray, count: np.ndarray) -> np.ndarray:
    """Running sums that begin anew in each part.

    Parameters
    ----------
    values
        (V,) int64, the parts one after the other.
    count
        (P,) how many values each part has.

    Examples
    --------
    >>> cumsum_of_parts(np.array([1, 2, 3, 4]), np.array([2, 0, 2])).tolist()
    [1, 3, 3, 7]
    """
    sums = np.concatenate([[0], np.cumsum(values)])
    before = sums[np.cumsum(count) - count]
    return sums[1:] - np.repeat(before, count)


def crops_of_runs(
    runs: np.ndarray, count: np.ndarray, shape: tuple[int, int]
) -> tuple[np.ndarray, np.ndarray]:
    """Tight boxes and masks of run lengths in column-major order, background first.

    Parameters
    ----------
    runs
        (R,) int64, the runs of all masks one after the other.
    count
        (N,) how many of them each mask has.
    shape
        Rows and columns of the frame.

    Returns
    -------
    boxes
        (N, 4) int64, half-open ``(row0, col0, row1, col1)``.
    masks
        (N,) object array of boolean arrays. A mask without a pixel gives one False pixel at (0, 0).

    Raises
    ------
    InputError
        If runs are negative or do not fill the frame.

    Examples
    --------
    >>> boxes, masks = crops_of_runs(np.array([4, 2, 6]), np.array([3]), (3, 4))
    >>> boxes.tolist(), masks[0].tolist()
    ([[1, 1, 3, 2]], [[True], [True]])
    """
    height, width = shape
    edges = cumsum_of_parts(runs, count)
    owner = np.repeat(np.arange(len(count)), count)
    filled = np.zeros(len(count), dtype=np.int64)
    filled[count > 0] = edges[np.cumsum(count)[count > 0] - 1]
    wrong = np.flatnonzero(filled != height * width)
    if len(wrong) or (runs < 0).any():
        covered = int(filled[wrong[0]]) if len(wrong) else height * width
        raise InputError(
            f"an RLE that covers {covered} pixels came for a frame of {height} x {width}: "
            "the runs must be positive and fill the frame"
        )
    number = np.arange(len(runs)) - np.repeat(np.cumsum(count) - count, count)
    on = np.flatnonzero((number % 2 == 1) & (runs > 0))
    owner, stop = owner[on], edges[on]
    start = stop - runs[on]
    first_column, last_column = start // height, (stop - 1) // height
    head, foot = start - first_column * height, stop - 1 - last_column * height
    # a run that turns a corner fills head and foot
    turns_corner = first_column != last_column
    top, bottom = np.where(turns_corner, 0, head), np.where(turns_corner, height - 1, foot)

    boxes = np.tile(np.array([0, 0, 1, 1]), (len(count), 1))
    some, begin = np.unique(owner, return_index=True)
    if len(some):
        end = np.append(begin[1:], len(owner)) - 1
        boxes[some, 0] = np.minimum.reduceat(top, begin)
        boxes[some, 1] = first_column[begin]
        boxes[some, 2] = np.maximum.reduceat(bottom, begin) + 1
        boxes[some, 3] = last_column[end] + 1
    rows, columns = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    size = rows * columns
    inside = (first_column - boxes[owner, 1]) * rows[owner] + head - boxes[owner, 0]
    length = (last_column - first_column) * rows[owner] + foot - head + 1

    masks = np.empty(len(count), dtype=object)
    part = np.cumsum(size) // _CHUNK
    for low, high in _spans(part):
        here = slice(*np.searchsorted(owner, [low, high]))
        offset = np.cumsum(size[low:high]) - size[low:high]
        turns = np.zeros(int(size[low:high].sum()) + 1, dtype=np.int8)
        at = inside[here] + offset[owner[here] - low]
        turns[at] += 1
        turns[at + length[here]] -= 1
        flat = np.cumsum(turns[:-1], dtype=np.int8).view(bool)
        spans = zip(
            offset.tolist(), rows[low:high].tolist(), columns[low:high].tolist(), strict=True
        )
        for k, (begin_, r, c) in enumerate(spans, start=low):
            masks[k] = flat[begin_ : begin_ + r * c].reshape(c, r).T.copy()
    return boxes, masks


def _spans(part: np.ndarray) -> list[tuple[int, int]]:
    """First index and end of each stretch of equal values."""
    if not len(part):
        return []
    turns = (np.flatnonzero(np.diff(part)) + 1).tolist()
    return list(zip([0, *turns], [*turns, len(part)], strict=True))
