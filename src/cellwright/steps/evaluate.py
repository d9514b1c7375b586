"""Compare predicted cells with the true ones, image by image."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

import numpy as np

from cellwright.evaluate.coco import PRESETS
from cellwright.evaluate.scorer import Scorer
from cellwright.evaluate.scores import Scores
from cellwright.formats.writer import with_classes
from cellwright.label.zstack import mixed_routes
from cellwright.steps.cells import Cells, open_cells, some
from cellwright.steps.learnt import TrainingImages
from cellwright.steps.machine import versions
from cellwright.steps.progress import track
from cellwright.types import InputError, Instances

logger = logging.getLogger(__name__)

Missing = Literal["error", "empty", "skip"]


def evaluate(
    truth: str | Path,
    pred: str | Path,
    output: str | Path | None = None,
    *,
    by: Sequence[str] = (),
    classes: Sequence[str] = (),
    preset: str = "coco",
    max_detections: int | None = None,
    areas: Mapping[str, tuple[float, float]] | None = None,
    missing: Missing = "error",
    semantic: bool = False,
    errors: bool = False,
    on_training_images: bool = False,
    resamples: int = 1000,
    seed: int = 0,
    quiet: bool = False,
) -> Scores:
    """Score predicted cells against true ones.

    Images meet by name: the name in a data set or COCO file, the file name without suffix
    (and without ``_masks``) in a folder of label images. Truth images without any labelling
    are left out; predictions of images without truth are listed in the log and in
    ``settings["without_truth"]`` of the scores. Images are read one at a time. Nothing is
    taken from an earlier result.

    Parameters
    ----------
    truth, pred
        Each a data-set folder, a COCO file, the output folder of ``predict`` or a folder of
        label images.
    output
        JSON file to write the scores to; None writes no file. Earlier scores there are replaced,
        which the log says.
    by
        Tags of the truth's images (or, where it has none, of the predicted ones) to group by;
        "density" and "size" (of the true cells) are computed where there are no such tags.
    classes
        Classes that count, those of the truth by default; cells of others are left out on both
        sides.
    preset
        "coco" or "livecell": area bins and number of detections of COCO's figures.
    max_detections, areas
        Other than the preset's: predictions of an image that count; name -> (smallest, largest)
        in square pixels.
    missing
        What a true image without prediction is: "error" stops and lists them; "empty" counts it
        as an image in which nothing was found; "skip" leaves it out. Either is written down in
        ``settings["without_prediction"]``.
    semantic
        Whether label images tell cell from background only; then each connected region is a cell.
    errors
        Whether the errors are analysed (Prytula 2023, section 5.7.4): what perfect masks, perfect
        ranking, no splits and so on would gain, and the worst cells. Takes ten times as long.
    on_training_images
        Whether images may be scored that the model learnt from, itself or by cells pasted from
        them; they are listed in ``settings["training_images"]``. What a model learnt from is
        known of the outputs of ``predict`` (`cellwright.steps.learnt`).
    resamples, seed
        Of the 95 % intervals over images; 0 for no intervals.
    quiet
        Show no progress.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If a source cannot be read, a true image has no prediction (they are listed), an image
        has another size, a predicted class is unknown to the truth, or the model learnt from
        an image that is scored.
    """
    if preset not in PRESETS:
        raise InputError(f"there is no preset {preset!r}: known are {', '.join(PRESETS)}")
    most, bins = PRESETS[preset]
    true = open_cells(truth, truth=True, semantic=semantic)
    found = open_cells(pred, truth=False, semantic=semantic)
    names, lost, extra = pair_names(true, found, missing)
    for line in mixed_routes({"the truth": [true.tags.get(name, {}) for name in names]}):
        logger.warning("%s", line)
    seen = TrainingImages(found, names, allowed=on_training_images)
    scorer = Scorer(
        by=by,
        max_detections=max_detections or most,
        areas=bins if areas is None else areas,
        errors=errors,
        resamples=resamples,
        seed=seed,
    )
    for name in track(names, "evaluate", quiet=quiet):
        cells = true.read[name]()
        seen.look(name, cells)
        if absent := [c for c in classes if c not in cells.class_names]:
            raise InputError(
                f"the truth has no class {absent[0]!r}; it has {', '.join(cells.class_names)}"
            )
        guess = (
            found.read[name]()
            if name in found.read
            else Instances.empty(cells.shape, cells.class_names)
        )
        if classes:
            cells, guess = _only(cells, classes), _only(guess, classes)
        scorer.add(name, cells, guess, tags=true.tags.get(name) or found.tags.get(name))
    scores = scorer.result()
    seen.warn()
    settings = {
        **scores.settings,
        "preset": preset,
        "without_truth": extra,
        "without_prediction": lost,
        "missing": missing,
        "training_images": list(seen.found),
        "classes": list(classes),
        "semantic": semantic,
        "sources": {"truth": true.record(), "pred": found.record()},
        "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
    }
    scores = replace(scores, settings=settings, versions=versions())
    if output is not None:
        _write(scores, Path(output))
    return scores


def pair_names(
    true: Cells, found: Cells, missing: Missing = "error"
) -> tuple[list[str], list[str], list[str]]:
    """Which images are compared, which true ones have no prediction, which predicted no truth.

    Raises
    ------
    InputError
        If no name meets, or true images have no prediction and `missing` is "error".
    """
    if missing not in ("error", "empty", "skip"):
        raise InputError(f"missing is {missing!r}: wanted is error, empty or skip")
    lost = [name for name in true.read if name not in found.read]
    extra = [name for name in found.read if name not in true.read]
    if len(lost) == len(true):
        raise InputError(
            f"{found.path} and {true.path} do not belong together: no image name of one is in "
            f"the other ({some(list(found.read), 3)}; {some(list(true.read), 3)})"
        )
    if lost and missing == "error":
        raise InputError(
            f"{found.path} has no prediction for {len(lost)} of {len(true)} images of "
            f"{true.path}: {some(lost)}; predict them, take them out of the truth, or count "
            "them as images in which nothing was found (--missing empty)"
        )
    if lost:
        logger.warning("%d true images have no prediction (%s): %s", len(lost), missing, some(lost))
    if extra:
        logger.warning("%d predicted images have no truth: %s", len(extra), some(extra))
    names = [n for n in true.read if n in found.read or missing == "empty"]
    return names, lost, extra


def _only(cells: Instances, classes: Sequence[str]) -> Instances:
    """The cells of these classes, which they alone are counted in."""
    keep = np.isin(np.asarray(cells.class_names)[cells.classes], list(classes))
    return with_classes(cells[keep], tuple(classes))


def _write(scores: Scores, path: Path) -> None:
    from cellwright.formats.atomic import write_json

    if path.exists():
        logger.warning("%s: the scores of %s are replaced", path, _made(path))
    write_json(scores.to_json(), path)


def _made(path: Path) -> str:
    """When earlier scores were made, as far as they say so."""
    try:
        record: Any = json.loads(path.read_text(encoding="utf-8"))
        return str(record["settings"]["made"])
    except (OSError, ValueError, KeyError, TypeError):
        return "an unknown date"
