"""Images, cells and data sets, from and to files. All writes are atomic."""

from cellwright.formats.dataset import (
    Dataset,
    DatasetWriter,
    open_dataset,
    read_coco,
    write_coco,
    write_dataset,
)
from cellwright.formats.files import (
    FORMATS,
    Format,
    image_files,
    read_image,
    read_instances,
    read_sample,
    stem,
    write_image,
    write_instances,
)

__all__ = [
    "FORMATS",
    "Dataset",
    "DatasetWriter",
    "Format",
    "image_files",
    "open_dataset",
    "read_coco",
    "read_image",
    "read_instances",
    "read_sample",
    "stem",
    "write_coco",
    "write_dataset",
    "write_image",
    "write_instances",
]
