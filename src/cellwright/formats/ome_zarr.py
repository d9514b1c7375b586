"""OME-Zarr (NGFF 0.4 and 0.5): images and labels, read lazily, written with a pyramid."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.atomic import atomic_path
from cellwright.formats.axes import arrange
from cellwright.geometry import from_label_map, to_label_map
from cellwright.types import Image, InputError, Instances

log = logging.getLogger(__name__)

_ORDER = "TCZYX"  # the order of NGFF; ours is TZCYX
_TYPES = {"T": "time", "C": "channel", "Z": "space", "Y": "space", "X": "space"}
_MICROMETRES = {"micrometer": 1.0, "nanometer": 1e-3, "millimeter": 1e3, "meter": 1e6}
_CHUNK = 512
_SMALLEST = 1024
LABELS = "cells"
"""Name of the labels that are written into an image."""


def _open(path: Path) -> Any:
    import zarr

    if not path.exists():
        raise InputError(f"{path}: no such folder")
    try:
        return zarr.open_group(str(path), mode="r")
    except Exception as error:  # zarr raises its own, key, value, JSON ... errors
        raise InputError(f"{path}: no OME-Zarr, or a damaged one ({error})") from error


def _facts(group: Any) -> Mapping[str, Any]:
    """The OME attributes: under "ome" since 0.5, at the top before."""
    found: Mapping[str, Any] = group.attrs.get("ome", group.attrs)
    return found


def _image_group(path: Path) -> Any:
    group = _open(path)
    if "multiscales" not in _facts(group) and "0" in group:
        inner = group["0"]
        if hasattr(inner, "keys") and "multiscales" in _facts(inner):
            log.info("%s: series 0 is read", path)
            group = inner
    if not _facts(group).get("multiscales"):
        raise InputError(f"{path}: no OME-Zarr image; a group with 'multiscales' is wanted")
    return group


def _level(group: Any, path: Path) -> tuple[Any, str, tuple[float, float] | None]:
    """Array of the full resolution, its axes, and its pixel size if it has a unit."""
    scales = _facts(group)["multiscales"][0]
    try:
        dataset = scales["datasets"][0]
        array = group[dataset["path"]]
        axes = scales.get("axes") or list("tczyx"[-array.ndim :])
        axes = [a if isinstance(a, Mapping) else {"name": a} for a in axes]
        letters = "".join(str(a["name"]).upper() for a in axes)
        steps = [1.0] * array.ndim
        for change in [*dataset.get("coordinateTransformations", []),
                       *scales.get("coordinateTransformations", [])]:  # fmt: skip
            if change.get("type") == "scale":
                steps = [a * float(b) for a, b in zip(steps, change["scale"], strict=True)]
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise InputError(f"{path}: the OME-Zarr metadata are damaged ({error!r})") from error
    units = {str(a["name"]).upper(): a.get("unit") for a in axes}
    size = None
    if units.get("Y") in _MICROMETRES and units.get("X") in _MICROMETRES:
        row, column = (steps[letters.index(a)] * _MICROMETRES[str(units[a])] for a in "YX")
        size = (row, column) if row > 0 and column > 0 else None
    return array, letters, size


def read_image(path: str | Path, *, axes: str | None = None, lazy: bool = False) -> Image:
    """Read the full resolution of an OME-Zarr image.

    Parameters
    ----------
    path
        Folder with ``multiscales``, or one with such a folder ``0``.
    axes
        Letters instead of those of the file.
    lazy
        Give an array that reads its chunks when they are asked for.
    """
    path = Path(path)
    group = _image_group(path)
    array, letters, size = _level(group, path)
    try:
        data = array if lazy else np.asarray(array[...])
    except Exception as error:  # codecs raise errors of many kinds
        raise InputError(f"{path}: a chunk is damaged ({error})") from error
    data, letters, _ = arrange(data, letters, axes=axes, source=path)
    channels = _facts(group).get("omero", {}).get("channels", [])
    names = tuple(str(c.get("label", "")) for c in channels)
    count = data.shape[letters.index("C")] if "C" in letters else 1
    return Image(data, letters, size, names if len(names) == count and all(names) else ())


def write_image(image: Image, path: str | Path) -> None:
    """Write an image as OME-Zarr 0.5 with a pyramid, atomically and band by band."""
    order = [image.axes.index(a) for a in _ORDER if a in image.axes]
    letters = "".join(image.axes[i] for i in order)
    about: dict[str, Any] = {}
    if image.channels:
        about["omero"] = {"channels": [{"label": n, "active": True} for n in image.channels]}
    with atomic_path(path) as part:
        _write(part, image.data, order, letters, image.pixel_size, about, Path(path).stem, 3)


def _write(
    folder: Path,
    data: Any,
    order: list[int],
    letters: str,
    pixel_size: tuple[float, float] | None,
    about: Mapping[str, Any],
    name: str,
    zarr_format: int,
) -> None:
    import zarr

    group = zarr.create_group(store=str(folder), zarr_format=zarr_format)  # type: ignore[arg-type]
    shape = [int(data.shape[i]) for i in order]
    step = 1
    datasets: list[dict[str, Any]] = []
    rows, columns = pixel_size or (1.0, 1.0)
    before: Any = None
    while True:
        size = (*shape[:-2], -(-shape[-2] // step), -(-shape[-1] // step))
        options: dict[str, Any] = {}
        if zarr_format == 3:
            options["dimension_names"] = [a.lower() for a in letters]
        else:
            options["chunk_key_encoding"] = {"name": "v2", "separator": "/"}
        level = group.create_array(
            str(len(datasets)), shape=size, dtype=data.dtype,
            chunks=(*(1 for _ in shape[:-2]), min(_CHUNK, size[-2]), min(_CHUNK, size[-1])),
            **options,
        )  # fmt: skip
        for start in range(0, size[-2], _CHUNK):
            stop = min(start + _CHUNK, size[-2])
            if before is None:
                band = np.asarray(data[(..., slice(start, stop), slice(None))]).transpose(order)
            else:
                band = before[(..., slice(2 * start, 2 * stop), slice(None))][..., ::2, ::2]
            level[(..., slice(start, stop), slice(None))] = band
        scale = [1.0] * (len(shape) - 2) + [rows * step, columns * step]
        datasets.append({
            "path": str(len(datasets)),
            "coordinateTransformations": [{"type": "scale", "scale": scale}],
        })  # fmt: skip
        if max(size[-2:]) <= _SMALLEST:
            break
        before, step = level, step * 2
    axes = [
        {"name": a.lower(), "type": _TYPES[a],
         **({"unit": "micrometer"} if pixel_size and a in "YX" else {})}
        for a in letters
    ]  # fmt: skip
    scales = {"name": name, "axes": axes, "datasets": datasets, "type": "nearest"}
    if zarr_format == 3:
        group.attrs["ome"] = {"version": "0.5", "multiscales": [scales], **about}
    else:
        group.attrs.update({"multiscales": [{"version": "0.4", **scales}], **about})


def label_names(path: str | Path) -> tuple[str, ...]:
    """Names of the labels that an OME-Zarr image holds."""
    group = _open(Path(path))
    if "labels" not in group:
        return ()
    return tuple(str(n) for n in _facts(group["labels"]).get("labels", ()))


def read_instances(path: str | Path, *, name: str | None = None) -> Instances:
    """Read cells from the labels of an OME-Zarr image, or from a label image itself.

    Parameters
    ----------
    path
        OME-Zarr image with labels, or a label image (``IMAGE.zarr/labels/NAME``).
    name
        Which labels, if there are several.
    """
    path = Path(path)
    group = _open(path)
    names = label_names(path)
    if "image-label" not in _facts(group) and names:
        if name is None and len(names) > 1:
            raise InputError(
                f"{path} has several labels: {', '.join(names)}; name one, as in "
                f"{path / 'labels' / names[0]}"
            )
        if name is not None and name not in names:
            raise InputError(f"{path} has no labels {name!r}; there are {', '.join(names)}")
        path = path / "labels" / (name or names[0])
        group = _open(path)
    if not _facts(group).get("multiscales"):
        raise InputError(f"{path}: no labels; an OME-Zarr with 'labels' is wanted")
    array, letters, _ = _level(group, path)
    if not np.issubdtype(array.dtype, np.integer):
        raise InputError(f"{path}: labels are whole numbers, {array.dtype} came")
    labels, letters, _ = arrange(np.asarray(array[...]), letters, source=path)
    if letters != "YX":
        raise InputError(f"{path}: labels have rows and columns only, axes {letters} came")
    return _with_properties(labels, _facts(group).get("image-label", {}))


def _with_properties(labels: np.ndarray, about: Mapping[str, Any]) -> Instances:
    rows = {int(p["label-value"]): p for p in about.get("properties", [])}
    if not rows:
        return from_label_map(labels)
    values = np.unique(labels[labels != 0]).tolist()
    names = tuple(dict.fromkeys(str(p.get("class", "cell")) for p in rows.values()))
    picked = [rows.get(v, {}) for v in values]
    names = names if all(str(p.get("class", "cell")) in names for p in picked) else (*names, "cell")
    found = from_label_map(labels)
    return Instances(
        found.shape, found.boxes, found.masks,
        np.array([p.get("score", 1.0) for p in picked], np.float32),
        np.array([names.index(str(p.get("class", "cell"))) for p in picked], np.int64), names,
    )  # fmt: skip


def write_instances(
    instances: Instances,
    path: str | Path,
    *,
    name: str = LABELS,
    pixel_size: tuple[float, float] | None = None,
) -> None:
    """Write cells as an OME-Zarr label image, atomically. Lossy where cells overlap.

    Parameters
    ----------
    instances
        The cells; value i + 1 is cell i. Class and score go into the label properties.
    path
        Where to write. If an OME-Zarr image is there, the labels go into it as ``labels/NAME``.
    name
        Name of the labels in an image.
    pixel_size
        (row, column) in um.
    """
    import zarr

    path = Path(path)
    properties = [
        {"label-value": i + 1, "class": instances.class_names[int(c)], "score": round(float(s), 9)}
        for i, (c, s) in enumerate(zip(instances.classes, instances.scores, strict=True))
    ]
    inside = path.exists() and "image-label" not in _facts(_open(path))
    target, zarr_format = path, 3
    about: dict[str, Any] = {"image-label": {"properties": properties}}
    if inside:
        array, letters, size = _level(_image_group(path), path)
        rows, columns = (int(array.shape[letters.index(a)]) for a in "YX")
        if (rows, columns) != instances.shape:
            raise InputError(f"{path}: the image is {(rows, columns)}, the cells are "
                             f"{instances.shape}; both must agree")  # fmt: skip
        target, zarr_format = path / "labels" / name, int(_open(path).metadata.zarr_format)
        pixel_size = pixel_size or size
        about["image-label"]["source"] = {"image": "../../"}
    about["image-label"]["version"] = "0.5" if zarr_format == 3 else "0.4"
    with atomic_path(target) as part:
        _write(part, to_label_map(instances), [0, 1], "YX", pixel_size, about, name, zarr_format)
    if inside:
        root = zarr.open_group(str(path), mode="r+")
        labels = root.require_group("labels")
        listed = [*dict.fromkeys([*_facts(labels).get("labels", ()), name])]
        if zarr_format == 3:
            labels.attrs["ome"] = {"version": "0.5", "labels": listed}
        else:
            labels.attrs["labels"] = listed
