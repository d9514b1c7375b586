"""LIVECell: phase contrast of eight cell lines, with the split of its paper."""

from __future__ import annotations

from cellwright.datasets.record import Dataset, Part
from cellwright.fetch import RemoteFile

BUCKET = "https://livecell-dataset.s3.eu-central-1.amazonaws.com/LIVECell_dataset_2021"


def _annotations(split: str) -> Part:
    name = f"livecell_coco_{split}.json"
    return Part(RemoteFile(f"{BUCKET}/annotations/LIVECell/{name}", name))


LIVECELL = Dataset(
    name="livecell",
    summary="5,239 phase-contrast images of 8 cell lines, 1.6 million cells, train/val/test",
    parts=(
        Part(RemoteFile(f"{BUCKET}/images.zip", "images.zip"), "images"),
        _annotations("train"),
        _annotations("val"),
        _annotations("test"),
    ),
    licence="CC BY-NC 4.0 (not for commercial use)",
    source="https://sartorius-research.github.io/LIVECell/",
    paper="Edlund et al. 2021, Nature Methods 18, 1038-1045",
    use=("cellwright import {folder} -o livecell",),
)
