"""Files that hold the cells of many images: COCO, data sets, Label Studio exports."""

from __future__ import annotations

from pathlib import Path

from cellwright.formats import Dataset, read_coco


def holds_truth(path: Path, kind: str = "auto") -> bool:
    """Whether `path` is such a file, or a folder with one."""
    if path.is_dir():
        return kind == "coco" or (path / "annotations.json").is_file()
    return kind == "coco" or path.suffix.lower() == ".json"


def open_truth(path: Path) -> Dataset:
    """The images and cells of such a file."""
    if path.is_file():
        from cellwright.formats.label_studio import is_label_studio, read_label_studio

        if is_label_studio(path):
            return read_label_studio(path)
    return read_coco(path)
