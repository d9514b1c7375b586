"""Files that hold the cells of many images: COCO, data sets, Label Studio exports."""

from __future__ import annotations

from pathlib import Path

from cellwright.formats import Dataset, read_coco
from cellwright.types import InputError


def truth_name(path: Path, kind: str = "auto") -> str | None:
    """What `path` is: "coco", "label-studio", or None if it is no such file."""
    if path.is_dir():
        return "coco" if kind == "coco" or (path / "annotations.json").is_file() else None
    if path.suffix.lower() != ".json":
        if kind in ("coco", "label-studio"):
            raise InputError(f"{path}: --mask-kind {kind} came with a file that is no .json")
        return None
    if kind in ("coco", "label-studio"):
        return kind
    from cellwright.formats.label_studio import is_label_studio

    return "label-studio" if is_label_studio(path) else "coco"


def open_truth(path: Path, kind: str = "auto") -> Dataset:
    """The images and cells of such a file."""
    if truth_name(path, kind) == "label-studio":
        from cellwright.formats.label_studio import read_label_studio

        return read_label_studio(path)
    return read_coco(path)
