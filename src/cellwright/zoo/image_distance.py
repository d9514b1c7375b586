"""FID: how far one set of images is from another, by the features of their crops."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

import numpy as np
import torch

from cellwright.evaluate.frechet import frechet
from cellwright.types import Image, InputError
from cellwright.zoo.feature_networks import FeatureNetwork, feature_network

#: rows and columns of a crop: small, so that a few frames give many
CROP = 64
TOGETHER = 64


def fid(
    first: Iterable[Image],
    second: Iterable[Image],
    *,
    features: str = "cells",
    crop: int = CROP,
) -> dict[str, Any]:
    """Fréchet distance of the features of two sets of images.

    Every plane of every image is cut into crops side by side; each crop is one sample. Intensities
    are seen relative to those of the first set (1 and 99.8 percentiles of each plane of it), so
    that another brightness or contrast counts.

    FID is biased: of few crops it is too large, by more the fewer they are. Compare figures of
    equal numbers of crops, the same crop size and the same features only, and give thousands of
    crops where you can; two halves of the first set show what the numbers alone make.

    Parameters
    ----------
    first, second
        Images with equal numbers of planes, for example original and extended ones. They are read
        one after the other.
    features
        A name of `cellwright.zoo.feature_networks.FEATURE_NETWORKS`.
    crop
        Rows and columns of a crop; what is left at the right and at the bottom is not looked at.

    Returns
    -------
    dict
        ``fid``, ``features`` (the name of the network), ``crop``, ``crops`` (of both sets).

    Raises
    ------
    InputError
        Fewer than two crops of a set, other planes, or unknown features.

    Examples
    --------
    >>> rng = np.random.default_rng(0)
    >>> noise = [Image(rng.normal(size=(128, 128))) for _ in range(2)]
    >>> found = fid(noise, noise)
    >>> round(found["fid"], 6), found["features"], found["crops"]
    (0.0, 'cells', (8, 8))
    """
    network = feature_network(features)
    kept = list(first)
    bounds = plane_bounds(kept)
    one, other = (crop_features(s, network, bounds=bounds, crop=crop) for s in (kept, second))
    return {
        "fid": frechet(one, other),
        "features": network.name,
        "crop": crop,
        "crops": (len(one), len(other)),
    }


def plane_bounds(images: Iterable[Image]) -> np.ndarray:
    """(plane, 2) float32: the median over images of the 1 and 99.8 percentiles of each plane."""
    ends = [np.percentile(_thin(image), [1.0, 99.8], axis=1).T for image in images]
    if not ends:
        raise InputError("no images came: a set of images is wanted")
    _same_planes({len(e) for e in ends})
    return np.median(ends, axis=0).astype(np.float32)


def crop_features(
    images: Iterable[Image], network: FeatureNetwork, *, bounds: np.ndarray, crop: int = CROP
) -> np.ndarray:
    """Features of all crops of all planes, (crop, feature) float64.

    Parameters
    ----------
    images
        With as many planes as `bounds` has.
    network
        From `feature_network`.
    bounds
        (plane, 2), from `plane_bounds`.
    crop
        As of `fid`.
    """
    if crop < 32:
        raise InputError(f"crops of {crop} pixels came: 32 at least are wanted for features")
    found: list[np.ndarray] = []
    batch: list[np.ndarray] = []
    for image in images:
        for part in _crops(image, bounds, crop):
            batch.append(part)
            if len(batch) == TOGETHER:
                found.append(_extracted(batch, network))
                batch = []
    if batch:
        found.append(_extracted(batch, network))
    return np.concatenate(found) if found else np.zeros((0, network.size))


@torch.inference_mode()
def _extracted(batch: list[np.ndarray], network: FeatureNetwork) -> np.ndarray:
    crops = torch.from_numpy(np.stack(batch)[:, None])
    return network.extract(crops).double().numpy()


def _crops(image: Image, bounds: np.ndarray, crop: int) -> Iterator[np.ndarray]:
    planes = image.stack()
    _same_planes({len(planes), len(bounds)})
    low, high = (bounds[:, k, None, None] for k in (0, 1))
    planes = (planes.astype(np.float32) - low) / np.maximum(high - low, 1e-6)
    rows, columns = image.shape
    for plane in planes:
        for r in range(0, rows - crop + 1, crop):
            for c in range(0, columns - crop + 1, crop):
                yield plane[r : r + crop, c : c + crop]


def _thin(image: Image) -> np.ndarray:
    """Some pixels of each plane, (plane, pixel)."""
    planes = image.stack()
    step = max(1, int(np.sqrt(planes[0].size / 2**18)))
    return planes[:, ::step, ::step].reshape(len(planes), -1)


def _same_planes(counts: set[int]) -> None:
    if len(counts) > 1:
        raise InputError(
            f"images of {' and '.join(map(str, sorted(counts)))} planes came: equal numbers "
            "of planes are wanted; choose channels with cellwright.zoo.channels.chosen"
        )
