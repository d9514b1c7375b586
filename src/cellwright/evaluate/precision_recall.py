"""From detections of many images to precision over recall, and to average precision."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellwright.evaluate.greedy import Detections

#: COCO's 101 levels of recall, as its own code computes them.
RECALLS = np.linspace(0.0, 1.0, 101)
_TINY = np.spacing(1)


class Ranking:
    """Detections of one class, image after image, kept small: 18 bytes each.

    Parameters
    ----------
    shape
        Number of IoU thresholds and of area bins.
    """

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self._images: list[int] = []
        self._parts: list[tuple[np.ndarray, np.ndarray, np.ndarray]] = []
        self._cells: list[np.ndarray] = []

    def add(self, image: int, found: Detections) -> None:
        """Add the detections of one image; images come in ascending order."""
        self._images.append(image)
        self._cells.append(found.cells)
        bits = self.shape[0] * self.shape[1]
        flags = [np.packbits(f.reshape(-1, bits), axis=1) for f in (found.right, found.wrong)]
        self._parts.append((found.scores, *flags))

    def of(self, images: np.ndarray) -> Ranked:
        """Detections of some images (ascending numbers) in the order of their scores."""
        wanted = np.isin(self._images, images)
        chosen = np.flatnonzero(wanted)
        parts = [self._parts[k] for k in chosen]
        width = (self.shape[0] * self.shape[1] + 7) // 8
        empty = np.zeros((0, width), np.uint8)
        scores = np.concatenate([np.zeros(0), *(p[0] for p in parts)])
        right = np.concatenate([empty, *(p[1] for p in parts)])
        wrong = np.concatenate([empty, *(p[2] for p in parts)])
        place = np.searchsorted(images, np.array(self._images, dtype=np.int64)[chosen])
        image = np.repeat(place, [len(p[0]) for p in parts])
        order = np.argsort(-scores, kind="stable")
        cells = np.zeros((len(images), self.shape[1]), np.int64)
        cells[place] = np.array([self._cells[k] for k in chosen]).reshape(-1, self.shape[1])
        return Ranked(image[order], right[order], wrong[order], cells, self.shape)


@dataclass(frozen=True, slots=True, eq=False)
class Ranked:
    """Detections in the order of their scores.

    Parameters
    ----------
    image
        (D,) place of their image in the list of images.
    right, wrong
        (D, bytes) packed flags, see `Detections`.
    cells
        (image, A) true cells that count.
    shape
        T, A.
    """

    image: np.ndarray
    right: np.ndarray
    wrong: np.ndarray
    cells: np.ndarray
    shape: tuple[int, int]

    def flags(self, threshold: int, area: int) -> tuple[np.ndarray, np.ndarray]:
        """(D,) bool each: true and false positives at one threshold and in one bin."""
        bit = threshold * self.shape[1] + area
        return tuple(  # type: ignore[return-value]
            (packed[:, bit // 8] >> np.uint8(7 - bit % 8)) & 1 != 0
            for packed in (self.right, self.wrong)
        )

    def precision(self) -> tuple[np.ndarray, np.ndarray]:
        """Precision at COCO's recall levels, (T, 101, A), and the final recall, (T, A).

        Both are -1 in a bin without true cells.
        """
        cells = self.cells.sum(axis=0)
        precision = np.full((self.shape[0], len(RECALLS), self.shape[1]), -1.0)
        recall = np.full(self.shape, -1.0)
        for area in np.flatnonzero(cells):
            for t in range(self.shape[0]):
                right, wrong = self.flags(t, int(area))
                tp, either = np.cumsum(right), np.cumsum(right | wrong)
                at = np.flatnonzero(right)
                precision[t, :, area] = _at_recalls(tp[at], either[at], cells[area])
                recall[t, area] = tp[-1] / cells[area] if len(tp) else 0.0
        return precision, recall

    def resampled(self, drawn: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Mean precision, and final recall, at each threshold of many resamples of the images.

        Parameters
        ----------
        drawn
            (resample, image) how often each image counts.

        Returns
        -------
        average, recall
            (resample, T) each, of the first area bin; NaN where no true cell is drawn.
        """
        average = np.full((len(drawn), self.shape[0]), np.nan)
        recall = average.copy()
        cells = drawn @ self.cells[:, 0]
        every = [self.flags(t, 0) for t in range(self.shape[0])]
        at = [np.flatnonzero(right) for right, _ in every]
        counted = [right | wrong for right, wrong in every]
        same = all(np.array_equal(c, counted[0]) for c in counted)
        for b in np.flatnonzero(cells):
            weight = drawn[b].astype(np.int32)[self.image]
            shared = np.cumsum(weight * counted[0], dtype=np.int32) if same else None
            for t in range(self.shape[0]):
                either = (
                    np.cumsum(weight * counted[t], dtype=np.int32) if shared is None else shared
                )
                tp = np.cumsum(weight[at[t]], dtype=np.int32)
                average[b, t] = _at_recalls(tp, either[at[t]], cells[b]).mean()
                recall[b, t] = tp[-1] / cells[b] if len(tp) else 0.0
        return average, recall


def _at_recalls(tp: np.ndarray, either: np.ndarray, cells: int) -> np.ndarray:
    """(101,) largest precision at each level of recall or beyond it.

    Parameters
    ----------
    tp, either
        True positives, and true and false ones, among the detections up to each true positive.
    cells
        True cells.
    """
    if not len(tp):
        return np.zeros(len(RECALLS))
    curve = tp / (either + _TINY)
    at = np.searchsorted(tp / cells, RECALLS, side="left")
    reached = at < len(tp)
    # the largest between one level and the next, then the largest from there on
    best = np.maximum.reduceat(curve, at[reached]) if reached.any() else np.zeros(0)
    levels = np.zeros(len(RECALLS))
    levels[reached] = np.maximum.accumulate(best[::-1])[::-1]
    return levels


def mean_defined(parts: Sequence[np.ndarray]) -> float | None:
    """Mean of all entries that are not -1; None if there is none.

    >>> mean_defined([np.array([1.0, -1.0]), np.array([0.5])])
    0.75
    """
    flat = np.concatenate([np.ravel(p) for p in parts]) if len(parts) else np.zeros(0)
    flat = flat[flat > -1]
    return float(flat.mean()) if flat.size else None
