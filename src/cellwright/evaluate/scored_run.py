"""Scores of one run by image name, and what runs to be compared have in common."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.evaluate.coco import AveragePrecision
from cellwright.evaluate.scores import Scores
from cellwright.types import InputError


class ScoredRun:
    """The scores of one run, looked up by image name.

    Parameters
    ----------
    name
        Name of the run.
    scores
        Its scores, with the sums of each image.
    precision
        Its detections, or None.

    Raises
    ------
    InputError
        If the scores hold no images or no sums of them, two images have one name, or
        `precision` holds another number of images.
    """

    def __init__(
        self, name: str, scores: Scores, precision: AveragePrecision | None = None
    ) -> None:
        self.name, self.scores, self.precision = name, scores, precision
        if not scores.per_image or any("sums" not in r for r in scores.per_image):
            raise InputError(
                f"the scores of {name} do not hold the sums of each image "
                f"(schema version {scores.schema_version}): run evaluate again with this Cellwright"
            )
        self._number = {str(r["name"]): k for k, r in enumerate(scores.per_image)}
        if len(self._number) < len(scores.per_image):
            names = [str(r["name"]) for r in scores.per_image]
            twice = next(n for n in names if names.count(n) > 1)
            raise InputError(
                f"the scores of {name} hold two images named {twice!r}: name them apart"
            )
        if precision is not None and len(precision) != len(scores.per_image):
            raise InputError(
                f"{len(precision)} images were gathered for {name}, its scores have "
                f"{len(scores.per_image)}: give what the same scorer gathered"
            )

    @property
    def names(self) -> tuple[str, ...]:
        """Names of its images, in their order."""
        return tuple(self._number)

    @property
    def max_detections(self) -> int | None:
        """How many predictions of an image counted for average precision."""
        if self.precision is not None:
            return self.precision.max_detections
        return self.scores.settings.get("max_detections")

    def record(self, image: str) -> Mapping[str, Any]:
        """The record of an image, as in `Scores.per_image`."""
        return self.scores.per_image[self._number[image]]

    def has(self, block: str) -> bool:
        """Whether every image has the sums of this block."""
        return all(block in r["sums"] for r in self.scores.per_image)

    def sums(self, block: str, images: Sequence[str]) -> list[Mapping[str, float]]:
        """The sums of some images."""
        return [self.record(image)["sums"][block] for image in images]

    def coco(self, images: Sequence[str]) -> Mapping[str, Any]:
        """Average precision over some images; empty where it cannot be known."""
        if self.precision is not None:
            return self.precision.figures(self._numbers(images))
        return self.scores.coco if set(images) == set(self._number) else {}

    def resampled(self, images: Sequence[str], drawn: np.ndarray) -> Mapping[str, Any]:
        """Average precision of resamples of some images, `drawn` by their order in `images`."""
        if self.precision is None:
            return {}
        numbers = self._numbers(images)
        # the columns of the gathered images stand in the order in which they were added
        return self.precision.resampled(drawn[:, np.argsort(numbers)], numbers)

    def interval(self, path: str, images: Sequence[str]) -> tuple[float, float] | tuple[None, None]:
        """The interval of a figure in its own scores, where they are of just these images."""
        ends = self.scores.intervals.get(path) if set(images) == set(self._number) else None
        return (None, None) if ends is None else (float(ends[0]), float(ends[1]))

    def curves(self, images: Sequence[str]) -> Mapping[str, Any]:
        """Precision over recall of some images; empty where it cannot be known."""
        if self.precision is not None:
            return self.precision.curves(self._numbers(images))
        return self.scores.curves if set(images) == set(self._number) else {}

    def _numbers(self, images: Sequence[str]) -> list[int]:
        return [self._number[image] for image in images]


def shared_images(
    runs: Sequence[ScoredRun],
) -> tuple[tuple[str, ...], dict[str, tuple[str, ...]]]:
    """Images that all runs have, and those that each lacks of the others'.

    Returns
    -------
    shared
        Names in the order of the first run.
    missing
        Run -> names.

    Raises
    ------
    InputError
        If no image is shared, or two runs were scored on another truth of one: another frame,
        number of true cells or number of true pixels.

    Examples
    --------
    >>> def run(name, images):
    ...     records = [{"name": i, "truth": 1, "predicted": 1, "sums": {}} for i in images]
    ...     return ScoredRun(name, Scores(len(records), 1, 1, {}, per_image=records))
    >>> shared_images([run("a", "xyz"), run("b", "yx")])
    (('x', 'y'), {'a': (), 'b': ('z',)})
    """
    every = list(dict.fromkeys(name for run in runs for name in run.names))
    have = [set(run.names) for run in runs]
    shared = tuple(name for name in runs[0].names if all(name in h for h in have))
    if not shared:
        examples = "; ".join(f"{run.name}: {', '.join(run.names[:3])}, ..." for run in runs)
        raise InputError(f"the runs share no image, names must be the same ({examples})")
    for name in shared:
        for run in runs[1:]:
            _check_truth(name, runs[0], run)
    return shared, {
        run.name: tuple(n for n in every if n not in own)
        for run, own in zip(runs, have, strict=True)
    }


def _check_truth(image: str, first: ScoredRun, second: ScoredRun) -> None:
    one, other = first.record(image), second.record(image)
    facts = [("true cells", int(one["truth"]), int(other["truth"]))]
    ours, theirs = one["sums"].get("pixel"), other["sums"].get("pixel")
    if ours and theirs:
        for name, keys in (
            ("pixels in the frame", ("tp", "fp", "fn", "tn")),
            ("true pixels", ("tp", "fn")),
        ):
            facts.append((name, *(int(sum(s.get(k, 0) for k in keys)) for s in (ours, theirs))))
    for what, here, there in facts:
        if here != there:
            raise InputError(
                f"{image} was scored on another truth: {here} {what} for {first.name}, {there} "
                f"for {second.name}; evaluate both on the same truth"
            )
