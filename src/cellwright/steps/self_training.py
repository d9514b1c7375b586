"""Rounds of training on what the last model and its labels agree on, and when to stop."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from cellwright.types import Image, Instances

#: files of a model folder that make the model
MODEL_FILES = ("curves.csv", "curves.png", "model.safetensors", "model.json")
#: what agreement has to rise by for one more round
RISE = 0.002
IOUS = (0.5, 0.6, 0.7, 0.8, 0.9)


def goes_on(curve: Sequence[float], *, rounds: int, rise: float = RISE) -> bool:
    """Whether another round follows: fewer than `rounds` were made and the last one rose.

    Parameters
    ----------
    curve
        Held-out agreement of the first model and of each round.
    rounds
        Rounds at most after the first model.
    rise
        Least rise over the best before.

    Examples
    --------
    >>> goes_on([0.7], rounds=2), goes_on([0.7, 0.75], rounds=2), goes_on([0.7, 0.7], rounds=2)
    (True, True, False)
    """
    if len(curve) > rounds:
        return False
    return len(curve) < 2 or curve[-1] > max(curve[:-1]) + rise


def best(curve: Sequence[float]) -> int:
    """Index of the highest agreement; the earliest of equal ones."""
    return max(range(len(curve)), key=lambda i: (curve[i], -i))


def held_out_agreement(
    segment: Callable[[Image], Instances], dataset: Path, names: Collection[str]
) -> dict[str, float]:
    """How far a model agrees with itself and with the labels on images it was not trained on.

    Returns
    -------
    dict
        ``itself``: accuracy TP/(TP+FP+FN), mean over IoU 0.5 to 0.9, between its cells and those
        it finds in the flipped and shifted image; ``labels``: the same between labels and cells;
        ``agreement``: the mean of the two. No truth is read.
    """
    from cellwright.evaluate.match import MatchCounts, match
    from cellwright.formats.dataset import open_dataset
    from cellwright.label.looks import looks

    data = open_dataset(dataset)
    itself, labels = [MatchCounts()] * len(IOUS), [MatchCounts()] * len(IOUS)
    for i, name in enumerate(data.names):
        if name not in names:
            continue
        image = data.image(i)
        found = segment(image)
        for one in looks(segment, image):
            itself = [a + b for a, b in zip(itself, match(found, one, IOUS), strict=True)]
        labels = [a + b for a, b in zip(labels, match(data.instances(i), found, IOUS), strict=True)]
    means = [sum(c.accuracy for c in some) / len(IOUS) for some in (itself, labels)]
    return {"itself": means[0], "labels": means[1], "agreement": sum(means) / 2}


def take_over(model: Path, output: Path) -> None:
    """Copy a model into the output folder; ``model.json`` comes last, so that it means a whole."""
    from cellwright.formats.atomic import atomic_path

    for name in MODEL_FILES:
        if (model / name).is_file():
            with atomic_path(output / name) as part:
                shutil.copyfile(model / name, part)
