"""ImageJ ROI files and zips: one outline a cell, on pixel corners."""

from __future__ import annotations

import logging
import zipfile
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.atomic import atomic_path
from cellwright.formats.outlined import from_outlines
from cellwright.geometry import Polygon, outline_polygons
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)

_FAR = 32000  # the format counts in 16 bits; beyond that, points are written as floats
_MOVE, _LINE, _CLOSE = 0.0, 1.0, 4.0


def write_instances(instances: Instances, path: str | Path) -> None:
    """Write cells as a zip of ROIs (or one cell as .roi), atomically.

    Overlaps are kept; cells in several pieces or with holes become composite ROIs. Score and
    class stand in the properties of each ROI, its group is the class index + 1. Tags are not
    written.
    """
    path = Path(path)
    rois = [_roi(instances, i) for i in range(len(instances))]
    if path.suffix.lower() == ".roi" and len(rois) != 1:
        raise InputError(f"{path}: {len(rois)} cells came for a single ROI; write a .zip")
    with atomic_path(path) as part:
        if path.suffix.lower() == ".roi":
            part.write_bytes(rois[0].tobytes())
            return
        with zipfile.ZipFile(part, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file:
            for roi in rois:
                file.writestr(f"{roi.name}.roi", roi.tobytes())


def _roi(instances: Instances, i: int) -> Any:
    from roifile import ROI_TYPE, ImagejRoi

    row0, col0, row1, col1 = (int(n) for n in instances.boxes[i])
    polygons = outline_polygons(instances.masks[i], offset=(row0, col0))
    name = instances.class_names[int(instances.classes[i])]
    digits = max(4, len(str(len(instances))))
    if len(polygons) == 1 and not polygons[0].holes:
        points = polygons[0].exterior[:, ::-1]
        roi = ImagejRoi.frompoints(points.astype(float) if points.max() > _FAR else points)
        roi.roitype = ROI_TYPE.POLYGON
    else:
        path: list[float] = []
        for ring in (r for p in polygons for r in (p.exterior, *p.holes)):
            for k, (row, column) in enumerate(ring.tolist()):
                path += [_LINE if k else _MOVE, float(column), float(row)]
            path.append(_CLOSE)
        roi = ImagejRoi(roitype=ROI_TYPE.RECT)
        roi.multi_coordinates = np.array(path, np.float32)
        roi.shape_roi_size = len(path)
    roi.top, roi.left, roi.bottom, roi.right = row0, col0, row1, col1
    roi.name = f"{i + 1:0{digits}d}"
    roi.group = min(int(instances.classes[i]) + 1, 255)
    roi.props = f"class: {name}\nscore: {round(float(instances.scores[i]), 9)}\n"
    return roi


def _polygon(roi: Any) -> Polygon | None:
    """Outline of an area ROI in (row, column), None for points and lines."""
    from roifile import ROI_TYPE

    if roi.composite:
        rings = roi.coordinates(multi=True)
    elif roi.roitype in (ROI_TYPE.POLYGON, ROI_TYPE.FREEHAND, ROI_TYPE.TRACED):
        rings = [roi.coordinates()]
    elif roi.roitype in (ROI_TYPE.RECT, ROI_TYPE.OVAL):
        left, top, right, bottom = roi.left, roi.top, roi.right, roi.bottom
        if roi.subpixelrect:
            left, top = roi.xd, roi.yd
            right, bottom = left + roi.widthd, top + roi.heightd
        if roi.roitype == ROI_TYPE.RECT:
            rings = [np.array([(left, top), (right, top), (right, bottom), (left, bottom)])]
        else:
            turn = np.linspace(0, 2 * np.pi, 4 * int(right - left + bottom - top) + 16)
            middle = np.array([left + right, top + bottom]) / 2
            half = np.array([right - left, bottom - top]) / 2
            rings = [middle + half * np.stack([np.cos(turn), np.sin(turn)], axis=1)]
    else:
        return None
    flipped = [np.asarray(r, float)[:, ::-1] for r in rings if len(r) > 2]
    return Polygon(flipped[0], tuple(flipped[1:])) if flipped else None


def read_instances(path: str | Path, *, shape: tuple[int, int] | None = None) -> Instances:
    """Read area ROIs as cells, filled by ImageJ's rule (a pixel is in if its centre is).

    Parameters
    ----------
    path
        ``.zip`` of the ROI manager, or ``.roi``.
    shape
        Rows and columns of the image, which ROI files do not tell.

    Returns
    -------
    Instances
        In the order of the file; the tag ``roi`` is the name. Points and lines are left out
        with a line in the log.
    """
    path = Path(path)
    if shape is None:
        raise InputError(f"{path}: ROI files do not tell the size of the image; give shape")
    rois = _load(path)
    outlines, scores, classes, tags = [], [], [], []
    class_names: list[str] = []
    for roi in rois:
        try:
            polygon, about = _polygon(roi), roi.properties
        except (RuntimeError, ValueError, IndexError) as error:
            raise InputError(f"{path}: ROI {roi.name!r} cannot be read ({error})") from error
        if polygon is None:
            continue
        name = str(about.get("class", "cell"))
        if name not in class_names:
            class_names.append(name)
        outlines.append([polygon])
        score = about.get("score", 1.0)
        scores.append(float(np.clip(score, 0, 1)) if isinstance(score, int | float) else 1.0)
        classes.append(class_names.index(name))
        tags.append({"roi": roi.name} if roi.name else {})
    if len(outlines) < len(rois):
        log.warning("%s: %d ROIs have no area and are left out", path, len(rois) - len(outlines))
    return from_outlines(
        outlines, shape, scores=scores, classes=classes, class_names=class_names or ["cell"],
        tags=tags, source=path,
    )  # fmt: skip


def _load(path: Path) -> list[Any]:
    from roifile import ImagejRoi

    try:
        if path.suffix.lower() == ".roi":
            return [ImagejRoi.frombytes(path.read_bytes())]
        with zipfile.ZipFile(path) as file:
            names = [n for n in file.namelist() if n.lower().endswith(".roi")]
            return [ImagejRoi.frombytes(file.read(n)) for n in names]
    except FileNotFoundError as error:
        raise InputError(f"{path}: no such file") from error
    except Exception as error:  # roifile raises struct, value, decode ... errors
        raise InputError(f"{path}: the file is damaged or holds no ROIs ({error})") from error
