"""Labels without a hand for training: masks that pass the filter, and what the others become."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Collection, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.evaluate.classes import cells_and_crowds
from cellwright.label.background import crowd, without
from cellwright.label.looks import agreement, looks, mean_agreement
from cellwright.label.single_cell import Judged, judge
from cellwright.steps.inputs import ImageJob
from cellwright.steps.progress import track
from cellwright.steps.result import Failure
from cellwright.types import Image, InputError, Instances, Sample

log = logging.getLogger(__name__)

#: COCO file of the cells that were left out, beside that of the labels
LEFT_OUT = "left_out.json"
SPLIT = "split"
UNSTABLE = "changes under flips and shifts"
DISAGREES = "coarse cell and mask disagree"
NO_MASK = "no mask for the coarse cell"
NEW = "unknown to the labels before"

#: kept cells and left-out cells of one image; each left-out one is tagged with its reason
Verdict = tuple[Instances, Instances]


def filled(image: Image, kept: Instances, dropped: Instances) -> tuple[Image, Instances]:
    """What is trained on with background in the place of the cells that are left out (P5)."""
    return without(image, dropped, kept), kept


def ignored(image: Image, kept: Instances, dropped: Instances) -> tuple[Image, Instances]:
    """What is trained on with a crowd, which is not judged, over the same pixels."""
    return image, Instances.concatenate([kept, crowd(dropped, kept)])


#: what becomes of cells that are left out
REJECTED: dict[str, Callable[[Image, Instances, Instances], tuple[Image, Instances]]] = {
    "fill": filled,
    "ignore": ignored,
}


def write_labels(
    jobs: Sequence[ImageJob],
    output: Path,
    find: Callable[[ImageJob, Image], Verdict],
    *,
    rejected: str,
    held_out: Collection[str],
    quiet: bool,
    say: str,
) -> tuple[Failure, ...]:
    """Write the data set that `find` makes of `jobs`; images that are there already stay.

    Parameters
    ----------
    jobs
        The images.
    output
        Folder of the data set; `LEFT_OUT` lies in it too.
    find
        Gives the kept and the left-out cells of an image.
    rejected
        A name of `REJECTED`.
    held_out
        Names of the images that are tagged as the fold and not trained on.
    quiet, say
        Whether there is a progress bar, and its label.
    """
    from cellwright.formats.dataset import DatasetWriter

    failed: list[Failure] = []
    with (
        DatasetWriter(output) as labels,
        DatasetWriter(output, annotations=LEFT_OUT, save_images=False) as rest,
    ):
        new = [job for job in jobs if job.name not in labels.done]
        for job in track(new, say, quiet=quiet):
            try:
                image = job.read()
                kept, dropped = find(job, image)
                shown, labelled = REJECTED[rejected](image, kept, dropped)
                tags = dict(image.tags)
                if tags.get(SPLIT) != "test":
                    tags[SPLIT] = "val" if job.name in held_out else "train"
                shown = replace(shown, tags=tags)
                if job.name not in rest.done:
                    rest.add(Sample(job.name, image, dropped))
                labels.add(Sample(job.name, shown, labelled))
            except (InputError, OSError, MemoryError) as error:
                message = " ".join(str(error).split()) or type(error).__name__
                log.warning("%s was left out: %s", job.path, message)
                failed.append(Failure(str(job.path), message))
    return tuple(failed)


def first_labels(coarse: str, prompts: str) -> Callable[[ImageJob, Image], Verdict]:
    """Coarse cells, masks prompted by them (or themselves, for "none"), and the filter.

    Raises
    ------
    InputError
        If a segmenter is unknown or takes no shape filter (`filtered`).
    """
    from cellwright.label.coarse_prompted import CoarsePromptedSegmenter
    from cellwright.label.prompting import prompt_segmenter
    from cellwright.label.segmenters import segmenter

    finder = segmenter(coarse, filtered=False)  # what is odd is to be known, then filled
    drawer: Any = finder
    if prompts != "none":
        asked = prompt_segmenter(prompts)
        drawer = CoarsePromptedSegmenter(coarse=finder, prompts=asked, shown={})

    def find(job: ImageJob, image: Image) -> Verdict:
        cells = drawer.segment(image)
        first = cells if drawer is finder else finder.segment(image)
        agreements = {UNSTABLE: mean_agreement(cells, looks(drawer.segment, image))}
        if prompts != "none":
            agreements[DISAGREES] = agreement(cells, first)
        judged = judge(bright(image), cells, agreements)
        alone = first[agreement(first, cells) < 0.1]
        return parted(cells, judged, {NO_MASK: alone})

    return find


def next_labels(
    segment: Callable[[Image], Instances], before: dict[str, Verdict], held_out: Collection[str]
) -> Callable[[ImageJob, Image], Verdict]:
    """What a trained model and the labels before agree on, or the model on itself.

    A cell of the model is kept if it stays under flips and shifts (IoU of 0.6) and is one of the
    labels before (IoU of 0.5); a new one has to stay with an IoU of 0.8. Images held out keep
    their cells and what was left out, so that agreement is measured on the same pixels and labels
    in every round.
    """

    def find(job: ImageJob, image: Image) -> Verdict:
        old, out = before[job.name]
        if job.name in held_out:
            return old, out
        cells = segment(image)
        stays, known = mean_agreement(cells, looks(segment, image)), agreement(cells, old)
        judged = judge(bright(image), cells, {UNSTABLE: stays})
        unknown = judged.kept & (known < 0.5) & (stays < 0.8)
        reasons = tuple(
            NEW if new else reason for new, reason in zip(unknown, judged.reasons, strict=True)
        )
        judged = Judged(judged.consistency, reasons)
        lost = old[agreement(old, cells) < 0.1] if len(old) else old
        return parted(cells, judged, {"lost by the model": lost})

    return find


def bright(image: Image) -> np.ndarray:
    """(row, column) float32 plane in which cells are bright."""
    from cellwright.label.coarse import relief_of, seen

    plane, kind = seen(image, foreground="auto", channel=None)
    return relief_of(plane, kind)[0]


def parted(cells: Instances, judged: Judged, others: dict[str, Instances]) -> Verdict:
    """Kept cells, scored by their consistency, and those left out with their reasons."""
    scores = judged.consistency.astype(np.float32)
    tags = tuple({"reason": reason} if reason else {} for reason in judged.reasons)
    scored = replace(cells, scores=scores, tags=tags if len(cells) else ())
    parts = [scored[~judged.kept]]
    for reason, some in others.items():
        parts.append(replace(some, tags=tuple({"reason": reason} for _ in range(len(some)))))
    kept = replace(scored[judged.kept], tags=())
    return kept, Instances.concatenate(parts)


def verdicts(folder: Path) -> dict[str, Verdict]:
    """Kept and left-out cells of each image of a data set that `write_labels` made, by name."""
    from cellwright.formats.dataset import open_dataset, read_coco

    kept, rest = open_dataset(folder), read_coco(folder / LEFT_OUT)
    out = {name: rest.instances(i) for i, name in enumerate(rest.names)}
    return {
        name: (cells_and_crowds(kept.instances(i))[0], out[name])
        for i, name in enumerate(kept.names)
    }


def summary(folder: Path) -> dict[str, int]:
    """How many cells a data set keeps, and for each reason how many were left out."""
    found = verdicts(folder).values()
    counts = Counter(str(tag.get("reason", "")) for _, out in found for tag in out.tags)
    return {"kept": sum(len(kept) for kept, _ in found), **dict(counts.most_common())}
