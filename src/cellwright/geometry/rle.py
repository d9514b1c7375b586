"""COCO run-length encoding, straight from and to cropped masks.

A mask is a list of run lengths in column-major order, beginning with background, written as text:
each run minus the one two before it (from the fourth run on), in groups of five bits, lowest
first, with a continuation bit, each group plus 48 as one character. Reference: T.-Y. Lin et al.,
"Microsoft COCO: Common Objects in Context", ECCV 2014, and the mask API that goes with it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.geometry.runs import crops_of_runs, cumsum_of_parts
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


def _from_text(texts: Sequence[bytes]) -> tuple[np.ndarray, np.ndarray]:
    """Runs of all texts one after the other, and how many each has, in one pass."""
    lengths = np.array([len(t) for t in texts], dtype=np.int64)
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
    count = np.diff(np.searchsorted(last, stops), prepend=0)
    # from its fourth on, a run is told by how much it is longer than the one two before it
    number = np.arange(len(values)) - np.repeat(np.cumsum(count) - count, count)
    odd, even = number % 2 == 1, (number % 2 == 0) & (number > 0)
    values[odd] = cumsum_of_parts(values[odd], count // 2)
    values[even] = cumsum_of_parts(values[even], np.maximum(count - 1, 0) // 2)
    return values, count


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
    plain: list[np.ndarray] = []
    as_text = np.zeros(len(rles), dtype=bool)
    for k, rle in enumerate(rles):
        size = tuple(int(v) for v in rle.get("size", (height, width)))
        if size != (height, width):
            raise InputError(
                f"an RLE of size {size} came for an image of {(height, width)}: both must agree"
            )
        counts = rle["counts"]
        if isinstance(counts, str | bytes):
            as_text[k] = True
            texts.append(_ascii(counts))
        else:
            plain.append(np.asarray(counts, dtype=np.int64).reshape(-1))
    boxes = np.zeros((len(rles), 4), dtype=np.int64)
    masks = np.empty(len(rles), dtype=object)
    for where, (runs, count) in (
        *_in_chunks(np.flatnonzero(as_text), texts),
        *_as_given(np.flatnonzero(~as_text), plain),
    ):
        boxes[where], masks[where] = crops_of_runs(runs, count, (height, width))
    return boxes, tuple(masks.tolist())


def _ascii(counts: str | bytes) -> bytes:
    """Bytes of `counts`; what is not ASCII becomes a byte that the decoder refuses."""
    return counts.encode("utf-8", "replace") if isinstance(counts, str) else counts


def _in_chunks(
    where: np.ndarray, texts: list[bytes]
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Runs of all texts, decoded in chunks of bounded size, with the numbers of their masks."""
    begin, held = 0, 0
    for k, text in enumerate(texts, start=1):
        held += len(text)
        if held > _CHUNK or k == len(texts):
            yield where[begin:k], _from_text(texts[begin:k])
            begin, held = k, 0


def _as_given(
    where: np.ndarray, plain: list[np.ndarray]
) -> Iterator[tuple[np.ndarray, tuple[np.ndarray, np.ndarray]]]:
    """Runs that came as lists, with the numbers of their masks."""
    if plain:
        yield where, (np.concatenate(plain), np.array([len(p) for p in plain], dtype=np.int64))
