"""Writing a data set so that a kill at any moment loses nothing that was added."""

from __future__ import annotations

import json
import logging
import os
from collections.abc import Iterator, Mapping, Sequence, Set
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import Any, BinaryIO

import numpy as np

from cellwright.formats import coco
from cellwright.formats.atomic import remove_parts
from cellwright.formats.tiff import write_image
from cellwright.types import InputError, Instances, Sample

log = logging.getLogger(__name__)

ANNOTATIONS = "annotations.json"
#: how a line of the journal about an image begins
_HEAD = '{"image":'
_OLD, _JOURNAL = 0, 1


def journal_of(annotations: Path) -> Path:
    """The journal that stands beside an annotation file while it is being written."""
    return annotations.with_name(annotations.name + ".journal")


def image_record(name: str, shape: tuple[int, int], **facts: Any) -> dict[str, Any]:
    """An image record without id; `facts` that are None or empty are left out."""
    if "tags" in facts:
        facts["tags"] = coco.plain_tags(facts["tags"] or {})
    kept = {k: v for k, v in facts.items() if v not in (None, (), [], {}) and k not in
            ("id", "name", "width", "height")}  # fmt: skip
    return {"name": name, "file_name": kept.pop("file_name", name), "width": shape[1],
            "height": shape[0], **kept}  # fmt: skip


def with_classes(instances: Instances, class_names: Sequence[str]) -> Instances:
    """The same cells with their classes counted in `class_names`; matched by name."""
    if instances.class_names == tuple(class_names):
        return instances
    used = np.unique(instances.classes)
    own = instances.class_names
    unknown = [own[i] for i in used if own[i] not in class_names]
    if unknown:
        raise InputError(f"class {unknown[0]!r} came, {tuple(class_names)} are wanted")
    number = np.zeros(len(own), np.int64)
    for i in used:
        number[i] = list(class_names).index(own[i])
    classes = number[instances.classes]
    return replace(instances, classes=classes, class_names=tuple(class_names))


class DatasetWriter:
    """Adds samples to a data set folder; each is on disk when `add` returns.

    A journal beside the annotation file takes one line per image (fsynced); `close` turns it
    into the annotation file by one rename. Opening the same folder again goes on.

    Parameters
    ----------
    path
        Folder of the data set.
    class_names
        Classes of the data set; those of the samples are matched by name.
    annotations
        Name of the COCO file.
    save_images
        Whether to write the pixels to ``images/NAME.tif``; without, only the cells are kept
        (predictions).
    """

    def __init__(
        self,
        path: str | Path,
        *,
        class_names: Sequence[str] = ("cell",),
        annotations: str = ANNOTATIONS,
        save_images: bool = True,
    ) -> None:
        self.path = Path(path)
        self.class_names = tuple(class_names)
        self.target = self.path / annotations
        self.save_images = save_images
        self.path.mkdir(parents=True, exist_ok=True)
        for folder in (self.path, self.path / "images"):
            remove_parts(folder)
        self._old = coco.load(self.target) if self.target.is_file() else None
        if self._old and self._old.images and self._old.class_names != self.class_names:
            raise InputError(
                f"{self.target} has the classes {self._old.class_names}, {self.class_names} "
                "came; use another output folder"
            )
        # Where the record of each image is: in the old file, or at which byte of the journal. Many
        # images are written in one go, so the records themselves are not kept.
        self._places: dict[str, tuple[int, int]] = {
            str(image["name"]): (_OLD, i)
            for i, image in enumerate(self._old.images if self._old else ())
        }
        journal = journal_of(self.target)
        good = 0
        for entry, end in _entries(journal):
            start, good = good, end
            if "class_names" in entry and tuple(entry["class_names"]) != self.class_names:
                raise InputError(
                    f"{journal} was begun with the classes {tuple(entry['class_names'])}, "
                    f"{self.class_names} came; use another output folder"
                )
            if "image" in entry:
                self._places[entry["image"]["name"]] = (_JOURNAL, start)
        self._file: BinaryIO | None = journal.open("a+b")
        self._file.truncate(good)
        self._end = good
        if not good:
            self._append({"class_names": list(self.class_names)})

    @property
    def done(self) -> Set[str]:
        """Names of the images that are already written; later ones appear in it."""
        return self._places.keys()

    def record(self, name: str) -> Mapping[str, Any]:
        """The record of an image that is already written; read from disk."""
        kind, place = self._places[name]
        if kind == _OLD:
            assert self._old is not None
            return self._old.images[place]
        file = self._opened()
        file.seek(place)
        # The record comes first; the cells after it are not looked at.
        line = file.readline().decode("utf-8")
        return dict(json.JSONDecoder().raw_decode(line, len(_HEAD))[0])

    def add(
        self,
        sample: Sample,
        *,
        file_name: str | None = None,
        facts: Mapping[str, Any] | None = None,
    ) -> None:
        """Write an image and its cells; both are safe on disk when this returns.

        Parameters
        ----------
        sample
            Its name must be new and fit for a file name. ``instances=None`` marks an image
            in which nobody has looked for cells.
        file_name
            What stands in the record if the pixels are not saved; the name by default.
        facts
            Further JSON values for the image record.
        """
        name, image = sample.name, sample.image
        if name in self._places:
            raise InputError(f"{self.path}: an image named {name!r} is there already")
        if not name or name.startswith(".") or any(c in '/\\:*?"<>|\0' for c in name):
            raise InputError(f"{name!r} does not fit as the name of an image file")
        cells = sample.instances
        found = coco.encode(with_classes(cells, self.class_names)) if cells is not None else []
        if self.save_images:
            file_name = f"images/{name}.tif"
            write_image(image, self.path / file_name)
        record = image_record(
            name, image.shape, file_name=file_name, axes=image.axes, tags=dict(image.tags),
            pixel_size=list(image.pixel_size or ()), channels=list(image.channels), **(facts or {}),
        )  # fmt: skip
        if cells is None:
            record["labelled"] = False
        self._places[name] = (_JOURNAL, self._append({"image": record, "annotations": found}))

    def _opened(self) -> BinaryIO:
        if self._file is None:
            raise InputError(f"{self.path}: the data set is closed")
        return self._file

    def _append(self, entry: Mapping[str, Any]) -> int:
        """Add a line to the journal; at which byte it starts."""
        file = self._opened()
        text = json.dumps(entry, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
        line = text.encode("utf-8") + b"\n"
        file.write(line)
        file.flush()
        os.fsync(file.fileno())
        start, self._end = self._end, self._end + len(line)
        return start

    def _all(self) -> Iterator[coco.Entry]:
        if self._old:
            for image, annotations in zip(self._old.images, self._old.annotations, strict=True):
                yield image, [_in_order(a, self._old.class_of) for a in annotations]
        known = {str(i["name"]) for i in self._old.images} if self._old else set()
        for entry, _ in _entries(journal_of(self.target)):
            if "image" in entry and entry["image"]["name"] not in known:
                yield entry["image"], entry["annotations"]

    def close(self) -> None:
        """Write the annotation file and remove the journal."""
        if self._file is None:
            return
        coco.dump(self._all(), self.target, class_names=self.class_names)
        self.stop()
        journal_of(self.target).unlink(missing_ok=True)

    def stop(self) -> None:
        """Let go of the files and keep the journal, so that a later writer goes on."""
        if self._file is not None:
            self._file.close()
            self._file = None

    def __enter__(self) -> DatasetWriter:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        if kind is None:
            self.close()
        else:
            self.stop()


def _in_order(annotation: Mapping[str, Any], class_of: Mapping[int, int]) -> dict[str, Any]:
    return {**annotation, "category_id": class_of[annotation["category_id"]] + 1}


def _entries(journal: Path) -> Iterator[tuple[dict[str, Any], int]]:
    """Complete lines of a journal and the byte where each ends; a torn last line is dropped."""
    if not journal.exists():
        return
    end = 0
    with journal.open("rb") as file:
        for line in file:
            if not line.endswith(b"\n"):
                log.warning("%s: the last line was cut by a kill and is dropped", journal)
                return
            try:
                entry = json.loads(line)
            except ValueError as error:
                raise InputError(
                    f"{journal}: line at byte {end} is damaged ({error}); "
                    "remove the lines from there on and run again"
                ) from error
            end += len(line)
            yield entry, end
