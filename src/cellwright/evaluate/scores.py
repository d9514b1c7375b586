"""All scores of a set of images, gathered one image at a time."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from cellwright.evaluate.coco import COCO_AREAS, MAX_DETECTIONS, AveragePrecision
from cellwright.evaluate.match import THRESHOLDS, MatchCounts, match
from cellwright.evaluate.pixel import PixelCounts, pixel_counts
from cellwright.types import InputError, Instances, Tag

SCHEMA_VERSION = 1
NO_TAG = "(none)"


@dataclass(frozen=True)
class Scores:
    """What `cellwright evaluate` says of a set of images.

    Parameters
    ----------
    images, truth, predicted
        Number of images, of true cells and of predicted cells.
    pixel
        accuracy, precision, recall, f1 (= Dice), iou of the foreground; pixels summed over images.
    matching
        "0.50" ... "0.95" -> tp, fp, fn (summed over images) and accuracy = TP / (TP + FP + FN),
        precision, recall, f1; "mean" -> accuracy, the mean over the thresholds.
    coco
        "segm" and "bbox" -> AP, AP50, AP75, APs, APm, APl; None where a figure is not defined.
    by
        Tag -> value -> images, truth, predicted, pixel, matching, coco of the images with it.
    per_image
        One record per image: name, tags, truth, predicted, pixel, matching.
    settings
        What the figures depend on: max_detections and areas (square pixels).
    versions
        Versions of the software that made them.
    """

    images: int
    truth: int
    predicted: int
    pixel: dict[str, float]
    matching: dict[str, dict[str, float]]
    coco: dict[str, dict[str, float | None]]
    by: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    per_image: list[dict[str, Any]] = field(default_factory=list)
    settings: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)
    schema_version: int = SCHEMA_VERSION

    def to_json(self) -> dict[str, Any]:
        """The scores as plain dicts, lists, numbers and strings, ready for a JSON file.

        There is no NaN in them: a figure that is not defined is None (null).
        """
        return {"schema_version": self.schema_version, **asdict(self)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Scores:
        """Scores from what `to_json` gave.

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
        try:
            return cls(**data)
        except TypeError as error:
            raise InputError(f"the scores are not complete: {error}") from error


@dataclass(frozen=True, slots=True)
class _Entry:
    """The counts of one image."""

    name: str
    tags: dict[str, Tag]
    truth: int
    predicted: int
    pixel: PixelCounts
    matching: tuple[MatchCounts, ...]


class Scorer:
    """Gathers images one at a time and gives their `Scores`.

    Only counts and COCO's evaluation of each image are kept, never its masks.

    Parameters
    ----------
    by
        Tags to group by.
    coco
        Whether COCO average precision is computed too.
    max_detections, areas
        See `AveragePrecision`.

    Examples
    --------
    >>> cell = Instances((4, 4), [[0, 0, 2, 2]], [[[True, True], [True, True]]])
    >>> scorer = Scorer(coco=False)
    >>> scorer.add("a", cell, cell)
    >>> scorer.add("b", cell, Instances.empty((4, 4)))
    >>> scores = scorer.result()
    >>> scores.matching["0.50"]["accuracy"], scores.pixel["recall"]
    (0.5, 0.5)
    """

    def __init__(
        self,
        *,
        by: Sequence[str] = (),
        coco: bool = True,
        max_detections: int = MAX_DETECTIONS,
        areas: Mapping[str, tuple[float, float]] = COCO_AREAS,
    ) -> None:
        self.by = tuple(by)
        self._precision = (
            AveragePrecision(max_detections=max_detections, areas=areas) if coco else None
        )
        self._settings = {
            "max_detections": max_detections,
            "areas": {name: list(bounds) for name, bounds in areas.items()},
        }
        self._entries: list[_Entry] = []

    def __len__(self) -> int:
        return len(self._entries)

    def add(
        self,
        name: str,
        truth: Instances,
        pred: Instances,
        *,
        tags: Mapping[str, Tag] | None = None,
    ) -> None:
        """Add one image.

        Raises
        ------
        InputError
            If the frames differ or a class is predicted that the truth does not have; the
            message names the image, and the image is not counted.
        """
        try:
            pixel, matching = pixel_counts(truth, pred), match(truth, pred)
            if self._precision is not None:
                self._precision.add(truth, pred)
        except InputError as error:
            raise InputError(f"{name}: {error}") from error
        self._entries.append(_Entry(name, dict(tags or {}), len(truth), len(pred), pixel, matching))

    def result(self) -> Scores:
        """The scores of all images added so far.

        Raises
        ------
        InputError
            If there are none, or a tag of `by` is known of no image.
        """
        if not self._entries:
            raise InputError("there is no image to score")
        return Scores(
            **self._summary(range(len(self._entries))),
            by={tag: self._groups(tag) for tag in self.by},
            per_image=[{"name": e.name, "tags": e.tags, **_figures([e])} for e in self._entries],
            settings=self._settings,
        )

    def _groups(self, tag: str) -> dict[str, dict[str, Any]]:
        values = [e.tags.get(tag) for e in self._entries]
        if all(v is None for v in values):
            known = sorted({t for e in self._entries for t in e.tags})
            raise InputError(
                f"no image has the tag {tag!r}; known tags: {', '.join(known) or 'none'}"
            )
        groups: dict[str, list[int]] = {}
        for k, value in enumerate(values):
            groups.setdefault(NO_TAG if value is None else str(value), []).append(k)
        return {v: self._summary(groups[v]) for v in sorted(groups, key=_by_number)}

    def _summary(self, images: Iterable[int]) -> dict[str, Any]:
        chosen = list(images)
        precision = self._precision.figures(chosen) if self._precision is not None else {}
        figures = _figures([self._entries[k] for k in chosen])
        return {"images": len(chosen), **figures, "coco": precision}


def _by_number(value: str) -> tuple[bool, float, str]:
    """Sorting key: numbers by size, then words."""
    try:
        return False, float(value), value
    except ValueError:
        return True, 0.0, value


def score(images: Iterable[tuple[str, Instances, Instances]], *, coco: bool = True) -> Scores:
    """Scores of (name, truth, prediction) triples.

    >>> cell = Instances((4, 4), [[0, 0, 2, 2]], [[[True, True], [True, True]]])
    >>> score([("a", cell, cell)], coco=False).matching["mean"]
    {'accuracy': 1.0}
    """
    scorer = Scorer(coco=coco)
    for name, truth, pred in images:
        scorer.add(name, truth, pred)
    return scorer.result()


def _figures(entries: Sequence[_Entry]) -> dict[str, Any]:
    """Counts summed over `entries`, then divided."""
    pixel = sum((e.pixel for e in entries), PixelCounts())
    counts = [sum((e.matching[k] for e in entries), MatchCounts()) for k in range(len(THRESHOLDS))]
    matching = {f"{t:.2f}": c.figures() for t, c in zip(THRESHOLDS, counts, strict=True)}
    matching["mean"] = {"accuracy": sum(c.accuracy for c in counts) / len(counts)}
    return {
        "truth": sum(e.truth for e in entries),
        "predicted": sum(e.predicted for e in entries),
        "pixel": pixel.figures(),
        "matching": matching,
    }
