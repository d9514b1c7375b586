"""The cells that went most wrong, for a gallery: some of each kind of error."""

from __future__ import annotations

import heapq
from typing import Any

import numpy as np

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.errors import kinds

PER_KIND = 8
#: Kinds in the order of the gallery, and whose cell it is.
KINDS = {
    "missed": "truth",
    "merge": "prediction",
    "split": "truth",
    "spurious": "prediction",
    "duplicate": "prediction",
    "misfit": "prediction",
}
#: A matched cell below this IoU is a misfit.
FIT = 0.75


class Worst:
    """Keeps the worst cells of all images added, up to `PER_KIND` of each kind.

    Missed, split and merging cells are worse the larger they are; spurious and duplicate ones
    the surer they were; misfits (matched at IoU 0.50 and below 0.75) the less they fit.

    Examples
    --------
    >>> from cellwright.types import Instances
    >>> worst = Worst()
    >>> truth = Instances((1, 8), [[0, 0, 1, 3]], [np.ones((1, 3))])
    >>> worst.add("a", Comparison(truth, Instances.empty((1, 8))))
    >>> [(c["image"], c["kind"], c["box"]) for c in worst.cells()]
    [('a', 'missed', [0, 0, 1, 3])]
    """

    def __init__(self) -> None:
        self._kept: dict[str, list[tuple[float, int, dict[str, Any]]]] = {k: [] for k in KINDS}
        self._count = 0

    def add(self, name: str, seen: Comparison) -> None:
        """Look at the cells of one image."""
        of_truth, of_pred = kinds(seen)
        found = {
            "missed": (np.flatnonzero(of_truth == "missed"), seen.true_areas),
            "split": (np.flatnonzero(of_truth == "split"), seen.true_areas),
            "merge": (np.flatnonzero(of_pred == "merge"), seen.pred_areas),
            "spurious": (np.flatnonzero(of_pred == "spurious"), seen.pred.scores),
            "duplicate": (np.flatnonzero(of_pred == "duplicate"), seen.pred.scores),
        }
        fit = np.ones(len(seen.pred))
        matched = seen.matched(0.5)
        fit[matched.j] = matched.iou
        poor = np.flatnonzero((fit < FIT) & (of_pred == "right"))
        found["misfit"] = (poor, 1 - fit)
        for kind, (cells, badness) in found.items():
            for k in cells[np.argsort(-badness[cells], kind="stable")][:PER_KIND].tolist():
                self._keep(name, kind, seen, k, float(badness[k]))

    def cells(self) -> list[dict[str, Any]]:
        """The worst cells, kind by kind, the worst of each first.

        Returns
        -------
        list of dict
            image, kind, side ("truth" or "prediction"), cell (its number there), box (half-open
            row0, col0, row1, col1), area (px), score and iou (None where there is none).
        """
        return [
            record
            for kept in self._kept.values()
            for _, _, record in sorted(kept, key=lambda k: k[:2], reverse=True)
        ]

    def _keep(self, name: str, kind: str, seen: Comparison, k: int, badness: float) -> None:
        side = KINDS[kind]
        cells = seen.truth if side == "truth" else seen.pred
        areas = seen.true_areas if side == "truth" else seen.pred_areas
        record = {
            "image": name,
            "kind": kind,
            "side": side,
            "cell": k,
            "box": cells.boxes[k].tolist(),
            "area": int(areas[k]),
            "score": None if side == "truth" else round(float(cells.scores[k]), 6),
            "iou": 1 - badness if kind == "misfit" else None,
        }
        self._count -= 1  # of equally bad ones the first stays
        entry = (badness, self._count, record)
        kept = self._kept[kind]
        if len(kept) < PER_KIND:
            heapq.heappush(kept, entry)
        else:
            heapq.heappushpop(kept, entry)
