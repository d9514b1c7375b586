"""COCO run-length encoding, straight from and to cropped masks.

A mask is a list of run lengths in column-major order, beginning with background, written as text:
each run minus the one two before it (from the fourth run on), in groups of five bits, lowest
first, with a continuation bit, each group plus 48 as one character. Reference: T.-Y. Lin et al.,
"Microsoft COCO: Common Objects in Context", ECCV 2014, and the mask API that goes with it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.types import InputError, Instances

# Text is decoded this many characters at a time.
_CHUNK = 1 << 22


def _edges(mask: np.ndarray, row: int, column: int, height: int) -> np.ndarray:
    """Column-major frame positions at which a cropped mask turns on and off, in turn."""
    rows, columns = mask.shape
    padded = np.zeros((columns, rows + 1), dtype=bool)
    padded[:, :rows] = mask.T
    flat = padded.reshape(-1)
    turns = np.flatnonzero(flat[1:] != flat[:-1]) + 1
    if flat[0]:
        turns = np.concatenate([[0], turns])
    edges = turns + turns // (rows + 1) * (height - rows - 1) + (column * height + row)
    if rows == height and len(edges) > 2:
        # A run may go on from the foot of one column to the head of the next.
        same = np.flatnonzero(edges[1:-1:2] == edges[2::2]) * 2 + 1
        edges = np.delete(edges, np.concatenate([same, same + 1]))
    return edges


def _to_text(runs: np.ndarray, per_mask: np.ndarray) -> list[str]:
    """Text of the runs of many masks, laid one after the other, `per_mask` runs each."""
    ends = np.cumsum(per_mask)
    place = np.arange(len(runs)) - np.repeat(ends - per_mask, per_mask)
    delta = runs.copy()
    later = np.flatnonzero(place > 2)
    delta[later] -= runs[later - 2]
    groups, used, open_ = [], [], np.ones(len(runs), dtype=bool)
    while open_.any():
        low = delta & 31
        delta >>= 5
        more = open_ & np.where(low & 16, delta != -1, delta != 0)
        groups.append((low + 32 * more + 48).astype(np.uint8))
        used.append(open_)
        open_ = more
    if not groups:
        return [""] * len(per_mask)
    written = np.stack(used, axis=1)
    text = np.stack(groups, axis=1)[written].tobytes().decode("ascii")
    stops = np.concatenate([[0], np.cumsum(written.sum(axis=1))])[ends].tolist()
    return [text[a:b] for a, b in zip([0, *stops[:-1]], stops, strict=True)]


def encode_rle(instances: Instances) -> list[dict[str, Any]]:
    """COCO compressed RLE of every mask.

    Returns
    -------
    list of dict
        ``{"size": [rows, columns], "counts": text}`` per instance, equal character for character
        to what pycocotools makes of the full-frame mask.

    Examples
    --------
    >>> cell = Instances((3, 4), np.array([[1, 1, 3, 2]]), (np.ones((2, 1), bool),))
    >>> encode_rle(cell)
    [{'size': [3, 4], 'counts': '426'}]
    """
    height, width = instances.shape
    total = height * width
    runs, per_mask = [], []
    for (row, column, _, _), mask in zip(instances.boxes.tolist(), instances.masks, strict=True):
        edges = _edges(mask, row, column, height)
        stop = [] if len(edges) and edges[-1] == total else [total]
        part = np.diff(np.concatenate([edges, stop]).astype(np.int64), prepend=0)
        runs.append(part)
        per_mask.append(len(part))
    if not runs:
        return []
    texts = _to_text(np.concatenate(runs), np.array(per_mask))
    return [{"size": [height, width], "counts": text} for text in texts]


def _from_text(texts: Sequence[bytes]) -> list[np.ndarray]:
    """Runs of each text, in one pass over all of them."""
    lengths = np.array([len(t) for t in texts])
    codes = np.frombuffer(b"".join(texts), dtype=np.uint8).astype(np.int64) - 48
    stops = np.cumsum(lengths)
    if ((codes < 0) | (codes > 63)).any() or (codes[stops[lengths > 0] - 1] & 32).any():
        raise InputError(
            "RLE counts with characters that are not COCO's, or cut off, came: text made by "
            "pycocotools, or a list of run lengths is wanted"
        )
    last = np.flatnonzero((codes & 32) == 0)
    first = np.concatenate([[0], last + 1])[:-1]
    size = last - first + 1
    if size.max(initial=0) > 12:
        raise InputError("RLE counts with a run beyond 60 bits came: the text is damaged")
    place = np.arange(len(codes)) - np.repeat(first, size)
    values = np.add.reduceat((codes & 31) << (5 * place), first) if len(codes) else codes
    negative = (codes[last] & 16) != 0
    values[negative] -= np.int64(1) << (5 * size[negative])
    bounds = np.searchsorted(last, stops).tolist()
    parts = []
    for a, b in zip([0, *bounds[:-1]], bounds, strict=True):
        runs = values[a:b].copy()
        runs[1::2] = np.cumsum(runs[1::2])
        runs[2::2] = np.cumsum(runs[2::2])
        parts.append(runs)
    return parts


def _crop_of_runs(
    runs: np.ndarray, height: int, width: int
) -> tuple[tuple[int, int, int, int], np.ndarray]:
    """Tight box and mask of the runs of one mask."""
    if (runs < 0).any() or int(runs.sum()) != height * width:
        raise InputError(
            f"an RLE that covers {int(runs.sum())} pixels came for a frame of "
            f"{height} x {width}: the runs must be positive and fill the frame"
        )
    edges = np.cumsum(runs)
    stop = edges[1::2]
    start = edges[0::2][: len(stop)]
    some = stop > start
    if not some.all():
        start, stop = start[some], stop[some]
    if not len(start):
        return (0, 0, 1, 1), np.zeros((1, 1), dtype=bool)
    last = stop - 1
    first_column, last_column = start // height, last // height
    column0, column1 = int(first_column[0]), int(last_column[-1]) + 1
    head, foot = start - first_column * height, last - last_column * height
    if (first_column != last_column).any():  # a run that turns a corner fills head and foot
        row0, row1 = 0, height
    else:
        row0, row1 = int(head.min()), int(foot.max()) + 1
    rows, columns = row1 - row0, column1 - column0
    turns = np.zeros(rows * columns + 1, dtype=np.int8)
    turns[(first_column - column0) * rows + head - row0] += 1
    turns[(last_column - column0) * rows + foot - row0 + 1] -= 1
    flat = np.cumsum(turns[:-1], dtype=np.int8).view(bool)
    return (row0, column0, row1, column1), np.ascontiguousarray(flat.reshape(columns, rows).T)


def decode_rle(
    rles: Sequence[Mapping[str, Any]], shape: tuple[int, int]
) -> tuple[np.ndarray, tuple[np.ndarray, ...]]:
    """Tight boxes and cropped masks of COCO RLEs, compressed or as lists of runs.

    Parameters
    ----------
    rles
        Mappings with ``counts`` (text, bytes or a list of run lengths) and ``size``
        (rows, columns), which must be `shape`.
    shape
        Rows and columns of the frame.

    Returns
    -------
    boxes
        (N, 4) int64, half-open ``(row0, col0, row1, col1)``.
    masks
        N boolean arrays. An RLE without a pixel gives one False pixel at (0, 0), so that the
        order is kept; `tighten` drops it.

    Raises
    ------
    InputError
        For counts that are damaged or do not fill the frame, or another size.
    """
    height, width = int(shape[0]), int(shape[1])
    texts: list[bytes] = []
    runs: list[np.ndarray | int] = []
    for rle in rles:
        size = tuple(int(v) for v in rle.get("size", (height, width)))
        if size != (height, width):
            raise InputError(
                f"an RLE of size {size} came for an image of {(height, width)}: both must agree"
            )
        counts = rle["counts"]
        if isinstance(counts, str | bytes):
            runs.append(len(texts))
            texts.append(_ascii(counts))
        else:
            runs.append(np.asarray(counts, dtype=np.int64).reshape(-1))
    decoded = _from_chunks(texts)
    crops = [_crop_of_runs(decoded[r] if isinstance(r, int) else r, height, width) for r in runs]
    boxes = np.array([box for box, _ in crops], dtype=np.int64).reshape(-1, 4)
    return boxes, tuple(mask for _, mask in crops)


def _ascii(counts: str | bytes) -> bytes:
    """Bytes of `counts`; what is not ASCII becomes a byte that the decoder refuses."""
    return counts.encode("utf-8", "replace") if isinstance(counts, str) else counts


def _from_chunks(texts: list[bytes]) -> list[np.ndarray]:
    """Runs of all texts, decoded in chunks of bounded size."""
    parts: list[np.ndarray] = []
    begin, held = 0, 0
    for i, text in enumerate(texts, start=1):
        held += len(text)
        if held > _CHUNK or i == len(texts):
            parts += _from_text(texts[begin:i])
            begin, held = i, 0
    return parts
