"""Label Studio exports (JSON and JSON-MIN): polygons, ellipses and brush strokes as cells.

Read as https://labelstud.io/guide/task_format and /tags/{polygonlabels,ellipselabels,brushlabels}
describe them: coordinates are percent of the image's width and height. Brush masks are packed
as @thi.ng/rle-pack does it, four bytes (RGBA) a pixel, the last of which is the mask.
"""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import numpy as np

from cellwright.formats.coco import CocoFile, encode, read_json
from cellwright.formats.dataset import Dataset
from cellwright.geometry import from_masks
from cellwright.types import InputError

log = logging.getLogger(__name__)

_LABELS = ("polygonlabels", "ellipselabels", "brushlabels", "labels")
_UPLOADED = re.compile(r"^[0-9a-f]{8}-(?=.)")
_CORNERS = 72  # of the polygon that stands for an ellipse
_HEAD = 4096


def is_label_studio(path: str | Path) -> bool:
    """Whether a JSON file looks like an export: a list of tasks, where COCO is an object."""
    with Path(path).open("rb") as file:
        return file.read(_HEAD).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"[")


def read_label_studio(path: str | Path) -> Dataset:
    """Open an export; images are named as their files were before the upload.

    Of several annotations of a task the one marked as ground truth counts, else the newest, with
    a line in the log; cancelled ones never do, and predictions are not read. Rectangles and key
    points are no outlines and are left out with a line in the log.

    Raises
    ------
    InputError
        If it is no export, a region is turned or damaged, or an image comes twice.
    """
    path = Path(path)
    tasks = read_json(path)
    if not isinstance(tasks, list) or not all(isinstance(t, dict) for t in tasks):
        raise InputError(f"{path}: no Label Studio export; a JSON list of tasks is wanted")
    images: list[dict[str, Any]] = []
    drawn: list[list[tuple[str, dict[str, Any]]]] = []
    skipped: dict[str, int] = {}
    for number, task in enumerate(tasks, 1):
        try:
            name = _image_name(task)
            regions = _regions(task, path, name)
            size, found = _drawn(regions or [], skipped, f"{path}, {name}")
        except (KeyError, TypeError, ValueError, IndexError, AttributeError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError(f"{path}: task {number} is damaged ({error!r})") from error
        if regions is None:
            log.info("%s: %s is not annotated and is left out", path, name)
            continue
        images.append({"id": len(images) + 1, "file_name": name, "height": size[0],
                       "width": size[1], "name": PurePosixPath(name).stem})  # fmt: skip
        drawn.append(found)
    for kind, count in skipped.items():
        log.warning("%s: %d regions of type %s are no outlines and are left out", path, count, kind)
    names = [str(i["name"]) for i in images]
    if len(set(names)) < len(names):
        raise InputError(f"{path}: image {max(names, key=names.count)!r} comes twice; one task "
                         "an image is wanted")  # fmt: skip
    classes = tuple(sorted({label for regions in drawn for label, _ in regions})) or ("cell",)
    class_of = {i + 1: i for i in range(len(classes))}
    annotations = [
        [{**region, "category_id": classes.index(label) + 1} for label, region in regions]
        for regions in drawn
    ]
    return Dataset(CocoFile(path, tuple(images), annotations, classes, class_of), path.parent)


def _image_name(task: Mapping[str, Any]) -> str:
    """File name of a task's image, without the eight digits that an upload puts before it."""
    data = task.get("data")
    place = task.get("file_upload") or (data or {}).get("image") or task.get("image")
    if not place and isinstance(data, Mapping):
        place = next(v for v in data.values() if isinstance(v, str))
    parts = urlsplit(str(place))
    local = parse_qs(parts.query).get("d", [parts.path])[0]
    return _UPLOADED.sub("", PurePosixPath(unquote(local).replace("\\", "/")).name)


def _regions(task: Mapping[str, Any], path: Path, name: str) -> list[dict[str, Any]] | None:
    """Regions of the annotation that counts, as in JSON; None if nobody has annotated."""
    made = task.get("annotations", task.get("completions"))
    if made is None:  # JSON-MIN: the regions stand beside the image, their values unfolded
        lists = [v for v in task.values() if isinstance(v, list)]
        found = [r for v in lists for r in v if isinstance(r, dict) and "original_width" in r]
        return [{**r, "value": r, "type": _min_type(r)} for r in found]
    made = [m for m in made if not m.get("was_cancelled")]
    best = [m for m in made if m.get("ground_truth")] or made
    if len(best) > 1:
        best = sorted(best, key=lambda m: str(m.get("updated_at") or m.get("created_at") or ""))
        log.warning("%s: %s has %d annotations; the newest is read", path, name, len(best))
    return list(best[-1].get("result") or []) if best else None


def _min_type(region: Mapping[str, Any]) -> str:
    return next((k for k in region if k in _LABELS or k.endswith("labels")), "unknown")


def _drawn(
    regions: list[dict[str, Any]], skipped: dict[str, int], source: str
) -> tuple[tuple[int, int], list[tuple[str, dict[str, Any]]]]:
    """Rows and columns of the image, and class and COCO segmentation of each region.

    Where nothing is drawn the export does not tell the size: it is (0, 0) then.
    """
    size = (0, 0)
    out: list[tuple[str, dict[str, Any]]] = []
    for region in regions:
        if "original_width" not in region:
            continue  # a choice or a text about the image
        size = (int(region["original_height"]), int(region["original_width"]))
        value, kind = region["value"], str(region.get("type"))
        if region.get("image_rotation"):
            raise InputError(f"{source}: the image was turned by {region['image_rotation']} "
                             "degrees in Label Studio; turn it back and export again")  # fmt: skip
        shape: Any
        if "points" in value:
            shape = [_pixels(value["points"], size)]
        elif "radiusX" in value:
            shape = [_pixels(list(_ellipse(value, size)), size)]
        elif value.get("format") == "rle" or "rle" in value:
            mask = brush_mask(value["rle"], size, source)
            found = encode(from_masks([mask], size)) if mask.any() else []
            if not found:
                continue
            shape = found[0]["segmentation"]
        else:
            skipped[kind] = skipped.get(kind, 0) + 1
            continue
        labels = next((value[k] for k in _LABELS if value.get(k)), ["cell"])
        tags = {"label_studio": str(region["id"])} if "id" in region else {}
        about = {"segmentation": shape, "iscrowd": 0, **({"tags": tags} if tags else {})}
        out.append((str(labels[0]), about))
    return size, out


def _pixels(points: list[list[float]], size: tuple[int, int]) -> list[float]:
    """Percent of (width, height) as COCO's x, y, x, y ..."""
    if len(points) < 3:
        raise ValueError(f"a polygon of {len(points)} points")
    flat = np.asarray(points, float) / 100 * (size[1], size[0])
    return [float(v) for v in flat.ravel()]


def _ellipse(value: Mapping[str, float], size: tuple[int, int]) -> Iterator[list[float]]:
    """Corners in percent; an ellipse is turned in pixels, not in percent."""
    turn = math.radians(value.get("rotation", 0))
    for step in range(_CORNERS):
        angle = 2 * math.pi * step / _CORNERS
        x = value["radiusX"] / 100 * size[1] * math.cos(angle)
        y = value["radiusY"] / 100 * size[0] * math.sin(angle)
        dx = x * math.cos(turn) - y * math.sin(turn)
        dy = x * math.sin(turn) + y * math.cos(turn)
        yield [value["x"] + 100 * dx / size[1], value["y"] + 100 * dy / size[0]]


def brush_mask(packed: list[int], size: tuple[int, int], source: object = "mask") -> np.ndarray:
    """Mask of a brush region.

    The packed bits are: 32 for the number of values, 5 for their width less one, four times 4
    for the widths of run lengths less one; then runs, each with 1 bit (1: one value repeated,
    0: values follow), 2 bits for which width its length has, the length less one, the values.

    Parameters
    ----------
    packed
        Bytes as in ``value.rle``.
    size
        Rows and columns.
    source
        Name for messages.

    Returns
    -------
    ndarray
        (row, column) bool: where alpha is above 0.
    """
    bits = _Bits(packed)
    try:
        count = bits.read(32)
        if count != 4 * size[0] * size[1]:
            raise InputError(f"{source}: a brush mask of {count} values came for an image of "
                             f"{size[0]} x {size[1]} pixels; 4 a pixel are wanted")  # fmt: skip
        width = bits.read(5) + 1
        lengths = [bits.read(4) + 1 for _ in range(4)]
        out = np.zeros(count, np.uint8)
        at = 0
        while at < count:
            repeated = bits.read(1)
            stop = min(at + 1 + bits.read(lengths[bits.read(2)]), count)
            if repeated:
                out[at:stop] = bits.read(width)
            else:
                out[at:stop] = [bits.read(width) for _ in range(stop - at)]
            at = stop
    except IndexError as error:
        raise InputError(f"{source}: a brush mask ends too early") from error
    return np.asarray(out.reshape(*size, 4)[..., 3] > 0)


class _Bits:
    """Reads numbers of any width from bytes, highest bit first."""

    def __init__(self, data: list[int]) -> None:
        self._bytes = bytes(data)
        self._at = 0

    def read(self, width: int) -> int:
        end = self._at + width
        if end > 8 * len(self._bytes):
            raise IndexError(end)
        first, last = self._at // 8, -(-end // 8)
        value = int.from_bytes(self._bytes[first:last], "big") >> (8 * last - end)
        self._at = end
        return value & ((1 << width) - 1)
