"""The error analysis of a set of images: scores of corrected predictions, and what that gains."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from cellwright.evaluate.coco import AveragePrecision
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.corrections import CORRECTIONS
from cellwright.evaluate.match import MATCHING
from cellwright.evaluate.resample import total

AS_PREDICTED = "as predicted"


class Analysis:
    """Scores every correction of `corrections.CORRECTIONS` on the images added.

    Parameters
    ----------
    max_detections, areas
        See `AveragePrecision`.

    Examples
    --------
    >>> import numpy as np
    >>> from cellwright.types import Instances
    >>> truth = Instances((1, 8), [[0, 0, 1, 3], [0, 5, 1, 8]], [np.ones((1, 3))] * 2)
    >>> analysis = Analysis(max_detections=100, areas={})
    >>> analysis.add(Comparison(truth, truth[:1]))
    >>> {row["name"]: row["gain_accuracy50"] for row in analysis.rows()}["no misses"]
    0.5
    """

    def __init__(self, *, max_detections: int, areas: Mapping[str, tuple[float, float]]) -> None:
        self._names = {AS_PREDICTED: "Nothing is changed"}
        self._names |= {c.name: c.summary for c in CORRECTIONS}
        self._precision = {
            name: AveragePrecision(kinds=["segm"], max_detections=max_detections, areas=areas)
            for name in self._names
        }
        self._sums: dict[str, list[dict[str, float]]] = {name: [] for name in self._names}

    def add(self, seen: Comparison) -> None:
        """Add one image, as predicted and in every corrected form."""
        self._add(AS_PREDICTED, seen)
        for correction in CORRECTIONS:
            self._add(correction.name, Comparison(seen.truth, correction.of(seen)))

    def rows(self) -> list[dict[str, Any]]:
        """One record a correction, "as predicted" first.

        Returns
        -------
        list of dict
            name, summary, accuracy50 and mean_accuracy (TP / (TP + FP + FN)), AP, AP50, AP75 of
            masks, and each again as ``gain_...``: how much more than as predicted; ``coco`` ->
            "segm" -> all figures of masks. A figure that is not defined is None.
        """
        rows: list[dict[str, Any]] = []
        for name, summary in self._names.items():
            matching = MATCHING.divide(total(self._sums[name]))
            precision = self._precision[name].figures()["segm"]
            figures = {
                "accuracy50": matching["0.50"]["accuracy"],
                "mean_accuracy": matching["mean"]["accuracy"],
                **{k: precision[k] for k in ("AP", "AP50", "AP75")},
            }
            first = rows[0] if rows else figures
            gains = {f"gain_{k}": _less(v, first[k]) for k, v in figures.items()}
            row = {"name": name, "summary": summary, **figures, **gains}
            rows.append({**row, "coco": {"segm": precision}})
        return rows

    def _add(self, name: str, seen: Comparison) -> None:
        self._precision[name].add_comparison(seen)
        self._sums[name].append(MATCHING.count(seen))


def _less(value: float | None, other: float | None) -> float | None:
    return None if value is None or other is None else value - other
