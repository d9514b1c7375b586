"""COCO JSON: image records and annotations, to and from cells. Overlaps are kept."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import Any

import numpy as np

from cellwright import geometry
from cellwright.formats.atomic import atomic_path
from cellwright.formats.json_elements import Elements
from cellwright.formats.json_index import index_array
from cellwright.types import InputError, Instances, Tag

log = logging.getLogger(__name__)

Entry = tuple[Mapping[str, Any], Sequence[Mapping[str, Any]]]
"""An image record and its annotations, both without ids."""


@dataclass(frozen=True, slots=True)
class CocoFile:
    """What stands in a COCO file.

    Parameters
    ----------
    path
        The file.
    images
        Image records as in the file, each with a unique "name" (stem of the file name if the
        file gives none).
    annotations
        Annotations of each image, in the order of `images`; read from the file when asked for,
        so that memory is bounded by one image. If the file has changed since, InputError.
    class_names
        Names of the categories, in the order of their ids.
    class_of
        Index into `class_names` by category id.
    """

    path: Path
    images: tuple[dict[str, Any], ...]
    annotations: Sequence[list[dict[str, Any]]]
    class_names: tuple[str, ...]
    class_of: Mapping[int, int]


def load(path: str | Path) -> CocoFile:
    """Read a COCO file: its images and categories, and where its annotations lie.

    Raises
    ------
    InputError
        If it is no JSON, lacks its lists, has doubled images, annotations without an image or
        category, or file names that leave its folder.
    """
    path = Path(path)
    seen = _Seen()

    def begin() -> Callable[[Any], int]:
        nonlocal seen
        seen = _Seen()
        return seen.group

    try:
        data, runs = index_array(path, "annotations", begin)
        if data is None or not isinstance(data.get("images"), list):
            raise InputError(
                f"{path}: no COCO file: an object with lists 'images', 'annotations' and "
                "'categories' is wanted"
            )
        if data.get("annotations"):
            kind = type(data["annotations"]).__name__
            raise InputError(f"{path}: 'annotations' is a {kind}; a list is wanted")
        categories = sorted(data.get("categories") or [], key=lambda c: c["id"])
        class_of = {c["id"]: i for i, c in enumerate(categories)}
        images = [dict(i) for i in data["images"]]
        place = _places(images, path)
        seen.check(place, class_of, path)
        order = [seen.groups.get(number, -1) for number in place]
        names = tuple(str(c["name"]) for c in categories) or ("cell",)
    except (KeyError, TypeError, AttributeError) as error:
        raise InputError(f"{path}: a COCO record is damaged or incomplete ({error!r})") from error
    return CocoFile(path, tuple(images), Elements(runs, order), names, class_of)


def read_json(path: Path) -> Any:
    """Parse a JSON file, or raise InputError with the line where it breaks."""
    try:
        return json.loads(path.read_text("utf-8-sig"))
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except (UnicodeDecodeError, json.JSONDecodeError, RecursionError) as error:
        raise InputError(f"{path}: no valid JSON ({error})") from error


class _Seen:
    """Images and categories that annotations name, numbered as they come."""

    def __init__(self) -> None:
        self.groups: dict[Any, int] = {}
        self._categories: set[Any] = set()
        self._named: list[tuple[str, Any, Any]] = []

    def group(self, annotation: Mapping[str, Any]) -> int:
        """Number of the image that an annotation belongs to."""
        image, category = annotation["image_id"], annotation["category_id"]
        if image not in self.groups:
            self.groups[image] = len(self.groups)
            self._named.append(("image", image, annotation.get("id")))
        if category not in self._categories:
            self._categories.add(category)
            self._named.append(("category", category, annotation.get("id")))
        return self.groups[image]

    def check(self, images: Mapping[Any, int], categories: Mapping[Any, int], path: Path) -> None:
        """Raise InputError for the first annotation whose image or category is not there."""
        for kind, value, number in self._named:
            if kind == "image" and value not in images:
                raise InputError(
                    f"{path}: annotation {number} belongs to image {value}, which is not in "
                    "'images'"
                )
            if kind == "category" and value not in categories:
                raise InputError(
                    f"{path}: annotation {number} has category {value}, which is not in "
                    "'categories'"
                )


def _places(images: list[dict[str, Any]], path: Path) -> dict[Any, int]:
    """Check and name the image records; the place of each by its id, in order."""
    place: dict[Any, int] = {}
    for i, image in enumerate(images):
        inside(image["file_name"], path)
        if int(image["width"]) < 1 or int(image["height"]) < 1:
            raise InputError(f"{path}: image {image['file_name']!r} has no pixels")
        if image["id"] in place:
            raise InputError(f"{path}: image id {image['id']} comes twice; ids must differ")
        place[image["id"]] = i
    _name(images, path)
    return place


def inside(file_name: str, source: object) -> str:
    """Give `file_name` back if it stays inside its folder, else raise InputError."""
    parts = {*PurePosixPath(file_name).parts, *PureWindowsPath(file_name).parts}
    away = PurePosixPath(file_name).is_absolute() or PureWindowsPath(file_name).anchor
    if not file_name or away or ".." in parts:
        raise InputError(
            f"{source}: file name {file_name!r} leaves the folder; a relative path inside it "
            "is wanted"
        )
    return file_name


def _name(images: list[dict[str, Any]], path: Path) -> None:
    names = [str(i.get("name") or PurePosixPath(i["file_name"]).stem) for i in images]
    if len(set(names)) < len(names):
        names = [str(PurePosixPath(i["file_name"]).with_suffix("")).replace("/", "_")
                 for i in images]  # fmt: skip
    seen: set[str] = set()
    for image, name in zip(images, names, strict=True):
        if name in seen:
            raise InputError(f"{path}: image {name!r} comes twice; names must differ")
        seen.add(name)
        image["name"] = name


def decode(
    annotations: Sequence[Mapping[str, Any]],
    shape: tuple[int, int],
    class_names: Sequence[str],
    class_of: Mapping[int, int],
) -> Instances:
    """Annotations of one image as cells.

    Parameters
    ----------
    annotations
        With polygons ``[[x, y, ...], ...]``, compressed or uncompressed RLE.
    shape
        Rows and columns of the image.
    class_names, class_of
        As in `CocoFile`.

    Returns
    -------
    Instances
        In the order of the annotations; those without a pixel are left out with a line in
        the log. Crowds carry the tag ``iscrowd: True``.
    """
    boxes: list[Sequence[int] | None] = [None] * len(annotations)
    masks: list[np.ndarray | None] = [None] * len(annotations)
    rles = [i for i, a in enumerate(annotations) if isinstance(a["segmentation"], Mapping)]
    if rles:
        found = geometry.decode_rle([annotations[i]["segmentation"] for i in rles], shape)
        for i, box, mask in zip(rles, *found, strict=True):
            boxes[i], masks[i] = box, mask
    for i, annotation in enumerate(annotations):
        if masks[i] is None:
            rings = [np.asarray(r, float).reshape(-1, 2)[:, ::-1]
                     for r in annotation["segmentation"]]  # fmt: skip
            boxes[i], masks[i] = geometry.rasterise_polygons(rings, shape)
    keep = [i for i, m in enumerate(masks) if m is not None and m.any()]
    if len(keep) < len(annotations):
        log.warning("%d annotations without a pixel are left out", len(annotations) - len(keep))
    tags = [_tags(annotations[i]) for i in keep]
    return Instances(
        shape,
        np.array([boxes[i] for i in keep], np.int64).reshape(-1, 4),
        tuple(masks[i] for i in keep),  # type: ignore[misc]
        np.array([annotations[i].get("score", 1.0) for i in keep], np.float32),
        np.array([class_of[annotations[i]["category_id"]] for i in keep], np.int64),
        tuple(class_names),
        tuple(tags) if any(tags) else (),
    )


def _tags(annotation: Mapping[str, Any]) -> dict[str, Tag]:
    tags = dict(annotation.get("tags") or {})
    return {**tags, "iscrowd": True} if annotation.get("iscrowd") else tags


def encode(instances: Instances) -> list[dict[str, Any]]:
    """Cells as annotations with RLE, box (x, y, width, height), area, score; without ids.

    ``category_id`` is the class index + 1.
    """
    scored = bool((instances.scores != 1).any())
    areas = instances.areas
    out = []
    for i, rle in enumerate(geometry.encode_rle(instances)):
        row0, col0, row1, col1 = (int(n) for n in instances.boxes[i])
        tags = dict(instances.tags[i]) if instances.tags else {}
        record: dict[str, Any] = {
            "category_id": int(instances.classes[i]) + 1,
            "segmentation": rle,
            "bbox": [col0, row0, col1 - col0, row1 - row0],
            "area": int(areas[i]),
            "iscrowd": int(bool(tags.pop("iscrowd", False))),
        }
        if scored:
            record["score"] = round(float(instances.scores[i]), 9)
        if tags:
            record["tags"] = plain_tags(tags)
        out.append(record)
    return out


def plain_tags(tags: Mapping[str, Any]) -> dict[str, Tag]:
    """Tags with Python numbers, fit for JSON; other values raise InputError."""
    out = {}
    for key, value in tags.items():
        value = value.item() if isinstance(value, np.generic) else value
        if not isinstance(value, str | int | float | bool):
            raise InputError(f"tag {key!r} is {value!r}; a word, a number or a truth is wanted")
        out[str(key)] = value
    return out


def dump(entries: Iterable[Entry], path: str | Path, *, class_names: Sequence[str]) -> None:
    """Write a COCO file atomically, image by image; ids are given in order from 1."""
    to_text = lambda value: json.dumps(value, allow_nan=False, ensure_ascii=False)  # noqa: E731
    categories = [{"id": i + 1, "name": n} for i, n in enumerate(class_names)]
    number = 0
    with atomic_path(path) as part:
        spool = part.with_name(part.name + ".images")
        try:
            with part.open("w", encoding="utf-8") as file, spool.open("w+", encoding="utf-8") as im:
                file.write(f'{{"categories": {to_text(categories)},\n"annotations": [')
                for i, (record, annotations) in enumerate(entries, 1):
                    im.write((",\n" if i > 1 else "\n") + to_text({**record, "id": i}))
                    for annotation in annotations:
                        number += 1
                        line = {**annotation, "id": number, "image_id": i}
                        file.write((",\n" if number > 1 else "\n") + to_text(line))
                file.write('],\n"images": [')
                im.seek(0)
                while block := im.read(1 << 20):
                    file.write(block)
                file.write("]}\n")
        finally:
            spool.unlink(missing_ok=True)
