"""Other tags for the images of a data set that is there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path

from cellwright.formats import coco
from cellwright.types import Tag


def retag(path: str | Path, tags: Mapping[str, Mapping[str, Tag]]) -> None:
    """Write the COCO file `path` anew, atomically, with the tags of images given by name.

    Images that are not named keep theirs; annotations stay as they are.
    """
    file = coco.load(path)

    def lines() -> Iterator[coco.Entry]:
        for image, cells in zip(file.images, file.annotations, strict=True):
            named = tags.get(str(image["name"]))
            record = image if named is None else {**image, "tags": coco.plain_tags(named)}
            yield (
                record,
                [{**a, "category_id": file.class_of[a["category_id"]] + 1} for a in cells],
            )

    coco.dump(lines(), path, class_names=file.class_names)
