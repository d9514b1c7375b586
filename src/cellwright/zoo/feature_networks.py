"""Networks whose features say how like two sets of images are.

"cells"
    The encoder of the model `cells` that ships with the package: the mean over the crop of each
    channel of each of its levels, 328 features. It knows phase contrast, bright field and
    differential interference contrast, needs no download, and is the same everywhere.
"inception-v3"
    The 2048 pooled features of torchvision's Inception-v3 (ImageNet; Szegedy et al. 2016, arXiv
    1512.00567), which is what FID usually stands for and what P4 (5.6) names. Its file is not
    fetched by itself. Published figures are mostly of another port of the weights and cannot be
    compared to the digit.

Figures of different networks cannot be compared: their name is written beside each.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.fetch import RemoteFile, Weights
from cellwright.types import InputError
from cellwright.zoo.checkpoint import load_model
from cellwright.zoo.shipped import model_folder

INCEPTION = Weights(
    "inception-v3",
    "Inception-v3, ImageNet",
    (
        RemoteFile(
            "https://download.pytorch.org/models/inception_v3_google-0cc3c7bd.pth",
            "inception_v3_google-0cc3c7bd.pth",
        ),
    ),
    "BSD-3-Clause (torchvision)",
    "ImageNet",
    hub_id="timm/inception_v3.tv_in1k",
)


@dataclass(frozen=True, slots=True)
class FeatureNetwork:
    """Gives each crop a row of features.

    Parameters
    ----------
    name
        To be written beside every figure.
    size
        Features of a crop.
    extract
        From (crop, 1, row, column) in about [0, 1] to (crop, feature).
    """

    name: str
    size: int
    extract: Callable[[Tensor], Tensor]


def _cells() -> FeatureNetwork:
    net: Any = load_model(model_folder("cells"))[0].net.eval()
    widths = [net.stem[1].num_features, *(block[1][1].num_features for block in net.down)]

    def extract(crops: Tensor) -> Tensor:
        x = net.stem(net.fold(crops))
        means = [x.mean(dim=(2, 3))]
        for block in net.down:
            x = block(x)
            means.append(x.mean(dim=(2, 3)))
        return torch.cat(means, dim=1)

    return FeatureNetwork("cells", sum(widths), extract)


def _inception() -> FeatureNetwork:
    from torchvision.models import inception_v3

    path = INCEPTION.path
    if not INCEPTION.is_here:
        raise InputError(
            f"the weights of Inception-v3 are not here: fetch {INCEPTION.files[0].url} into "
            f"{path.parent}, or take the features of the shipped model: --features cells"
        )
    digits = path.stem.rsplit("-", 1)[1]
    if not hashlib.sha256(path.read_bytes()).hexdigest().startswith(digits):
        raise InputError(
            f"{path} does not have the hash its name states: it is damaged; fetch it again"
        )
    net = inception_v3(weights=None, transform_input=False, aux_logits=True, init_weights=False)
    net.load_state_dict(torch.load(path, map_location="cpu", weights_only=True))
    net.fc = nn.Identity()
    net.eval()

    def extract(crops: Tensor) -> Tensor:
        seen = nn.functional.interpolate(crops, (299, 299), mode="bilinear", antialias=True)
        seen = seen.clamp(0, 1).expand(-1, 3, -1, -1)
        # torchvision's weights are those of TensorFlow, which know intensities from -1 to 1.
        return net(2 * seen - 1)

    return FeatureNetwork("inception-v3", 2048, extract)


FEATURE_NETWORKS: dict[str, Callable[[], FeatureNetwork]] = {
    "cells": _cells,
    "inception-v3": _inception,
}


def feature_network(name: str) -> FeatureNetwork:
    """The feature network of that name, on the CPU.

    Raises
    ------
    InputError
        If there is none, or its weights are not here.
    """
    if name not in FEATURE_NETWORKS:
        raise InputError(f"there are no features {name!r}; known are {', '.join(FEATURE_NETWORKS)}")
    return FEATURE_NETWORKS[name]()
