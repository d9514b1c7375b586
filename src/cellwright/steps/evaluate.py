"""Compare predicted cells with the true ones, image by image."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from cellwright.evaluate.scorer import Scorer
from cellwright.evaluate.scores import Scores
from cellwright.steps.machine import versions
from cellwright.steps.progress import track
from cellwright.types import InputError, Instances, Tag

logger = logging.getLogger(__name__)

LABEL_SUFFIXES = (".ome.tiff", ".ome.tif", ".tiff", ".tif", ".png")
MASK_ENDING = "_masks"
PREDICTIONS = "predictions.json"
ANNOTATIONS = "annotations.json"


@dataclass(frozen=True)
class _Source:
    """Cells by image name, read when asked for."""

    path: Path
    cells: Mapping[str, Callable[[], Instances]]
    tags: Mapping[str, Mapping[str, Tag]] = field(default_factory=dict)


def evaluate(
    truth: str | Path,
    pred: str | Path,
    output: str | Path | None = None,
    *,
    by: Sequence[str] = (),
    quiet: bool = False,
) -> Scores:
    """Score predicted cells against true ones.

    Images meet by name: the name in a data set or COCO file, the file name without suffix
    (and without ``_masks``) in a folder of label images. Truth images without any labelling
    are left out; predictions of images without truth are listed in the log and in
    ``settings["without_truth"]`` of the scores.

    Parameters
    ----------
    truth, pred
        Each a data-set folder, a COCO file, the output folder of ``predict`` or a folder of
        label images.
    output
        Where to write the scores as JSON; None for nowhere.
    by
        Tags of the truth's images (or, where it has none, of the predicted ones) to group by.
    quiet
        Show no progress.

    Returns
    -------
    Scores

    Raises
    ------
    InputError
        If a source cannot be read, a true image has no prediction (they are listed), an image
        has another size, or a predicted class is unknown to the truth.
    """
    true, found = _open(Path(truth), truth=True), _open(Path(pred), truth=False)
    if lost := [name for name in true.cells if name not in found.cells]:
        raise InputError(
            f"{found.path} has no prediction for {len(lost)} of {len(true.cells)} images of "
            f"{true.path}: {_some(lost)}; predict them, or take them out of the truth"
        )
    extra = [name for name in found.cells if name not in true.cells]
    if extra:
        logger.warning("%d predicted images have no truth: %s", len(extra), _some(extra))
    scorer = Scorer(by=by)
    for name in track(list(true.cells), "evaluate", quiet=quiet):
        tags = true.tags.get(name) or found.tags.get(name)
        scorer.add(name, true.cells[name](), found.cells[name](), tags=tags)
    scores = scorer.result()
    scores = replace(
        scores,
        settings={**scores.settings, "without_truth": extra},
        versions=versions(),
    )
    if output is not None:
        from cellwright.formats.atomic import write_json

        write_json(scores.to_json(), Path(output))
    return scores


def _open(path: Path, *, truth: bool) -> _Source:
    """Find out what `path` is; a folder with both JSON files is read by its role."""
    if path.is_file() and path.suffix.lower() == ".json":
        return _coco_source(path, truth=truth)
    if not path.is_dir():
        raise InputError(
            f"{path} is no data-set folder, COCO file or folder of label images"
            + ("" if path.exists() else " (it does not exist)")
        )
    order = (ANNOTATIONS, PREDICTIONS) if truth else (PREDICTIONS, ANNOTATIONS)
    for name in order:
        if (path / name).is_file():
            return _coco_source(path / name, truth=truth)
    return _label_source(path)


def _coco_source(path: Path, *, truth: bool) -> _Source:
    from cellwright.formats.dataset import read_coco

    dataset = read_coco(path)
    used = [k for k in range(len(dataset)) if not truth or dataset.labelled(k)]
    if len(used) < len(dataset):
        logger.warning("%s: %d images are not labelled", path, len(dataset) - len(used))
    if not used:
        raise InputError(f"{path} has no image to compare")
    names = dataset.names
    return _Source(
        path,
        {names[k]: lambda k=k: dataset.instances(k) for k in used},  # type: ignore[misc]
        {names[k]: dataset.tags(k) for k in used},
    )


def _label_source(path: Path) -> _Source:
    from cellwright.formats.label_map import read_instances

    files: dict[str, Path] = {}
    for file in sorted(path.iterdir()):
        name = _image_name(file)
        if name is None or file.name.startswith(".") or not file.is_file():
            continue
        if name in files:
            raise InputError(
                f"{path}: {files[name].name} and {file.name} are both labels of {name!r}; "
                "keep one of them"
            )
        files[name] = file
    if not files:
        raise InputError(
            f"{path} has neither {ANNOTATIONS} nor {PREDICTIONS} nor label images "
            f"({', '.join(LABEL_SUFFIXES)})"
        )
    return _Source(
        path,
        {name: lambda file=file: read_instances(file) for name, file in files.items()},  # type: ignore[misc]
    )


def _image_name(file: Path) -> str | None:
    """Name of the image that a label image belongs to; None if it is no label image."""
    for suffix in LABEL_SUFFIXES:
        if file.name.lower().endswith(suffix):
            return file.name[: -len(suffix)].removesuffix(MASK_ENDING)
    return None


def _some(names: Sequence[str], most: int = 10) -> str:
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
