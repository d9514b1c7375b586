"""Cells of many images from whatever holds them, read image by image when they are asked for."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellwright.types import InputError, Instances, Tag

logger = logging.getLogger(__name__)

LABEL_SUFFIXES = (".ome.tiff", ".ome.tif", ".tiff", ".tif", ".png")
MASK_ENDING = "_masks"
PREDICTIONS, RUN = "predictions.json", "run.json"
ANNOTATIONS = "annotations.json"


@dataclass(frozen=True)
class Cells:
    """Cells by image name, read when asked for.

    Parameters
    ----------
    path
        The COCO file or folder of label images they come from.
    read
        Name of an image -> call that reads its cells.
    tags
        Name of an image -> what is known of it.
    prints, learnt
        Of an output of ``predict``: name of an image -> fingerprint of its pixels, and the images
        that the model learnt from, fingerprint -> name.
    """

    path: Path
    read: Mapping[str, Callable[[], Instances]]
    tags: Mapping[str, Mapping[str, Tag]] = field(default_factory=dict)
    prints: Mapping[str, str] = field(default_factory=dict)
    learnt: Mapping[str, str] = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.read)

    def record(self) -> dict[str, Any]:
        """What a result says of where its cells came from.

        ``path``, ``images``, and ``sha256`` of the COCO file, or of the names, sizes and times of
        the label images: it tells whether the cells are still those that were scored.
        """
        if self.path.is_file():
            with self.path.open("rb") as handle:
                digest = hashlib.file_digest(handle, "sha256")
        else:
            digest = hashlib.sha256()
            for file in sorted(self.path.iterdir()):
                facts = file.stat()
                digest.update(f"{file.name} {facts.st_size} {facts.st_mtime_ns}\n".encode())
        return {"path": str(self.path), "images": len(self), "sha256": digest.hexdigest()}


def open_cells(path: str | Path, *, truth: bool, semantic: bool = False) -> Cells:
    """Find out what `path` is, without reading any cell.

    Parameters
    ----------
    path
        Data-set folder, COCO file, output folder of ``predict`` or folder of label images. A
        folder that is data set and prediction at once is read by its role.
    truth
        Whether it is the truth; images without any labelling are left out then.
    semantic
        Whether label images tell cell from background only: each 8-connected region of values
        other than 0 is a cell.

    Raises
    ------
    InputError
        If there is nothing of that kind; the message says what was looked for.
    """
    path = Path(path)
    if path.is_file() and path.suffix.lower() == ".json":
        return _from_coco(path, truth=truth)
    if not path.is_dir():
        raise InputError(
            f"{path} is no data-set folder, COCO file or folder of label images"
            + ("" if path.exists() else " (it does not exist)")
        )
    order = (ANNOTATIONS, PREDICTIONS) if truth else (PREDICTIONS, ANNOTATIONS)
    for name in order:
        if (path / name).is_file():
            return _from_coco(path / name, truth=truth)
    return _from_label_images(path, semantic=semantic)


def _from_coco(path: Path, *, truth: bool) -> Cells:
    from cellwright.formats.dataset import read_coco

    dataset = read_coco(path)
    used = [k for k in range(len(dataset)) if not truth or dataset.labelled(k)]
    if len(used) < len(dataset):
        logger.warning("%s: %d images are not labelled", path, len(dataset) - len(used))
    if not used:
        raise InputError(f"{path} has no image to compare")
    names = dataset.names
    return Cells(
        path,
        {names[k]: lambda k=k: dataset.instances(k) for k in used},  # type: ignore[misc]
        {names[k]: dataset.tags(k) for k in used},
        {names[k]: str(dataset.record(k)["pixels"]) for k in used if "pixels" in dataset.record(k)},
        _learnt(path) if path.name == PREDICTIONS else {},
    )


def _learnt(predictions: Path) -> dict[str, str]:
    """What the run beside these predictions says that its model learnt from."""
    path = predictions.with_name(RUN)
    if not path.is_file():
        return {}
    try:
        return dict(json.loads(path.read_text(encoding="utf-8")).get("learnt") or {})
    except (ValueError, TypeError, AttributeError) as error:
        raise InputError(f"{path} is not readable ({error}); predict again") from error


def _from_label_images(path: Path, *, semantic: bool) -> Cells:
    from cellwright.formats.label_map import read_instances, read_labels
    from cellwright.geometry import from_semantic

    def read_regions(file: Path) -> Instances:
        return from_semantic(read_labels(file) != 0)

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
    read = read_regions if semantic else read_instances
    return Cells(
        path,
        {name: lambda file=file: read(file) for name, file in files.items()},  # type: ignore[misc]
    )


def _image_name(file: Path) -> str | None:
    """Name of the image that a label image belongs to; None if it is no label image."""
    for suffix in LABEL_SUFFIXES:
        if file.name.lower().endswith(suffix):
            return file.name[: -len(suffix)].removesuffix(MASK_ENDING)
    return None


def some(names: Sequence[str], most: int = 10) -> str:
    """The first names of a list, and how many more there are.

    >>> some(["a", "b", "c"], 2)
    'a, b and 1 more'
    """
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more
