"""Images as rows of features, of their own pixels or of a network, in the range of a first set."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cellwright.plate.resize import resize_image
from cellwright.types import Image, InputError
from cellwright.zoo.feature_networks import FeatureNetwork
from cellwright.zoo.image_distance import crop_features

#: rows and columns that an image is brought to before its pixels are taken as features
SIDE = 32

Extract = Callable[[Image], np.ndarray]


def pixel_features(bounds: np.ndarray, side: int = SIDE) -> Extract:
    """What makes of an image the pixels of all its planes on `side` x `side` (P3, Figs 1 and 2).

    Parameters
    ----------
    bounds
        (plane, 2) intensities that become 0 and 1, from `image_distance.plane_bounds`.

    Returns
    -------
    callable
        From an image to (1, plane * side * side) float64.
    """

    def extract(image: Image) -> np.ndarray:
        if image.planes != len(bounds):
            raise InputError(
                f"images of {len(bounds)} and {image.planes} planes came: equal numbers of "
                "planes are wanted"
            )
        floating = Image(np.asarray(image.stack(), np.float32), "CYX")
        small = resize_image(floating, (side, side)).data
        low, high = (bounds[:, k, None, None] for k in (0, 1))
        scaled = (small - low) / np.maximum(high - low, 1e-6)
        return scaled.reshape(1, -1).astype(np.float64)

    return extract


def learned_features(network: FeatureNetwork, bounds: np.ndarray, crop: int) -> Extract:
    """What makes of an image the features of its crops, (crop, feature) float64."""

    def extract(image: Image) -> np.ndarray:
        found = crop_features([image], network, bounds=bounds, crop=crop)
        if not len(found):
            raise InputError(
                f"an image of {image.shape[0]} x {image.shape[1]} pixels has no crop of {crop}: "
                "take smaller crops"
            )
        return found

    return extract
