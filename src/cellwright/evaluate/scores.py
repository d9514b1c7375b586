"""All scores of a set of images: the record, and its JSON form."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from cellwright.types import InputError

SCHEMA_VERSION = 2

Figures = dict[str, dict[str, Any]]


@dataclass(frozen=True)
class Scores:
    """What `cellwright evaluate` says of a set of images.

    Parameters
    ----------
    images, truth, predicted
        Number of images, of true cells and of predicted cells.
    figures
        Block -> figures: one block per metric (see `metrics.METRICS`) from sums over all images,
        and "coco" -> "segm", "bbox" -> AP, AP50, ... A figure that is not defined is None.
    intervals
        Keys of a figure joined by "/" -> (low, high): 95 % bootstrap interval over images.
    curves
        Kind -> recall (101) and precision at each of them, by IoU.
    by
        Tag -> value -> images, truth, predicted, the blocks, and intervals of these images.
    per_image
        One record per image: name, tags, truth, predicted, pixel, matching, and the sums of
        every metric, of which all figures of any set of images can be had.
    analysis
        What would be gained by each correction (see `corrections`), after "as predicted".
    worst_cells
        Cells that went wrong, the worst first.
    settings
        What the figures depend on: max_detections, areas (square pixels), resamples, seed.
    versions
        Versions of the software that made them.

    Examples
    --------
    >>> Scores(1, 2, 2, {"pixel": {"f1": 0.5}})["pixel"]["f1"]
    0.5
    """

    images: int
    truth: int
    predicted: int
    figures: Figures
    intervals: dict[str, tuple[float, float]] = field(default_factory=dict)
    curves: dict[str, Any] = field(default_factory=dict)
    by: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    per_image: list[dict[str, Any]] = field(default_factory=list)
    analysis: list[dict[str, Any]] = field(default_factory=list)
    worst_cells: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def __getitem__(self, block: str) -> dict[str, Any]:
        return self.figures[block]

    @property
    def pixel(self) -> dict[str, float]:
        """Scores of the foreground: accuracy, precision, recall, f1 (= Dice), iou."""
        return self.figures["pixel"]

    @property
    def matching(self) -> dict[str, dict[str, float]]:
        """ "0.50" ... "0.95" -> tp, fp, fn, accuracy, precision, recall, f1, fnr; "mean"."""
        return self.figures["matching"]

    @property
    def coco(self) -> dict[str, dict[str, float | None]]:
        """ "segm" and "bbox" -> AP, AP50, AP75 and so on; None where a figure is not defined."""
        return self.figures.get("coco", {})

    def to_json(self) -> dict[str, Any]:
        """The scores as plain dicts, lists, numbers and strings, the blocks beside the rest.

        There is no NaN in them: a figure that is not defined is None (null).
        """
        own = {f.name: getattr(self, f.name) for f in fields(self)}
        blocks = own.pop("figures")
        first = {k: own.pop(k) for k in ("schema_version", "images", "truth", "predicted")}
        return defined({**first, **blocks, **own})

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scores:
        """Scores from what `to_json` gave, of this schema version or an older one.

        Raises
        ------
        InputError
            If these are no scores, or of a newer schema.
        """
        version = data.get("schema_version")
        if not isinstance(version, int):
            raise InputError("these are no scores: they have no schema_version")
        if version > SCHEMA_VERSION:
            raise InputError(
                f"the scores have schema version {version}, this Cellwright reads up to "
                f"{SCHEMA_VERSION}: update Cellwright"
            )
        own = {f.name for f in fields(cls)} - {"figures"}
        known = {k: v for k, v in data.items() if k in own}
        blocks = {k: v for k, v in data.items() if k not in own}
        try:
            return cls(figures=blocks, **known)
        except TypeError as error:
            raise InputError(f"the scores are not complete: {error}") from error


def defined(value: Any) -> Any:
    """Plain values for a JSON file; a number that is not finite is None.

    >>> defined({"AP": float("nan"), "bounds": (0.0, 1)})
    {'AP': None, 'bounds': [0.0, 1]}
    """
    if isinstance(value, Mapping):
        return {str(k): defined(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [defined(v) for v in value]
    if hasattr(value, "tolist"):
        return defined(value.tolist())
    return None if isinstance(value, float) and not math.isfinite(value) else value
