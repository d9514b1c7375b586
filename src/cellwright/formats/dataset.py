"""The data set on disk: a folder with ``annotations.json`` (COCO) and ``images/``."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats import coco
from cellwright.formats.writer import ANNOTATIONS, DatasetWriter, image_record, journal_of
from cellwright.types import Image, InputError, Instances, Sample, Tag

__all__ = ["ANNOTATIONS", "Dataset", "DatasetWriter", "open_dataset", "read_coco", "write_coco",
           "write_dataset"]  # fmt: skip


class Dataset(Sequence[Sample]):
    """A COCO file and the folder of its images; pixels and masks are read when asked for.

    Parameters
    ----------
    file
        The COCO file, whose annotations are read when asked for.
    root
        Folder that file names are relative to.
    picked
        Indices of the images that this view shows; None for all.
    classes
        Names of the classes whose cells this view shows; None for all.
    """

    def __init__(
        self,
        file: coco.CocoFile,
        root: Path,
        picked: Sequence[int] | None = None,
        classes: tuple[str, ...] | None = None,
    ) -> None:
        self.file = file
        self.root = root
        self._classes = classes
        self._picked = list(range(len(file.images)) if picked is None else picked)

    def __len__(self) -> int:
        return len(self._picked)

    def __repr__(self) -> str:
        return f"Dataset({str(self.file.path)!r}, {len(self)} images)"

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes."""
        return self.file.class_names if self._classes is None else self._classes

    @property
    def names(self) -> tuple[str, ...]:
        """Name of each image; all differ."""
        return tuple(str(self.file.images[i]["name"]) for i in self._picked)

    def record(self, index: int) -> Mapping[str, Any]:
        """The image record as it stands in the file."""
        return self.file.images[self._picked[index]]

    def tags(self, index: int) -> dict[str, Tag]:
        """Tags of image `index`."""
        return dict(self.record(index).get("tags") or {})

    def shape(self, index: int) -> tuple[int, int]:
        """Rows and columns of image `index`."""
        return int(self.record(index)["height"]), int(self.record(index)["width"])

    def path(self, index: int) -> Path:
        """Where the pixels of image `index` lie."""
        return self.root / str(self.record(index)["file_name"])

    def labelled(self, index: int) -> bool:
        """Whether somebody looked for cells in image `index` (there may still be none)."""
        return bool(self.record(index).get("labelled", True))

    def instances(self, index: int) -> Instances:
        """Cells of image `index`."""
        file = self.file
        annotations = file.annotations[self._picked[index]]
        try:
            found = coco.decode(annotations, self.shape(index), file.class_names, file.class_of)
            return found if self._classes is None else of_classes(found, self._classes)
        except (InputError, ValueError, KeyError, TypeError) as error:
            raise InputError(f"{file.path}, image {self.names[index]!r}: {error}") from error

    def image(self, index: int, *, lazy: bool = False) -> Image:
        """Pixels of image `index` with its axes, pixel size, channels and tags."""
        from cellwright.formats.files import read_image

        record, path = self.record(index), self.path(index)
        found = read_image(path, lazy=lazy)
        if found.shape != self.shape(index):
            raise InputError(
                f"{path}: the image is {found.shape}, {self.file.path.name} says "
                f"{self.shape(index)} (rows, columns)"
            )
        data, axes = found.data, str(record.get("axes") or found.axes)
        if len(axes) > len(found.axes) and set(found.axes) < set(axes):  # axes of length one
            sizes = [found.size(a) if a in found.axes else 1 for a in axes]
            data = np.asarray(data).reshape(sizes)
        size = record.get("pixel_size") or found.pixel_size
        return Image(
            data, axes, (float(size[0]), float(size[1])) if size else None,
            tuple(record.get("channels") or found.channels), self.tags(index),
        )  # fmt: skip

    def __getitem__(self, index: int) -> Sample:  # type: ignore[override]
        if not -len(self) <= index < len(self):
            raise IndexError(index)
        cells = self.instances(index) if self.labelled(index) else None
        return Sample(self.names[index], self.image(index), cells)

    def __iter__(self) -> Iterator[Sample]:
        return (self[i] for i in range(len(self)))

    def subset(self, indices: Iterable[int]) -> Dataset:
        """A view with the images `indices` of this one."""
        return Dataset(self.file, self.root, [self._picked[i] for i in indices], self._classes)

    def of_classes(self, names: Sequence[str]) -> Dataset:
        """A view with the cells of these classes only, in this order.

        Raises
        ------
        InputError
            If there is no such class.
        """
        unknown = [n for n in names if n not in self.class_names]
        if unknown or not names:
            raise InputError(
                f"{self.file.path}: there is no class {', '.join(unknown) or 'named'}; "
                f"classes there: {', '.join(self.class_names)}"
            )
        return Dataset(self.file, self.root, self._picked, tuple(names))

    def where(self, **tags: Tag | Collection[Tag]) -> Dataset:
        """A view with the images whose tags have these values (one, or one of several).

        Values are compared as text, so that 1 finds "1". Nothing found raises InputError.
        """
        wanted = {
            key: {str(v) for v in ([value] if isinstance(value, str | int | float) else value)}
            for key, value in tags.items()
        }
        found = [
            i for i in range(len(self))
            if all(str(self.tags(i).get(key)) in values for key, values in wanted.items())
        ]  # fmt: skip
        if not found:
            known = sorted({f"{k}={v}" for i in range(len(self)) for k, v in self.tags(i).items()})
            raise InputError(
                f"{self.file.path}: no image has "
                + ", ".join(f"{k} in {sorted(v)}" for k, v in wanted.items())
                + "; tags there: " + (", ".join(known[:20]) or "none")
            )  # fmt: skip
        return self.subset(found)


def of_classes(cells: Instances, names: Sequence[str]) -> Instances:
    """The cells of the classes `names`, which become the class list."""
    number = np.array([names.index(n) if n in names else -1 for n in cells.class_names])
    chosen = cells[number[cells.classes] >= 0]
    return Instances(
        chosen.shape, chosen.boxes, chosen.masks, chosen.scores, number[chosen.classes],
        tuple(names), chosen.tags,
    )  # fmt: skip


def open_dataset(path: str | Path) -> Dataset:
    """Open a data set folder, or a COCO file whose images lie beside it.

    Raises
    ------
    InputError
        If there is none, if it is unfinished, or if image files are missing (they are listed).
    """
    path = Path(path)
    file = path / ANNOTATIONS if path.is_dir() else path
    if journal_of(file).exists():
        raise InputError(
            f"{path}: the data set is unfinished; run the command that writes it again, it "
            "goes on where it stopped"
        )
    if not file.is_file():
        raise InputError(
            f"{path}: no data set (no {file.name} there); make one with 'cellwright import'"
        )
    dataset = read_coco(file)
    missing = [str(i["file_name"]) for i in dataset.file.images
               if not (dataset.root / i["file_name"]).exists()]  # fmt: skip
    if missing:
        raise InputError(
            f"{path}: {len(missing)} of {len(dataset)} image files are missing: "
            + ", ".join(missing[:5]) + (" ..." if len(missing) > 5 else "")
        )  # fmt: skip
    return dataset


def read_coco(path: str | Path, *, images: str | Path | None = None) -> Dataset:
    """Open a COCO file alone: polygons, RLE or both; its images are not needed for the cells.

    Parameters
    ----------
    path
        The file, or a folder with ``annotations.json`` or ``predictions.json``.
    images
        Folder of the images, if it is not the one of the file.
    """
    path = Path(path)
    if path.is_dir():
        names = (ANNOTATIONS, "predictions.json")
        found = [path / n for n in names if (path / n).is_file()]
        if not found:
            raise InputError(f"{path}: neither {names[0]} nor {names[1]} is there")
        path = found[0]
    return Dataset(coco.load(path), path.parent if images is None else Path(images))


def write_dataset(
    samples: Iterable[Sample], path: str | Path, *, class_names: Sequence[str] | None = None
) -> Dataset:
    """Write samples one after the other as a data set folder and open it.

    Class names are those of the first sample with cells if none are given.
    """
    writer: DatasetWriter | None = None
    waiting: list[Sample] = []
    try:
        for sample in samples:
            waiting.append(sample)
            if writer is None and (class_names or sample.instances is not None):
                names = class_names or sample.instances.class_names  # type: ignore[union-attr]
                writer = DatasetWriter(path, class_names=names)
            while writer is not None and waiting:
                writer.add(waiting.pop(0))
        writer = writer or DatasetWriter(path, class_names=class_names or ("cell",))
        for sample in waiting:
            writer.add(sample)
        writer.close()
    finally:
        if writer is not None:
            writer.stop()
    return open_dataset(path)


def write_coco(
    entries: Iterable[tuple[str, Instances]],
    path: str | Path,
    *,
    class_names: Sequence[str] = ("cell",),
    records: Mapping[str, Mapping[str, Any]] | None = None,
) -> None:
    """Write cells of several images as one COCO file, atomically and image by image.

    Parameters
    ----------
    entries
        Image names and their cells.
    path
        File to write.
    class_names
        Categories; each class of the cells must be among them.
    records
        Further facts of an image by name: file_name, pixel_size, axes, channels, tags.
    """
    from cellwright.formats.writer import with_classes

    def lines() -> Iterator[coco.Entry]:
        for name, cells in entries:
            record = image_record(name, cells.shape, **dict((records or {}).get(name, {})))
            yield record, coco.encode(with_classes(cells, class_names))

    coco.dump(lines(), path, class_names=class_names)
