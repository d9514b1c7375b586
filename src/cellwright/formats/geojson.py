"""GeoJSON as QuPath opens and writes it: one annotation a cell, (x, y) on pixel corners."""

from __future__ import annotations

import json
import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.atomic import write_text
from cellwright.formats.coco import read_json
from cellwright.formats.outlined import from_outlines
from cellwright.geometry import Polygon, outline_polygons
from cellwright.types import InputError, Instances

log = logging.getLogger(__name__)

_FACTS = "cellwright"  # foreign member with what GeoJSON has no place for


def _ring(points: np.ndarray) -> list[list[float]]:
    closed = np.concatenate([points, points[:1]])
    rows: list[list[float]] = closed[:, ::-1].tolist()
    return rows


def _features(instances: Instances) -> Iterator[dict[str, Any]]:
    for i, mask in enumerate(instances.masks):
        row, column = (int(n) for n in instances.boxes[i, :2])
        pieces = [
            [_ring(p.exterior), *(_ring(h) for h in p.holes)]
            for p in outline_polygons(mask, offset=(row, column))
        ]
        one = len(pieces) == 1
        properties: dict[str, Any] = {
            "objectType": "annotation",
            "name": str(i + 1),
            "classification": {"name": instances.class_names[int(instances.classes[i])]},
            "measurements": {"score": round(float(instances.scores[i]), 9)},
        }
        yield {
            "type": "Feature",
            "geometry": {
                "type": "Polygon" if one else "MultiPolygon",
                "coordinates": pieces[0] if one else pieces,
            },
            "properties": properties,
        }


def write_instances(instances: Instances, path: str | Path) -> None:
    """Write cells as a FeatureCollection, atomically; overlaps and holes are kept.

    Tags of the cells are not written.
    """
    facts = {"height": instances.shape[0], "width": instances.shape[1],
             "class_names": list(instances.class_names)}  # fmt: skip
    head = f'{{"type": "FeatureCollection",\n"{_FACTS}": {json.dumps(facts)},\n"features": [\n'
    lines = (json.dumps(f, allow_nan=False) for f in _features(instances))
    write_text(head + ",\n".join(lines) + "\n]}\n", path)


def _polygons(geometry: dict[str, Any]) -> list[Polygon] | None:
    """Polygons of a geometry, None if it has no area."""
    kind, coordinates = geometry.get("type"), geometry.get("coordinates", [])
    if kind == "GeometryCollection":
        parts = [_polygons(g) for g in geometry.get("geometries", [])]
        return [p for part in parts if part for p in part] or None
    if kind not in ("Polygon", "MultiPolygon"):
        return None
    out = []
    for rings in [coordinates] if kind == "Polygon" else coordinates:
        points = [np.array([(p[1], p[0]) for p in ring], float).reshape(-1, 2) for ring in rings]
        out.append(Polygon(points[0], tuple(points[1:])))
    return out


def read_instances(path: str | Path, *, shape: tuple[int, int] | None = None) -> Instances:
    """Read the polygons of a GeoJSON file as cells.

    Parameters
    ----------
    path
        FeatureCollection, list of features, or a single one; as QuPath exports them.
    shape
        Rows and columns of the image; only files written here know it themselves.

    Returns
    -------
    Instances
        Classes by the name of the classification ("cell" without one), score from the
        measurement of that name. Points and lines are left out with a line in the log.
    """
    path = Path(path)
    data = read_json(path)
    facts = data.get(_FACTS, {}) if isinstance(data, dict) else {}
    try:
        if shape is None:
            if not {"height", "width"} <= set(facts):
                raise InputError(f"{path}: GeoJSON does not tell the size of the image; give shape")
            shape = (int(facts["height"]), int(facts["width"]))
        return _read(path, data, shape, [str(n) for n in facts.get("class_names", [])])
    except (KeyError, TypeError, IndexError, AttributeError, ValueError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(f"{path}: the GeoJSON is damaged or incomplete ({error!r})") from error


def _read(path: Path, data: Any, shape: tuple[int, int], class_names: list[str]) -> Instances:
    features = data if isinstance(data, list) else data.get("features", [data])
    outlines, scores, classes = [], [], []
    for feature in features:
        polygons = _polygons(feature.get("geometry") or {})
        if polygons is None:
            continue
        properties = feature.get("properties") or {}
        name = str((properties.get("classification") or {}).get("name", "cell"))
        if name not in class_names:
            class_names.append(name)
        outlines.append(polygons)
        scores.append(_score(properties.get("measurements") or {}))
        classes.append(class_names.index(name))
    if len(outlines) < len(features):
        log.warning("%s: %d features have no area and are left out", path,
                    len(features) - len(outlines))  # fmt: skip
    return from_outlines(
        outlines, shape, scores=scores, classes=classes, class_names=class_names or ["cell"],
        tags=[{}] * len(outlines), source=path,
    )  # fmt: skip


def _score(measurements: Any) -> float:
    """The measurement "score"; QuPath writes a mapping, older versions a list of records."""
    if isinstance(measurements, list):
        measurements = {m.get("name"): m.get("value") for m in measurements}
    return float(np.clip(measurements.get("score", 1.0), 0, 1))
