"""Pixels of a cell or of a stroke, as they lie in the journal and in memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.geometry import decode_rle, encode_rle, mask_box
from cellwright.types import InputError, Instances

Box = tuple[int, int, int, int]


class Patch:
    """A tight box and the mask in it; a mask from the journal is decoded when asked for.

    Parameters
    ----------
    shape
        Rows and columns of the field.
    box
        Half-open ``(row0, col0, row1, col1)``.
    crop
        Boolean array of the shape of the box, or None if `counts` is given.
    counts
        COCO's compressed run lengths of the whole frame.
    """

    __slots__ = ("_counts", "_crop", "box", "shape")

    def __init__(
        self, shape: tuple[int, int], box: Box, crop: np.ndarray | None, counts: str | None = None
    ) -> None:
        self.shape, self.box, self._crop, self._counts = shape, box, crop, counts

    @property
    def crop(self) -> np.ndarray:
        """Boolean mask of the shape of the box."""
        if self._crop is None:
            decode([self])
        return self._crop  # type: ignore[return-value]

    @property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.crop))

    def frame(self) -> np.ndarray:
        """Boolean (row, column) mask of the whole field."""
        out = np.zeros(self.shape, bool)
        out[_window(self.box)] = self.crop
        return out

    def has(self, row: int, column: int) -> bool:
        """Whether a pixel is set."""
        a, b, c, d = self.box
        return a <= row < c and b <= column < d and bool(self.crop[row - a, column - b])

    def to_json(self) -> dict[str, Any]:
        """Box and run lengths."""
        if self._counts is None:
            one = Instances(self.shape, np.array([self.box]), (self.crop,))
            self._counts = encode_rle(one)[0]["counts"]
        return {"box": list(self.box), "rle": self._counts}

    @classmethod
    def from_json(cls, found: Mapping[str, Any], shape: tuple[int, int]) -> Patch:
        """The patch that `to_json` wrote."""
        a, b, c, d = (int(v) for v in found["box"])
        return cls(shape, (a, b, c, d), None, str(found["rle"]))

    @classmethod
    def of_frame(cls, mask: np.ndarray) -> Patch | None:
        """Set pixels of a (row, column) mask of the whole field; None if there are none."""
        mask = np.asarray(mask, bool)
        rows, columns = mask.shape
        return cls.of_crop((rows, columns), (0, 0, rows, columns), mask)

    @classmethod
    def of_crop(cls, shape: tuple[int, int], box: Sequence[int], crop: np.ndarray) -> Patch | None:
        """Set pixels of a mask within `box`; None if there are none."""
        tight = mask_box(crop)
        if tight is None:
            return None
        a, b, c, d = tight
        row, col = int(box[0]), int(box[1])
        part = np.array(crop[a:c, b:d], bool)
        return cls(shape, (row + a, col + b, row + c, col + d), part)


def decode(patches: Sequence[Patch]) -> None:
    """Decode the masks of all `patches` of one field at once."""
    waiting = [p for p in patches if p._crop is None]
    if not waiting:
        return
    shape = waiting[0].shape
    other = f"a mask of the journal was made on another image than this one of {shape}"
    try:
        boxes, crops = decode_rle([{"counts": p._counts} for p in waiting], shape)
    except InputError as error:
        raise InputError(f"{other} ({error})") from error
    for patch, box, crop in zip(waiting, boxes.tolist(), crops, strict=True):
        if tuple(box) != patch.box:
            raise InputError(f"{other}: it lies in {tuple(box)}, its record says {patch.box}")
        patch._crop = crop


def _window(box: Sequence[int]) -> tuple[slice, slice]:
    return slice(box[0], box[2]), slice(box[1], box[3])


def meet(a: Sequence[int], b: Sequence[int]) -> Box | None:
    """The box that two boxes share, None if they are apart."""
    r0, c0, r1, c1 = max(a[0], b[0]), max(a[1], b[1]), min(a[2], b[2]), min(a[3], b[3])
    return (r0, c0, r1, c1) if r0 < r1 and c0 < c1 else None


def _part(patch: Patch, box: Box) -> np.ndarray:
    r, c = patch.box[0], patch.box[1]
    return patch.crop[box[0] - r : box[2] - r, box[1] - c : box[3] - c]


def shared(a: Patch, b: Patch) -> Patch | None:
    """Pixels of both; None if they share none."""
    box = meet(a.box, b.box)
    return Patch.of_crop(a.shape, box, _part(a, box) & _part(b, box)) if box else None


def without(a: Patch, b: Patch | None) -> Patch | None:
    """Pixels of `a` that `b` does not have; None if none are left."""
    box = meet(a.box, b.box) if b else None
    if box is None or b is None:
        return a
    crop = a.crop.copy()
    r, c = a.box[0], a.box[1]
    crop[box[0] - r : box[2] - r, box[1] - c : box[3] - c] &= ~_part(b, box)
    return Patch.of_crop(a.shape, a.box, crop)


def joined(a: Patch, b: Patch) -> Patch:
    """Pixels of either."""
    box = (
        min(a.box[0], b.box[0]), min(a.box[1], b.box[1]),
        max(a.box[2], b.box[2]), max(a.box[3], b.box[3]),
    )  # fmt: skip
    crop = np.zeros((box[2] - box[0], box[3] - box[1]), bool)
    for p in (a, b):
        r, c = p.box[0] - box[0], p.box[1] - box[1]
        crop[r : r + p.crop.shape[0], c : c + p.crop.shape[1]] |= p.crop
    return Patch(a.shape, box, crop)
