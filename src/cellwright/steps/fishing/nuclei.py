"""The nuclei of a frame: by a model, from masks that are there, or by a segmenter."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import ndimage

from cellwright.types import Image, InputError, Instances

#: gives the nuclei of a frame's name and its plane of nuclei
Nuclei = Callable[[str, Image], Instances]
_ENDINGS = ("_masks.tif", "_nuclei.tif", ".tif", ".tiff", ".png", "_rois.zip", ".geojson")
_SMOOTH = 3.0
_CONTRAST = 8.0


def nuclei_finder(
    *,
    model: str | Path | None = None,
    masks: str | Path | None = None,
    segmenter: str = "watershed",
    options: Mapping[str, Any] | None = None,
    device: str = "auto",
) -> Nuclei:
    """What finds the nuclei; of model, masks and segmenter the first that is given.

    Parameters
    ----------
    model
        Model folder, or the name of a model that ships.
    masks
        Data set with masks, a COCO file, or a folder of label images named as the frames, with
        ``_masks`` or without.
    segmenter, options
        A segmenter of `cellwright.label.segmenters` and its arguments.
    device
        Where the model runs.

    Raises
    ------
    InputError
        If a model and masks are given, or what is given is not there.
    """
    if model is not None and masks is not None:
        raise InputError("--model and --nuclei came: the nuclei are found by one of the two")
    if masks is not None:
        return _from_masks(Path(masks))
    worker = _model(model, device) if model is not None else _labeller(segmenter, options)

    def find(name: str, image: Image) -> Instances:
        check_something_there(np.asarray(image.data), _channel_name(image))
        found: Instances = worker.segment(image)
        if not len(found):
            raise InputError(f"no nucleus was found in channel {_channel_name(image)}")
        return found

    return find


def _model(model: str | Path, device: str) -> Any:
    from cellwright.steps.adapting import adapted
    from cellwright.zoo.shipped import model_folder

    return adapted(model_folder(model), device=device)


def _labeller(name: str, options: Mapping[str, Any] | None) -> Any:
    from cellwright.label.segmenters import segmenter

    chosen = dict(options or {})
    if name == "watershed":
        chosen.setdefault("foreground", "bright")
    return segmenter(name, **chosen)


def _from_masks(place: Path) -> Nuclei:
    from cellwright.formats import read_instances
    from cellwright.formats.dataset import ANNOTATIONS, read_coco

    if place.suffix.lower() == ".json" or (place / ANNOTATIONS).is_file():
        dataset = read_coco(place)
        index = {name: i for i, name in enumerate(dataset.names)}

        def known(name: str, image: Image) -> Instances:
            if name not in index or not dataset.labelled(index[name]):
                raise InputError(f"{place}: there are no nuclei of an image {name!r}")
            return _fitting(dataset.instances(index[name]), image, place)

        return known
    if not place.is_dir():
        raise InputError(f"{place}: a data set or a folder of label images is wanted as --nuclei")

    def read(name: str, image: Image) -> Instances:
        for ending in _ENDINGS:
            path = place / f"{name}{ending}"
            if path.is_file():
                return _fitting(read_instances(path, shape=image.shape), image, path)
        raise InputError(f"{place}: there is neither {name}_masks.tif nor {name}.tif")

    return read


def _fitting(cells: Instances, image: Image, path: Path) -> Instances:
    if cells.shape != image.shape:
        raise InputError(f"{path}: the nuclei are {cells.shape}, the image is {image.shape}")
    if not len(cells):
        raise InputError(f"{path}: there is no nucleus in it")
    return cells


def check_something_there(plane: np.ndarray, name: str) -> None:
    """Refuse a plane that shows nothing but noise: a threshold would make cells of it.

    The brightest 200 pixels of the smoothed plane must stand out from its background, a surface
    of second order, by eight standard deviations of what noise would leave there.

    Raises
    ------
    InputError
        If they do not.
    """
    plane = np.asarray(plane, np.float32)
    soft = ndimage.gaussian_filter(plane, _SMOOTH)
    lifted = soft - _slow(soft)
    step = np.diff(plane, axis=1).ravel()[::3] if plane.shape[1] > 1 else np.zeros(1)
    noise = 1.4826 * float(np.median(np.abs(step - np.median(step)))) / np.sqrt(2)
    left = max(noise / (2 * np.sqrt(np.pi) * _SMOOTH), 1e-3 * float(np.ptp(plane)), 1e-9)
    count = max(1, min(200, plane.size // 500))
    top = float(np.partition(lifted.ravel(), plane.size - count)[plane.size - count])
    if float(np.ptp(plane)) == 0 or (top - float(np.median(lifted))) / left < _CONTRAST:
        raise InputError(
            f"channel {name} shows no nuclei: its brightest places do not stand out from the noise"
        )


def _slow(plane: np.ndarray) -> np.ndarray:
    """The surface of second order through a plane, float32."""
    rows = np.linspace(-1, 1, plane.shape[0], dtype=np.float32)[:, None]
    cols = np.linspace(-1, 1, plane.shape[1], dtype=np.float32)[None, :]
    one, few = (
        np.ones((1, 1), np.float32),
        [slice(None, None, max(1, n // 128)) for n in plane.shape],
    )
    terms = ((one, one), (rows, one), (one, cols), (rows**2, one), (one, cols**2), (rows, cols))
    some = plane[few[0], few[1]]
    down, across = rows[few[0]], cols[:, few[1]]
    sampled = ((one, one), (down, one), (one, across), (down**2, one), (one, across**2),
               (down, across))  # fmt: skip
    design = np.stack([np.broadcast_to(a * b, some.shape).ravel() for a, b in sampled], axis=1)
    weights = np.linalg.lstsq(design, some.ravel(), rcond=None)[0]
    found = np.zeros_like(plane)
    for weight, (a, b) in zip(weights.tolist(), terms, strict=True):
        found += np.float32(weight) * a * b
    return found


def _channel_name(image: Image) -> str:
    return image.channels[0] if image.channels else "of the nuclei"
