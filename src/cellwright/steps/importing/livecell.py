"""LIVECell as its archive unpacks: images by cell line in folders, one COCO file a split.

Edlund et al., Nature Methods 18, 1038 (2021): ``images/livecell_train_val_images`` and
``images/livecell_test_images`` hold the images, in folders of their cell lines or not;
``annotations/LIVECell/livecell_coco_{train,val,test}.json`` hold the cells as polygons.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cellwright.formats import image_files, read_coco, stem
from cellwright.plate import Field, Pattern
from cellwright.steps.importing.jobs import Job
from cellwright.steps.result import Failure
from cellwright.types import InputError, Tag

SPLITS = ("train", "val", "test")
NAMES = Pattern("{cell_line}_Phase_{well}_{site}_{time}_{crop}")
"""``A172_Phase_A7_1_00d00h00m_1.tif``: line, well, site in the well, time, part of the frame."""


def livecell_files(sources: str | Path | Sequence[str | Path]) -> dict[str, Path]:
    """The official COCO files of a single folder by split; empty if it holds none."""
    given = [Path(s) for s in ([sources] if isinstance(sources, str | Path) else sources)]
    if len(given) != 1 or not given[0].is_dir():
        return {}
    found: dict[str, Path] = {}
    for split in SPLITS:
        name = f"livecell_coco_{split}.json"
        places = (given[0], given[0] / "LIVECell", given[0] / "annotations",
                  given[0] / "annotations" / "LIVECell")  # fmt: skip
        path = next((p / name for p in places if (p / name).is_file()), None)
        if path is not None:
            found[split] = path
    return found


def livecell_jobs(folder: Path, files: dict[str, Path], failed: list[Failure]) -> list[Job]:
    """A job for each image of the COCO files, with its split and what its name says as tags.

    Images that are not there are reported.
    """
    place: dict[str, Path] = {}
    for path in image_files(folder, recursive=True):
        if place.setdefault(path.name, path) != path:
            raise InputError(f"{place[path.name]} and {path} have one name; LIVECell's names are "
                             "different, remove one of the two")  # fmt: skip
    jobs: list[Job] = []
    for split, file in files.items():
        truth = read_coco(file)
        for i in range(len(truth)):
            name = Path(str(truth.record(i)["file_name"])).name
            if name not in place:
                failed.append(Failure(str(file), f"{name}: the image file of {split} is missing"))
                continue
            tags: dict[str, Tag] = {**truth.tags(i), **(NAMES.parse(name) or {}), "split": split}
            field = Field(tags, (((None, None), place[name]),))
            jobs.append(Job(stem(name), field, tags, truth=truth, record=i))
    if not jobs:
        raise InputError(f"{folder}: none of the images of {', '.join(map(str, files.values()))} "
                         "are there; unpack images.zip beside them")  # fmt: skip
    return jobs
