"""The parts of a network that draws cells by instance activation maps.

Paper: Prytula 2023 (P4) 4.5.2 and 5.7.3, after Cheng et al. 2022, "SparseInst", arXiv 2203.12827.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: what the thesis leaves out (coordinates, the bias before training, the layer between
features and heads) is as in the public originals hustvl/SparseInst (MIT) and
SlavkoPrytula/IAUNet. Two things differ from both, because without them a training from scratch
takes ten times as long: batch normalisation in the branches, and weights of the activation maps
that start ten times as large, so that the queries differ from the first step on.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

#: share of queries taken for cells, and of pixels taken for active, before training
PRIOR = 0.01
#: standard deviation of the first weights of the activation maps (SparseInst: 0.01)
SPREAD = 0.1
ACTIVATIONS = ("sigmoid", "softmax")


class Branch(nn.Sequential):
    """Four 3 x 3 convolutions with ReLU (P4 4.5.2), of the same resolution.

    Parameters
    ----------
    inputs, outputs
        Channels in and out; `outputs` also between the convolutions.
    depth
        Number of convolutions.
    normalise
        Whether each convolution is followed by batch normalisation.
    """

    def __init__(
        self, inputs: int, outputs: int, *, depth: int = 4, normalise: bool = True
    ) -> None:
        layers: list[nn.Module] = []
        for channels in (inputs, *[outputs] * (depth - 1)):
            conv = nn.Conv2d(channels, outputs, 3, padding=1, bias=not normalise)
            nn.init.kaiming_normal_(conv.weight, mode="fan_out", nonlinearity="relu")
            if conv.bias is not None:
                nn.init.zeros_(conv.bias)
            layers += [conv, nn.BatchNorm2d(outputs)] if normalise else [conv]
            layers.append(nn.ReLU(inplace=True))
        super().__init__(*layers)


class ActivationMaps(nn.Module):
    """N activation maps, the features that each gathers, and what is read from them.

    Parameters
    ----------
    inputs
        Channels of the instance features.
    queries
        Number of maps N.
    features
        Length of the vector of an object (P4: 256).
    kernel
        Length of its mask kernel.
    classes
        Number of classes.
    objectness
        Whether the IoU of the mask is estimated too (P4 5.7.3).
    activation
        "sigmoid", each map divided by its sum (P4 4.5.2), or "softmax" over the frame, as in
        the public code's later versions.
    """

    def __init__(
        self,
        inputs: int,
        *,
        queries: int,
        features: int,
        kernel: int,
        classes: int,
        objectness: bool = False,
        activation: str = "sigmoid",
    ) -> None:
        super().__init__()
        if activation not in ACTIVATIONS:
            raise ValueError(f"activation {activation!r} came: one of {ACTIVATIONS} is wanted")
        self.activation = activation
        self.maps = nn.Conv2d(inputs, queries, 3, padding=1)
        self.features = nn.Linear(inputs, features)
        self.kernel = nn.Linear(features, kernel)
        self.classes = nn.Linear(features, classes)
        self.objectness = nn.Linear(features, 1) if objectness else None
        for layer, spread in ((self.maps, SPREAD), (self.classes, 0.01)):
            nn.init.normal_(layer.weight, std=spread)
            nn.init.constant_(layer.bias, math.log(PRIOR / (1 - PRIOR)))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From instance features (image, inputs, row, column).

        Returns
        -------
        ``kernels`` (image, query, kernel), ``classes`` (image, query, class) logits, ``scores``
        (image, query, class) in [0, 1] and, if asked for, ``objectness`` (image, query) logits.
        With objectness the score is the geometric mean of both, as in SparseInst.
        """
        vectors = torch.relu(self.features(self.gather(x)))
        found = {"kernels": self.kernel(vectors), "classes": self.classes(vectors)}
        scores = found["classes"].float().sigmoid()
        if self.objectness is not None:
            found["objectness"] = self.objectness(vectors)[..., 0]
            scores = (scores * found["objectness"].float().sigmoid()[..., None]).sqrt()
        return {**found, "scores": scores}

    def gather(self, x: Tensor) -> Tensor:
        """Means of the features under each activation map (P4 Eq. 4.9), float32."""
        maps = self.maps(x).flatten(2).float()
        with torch.autocast(x.device.type, enabled=False):
            if self.activation == "softmax":
                weights = maps.softmax(dim=2)
            else:
                active = maps.sigmoid()
                weights = active / active.sum(dim=2, keepdim=True).clamp(min=1e-6)
            return weights @ x.float().flatten(2).transpose(1, 2)


def with_coordinates(x: Tensor) -> Tensor:
    """`x` (image, channel, row, column) behind two channels: row and column, from -1 to 1."""
    rows, cols = (
        torch.linspace(-1, 1, n, device=x.device, dtype=x.dtype) if n > 1 else x.new_zeros(1)
        for n in x.shape[-2:]
    )
    grid = torch.stack(torch.meshgrid(rows, cols, indexing="ij"))
    return torch.cat([grid.expand(len(x), -1, -1, -1), x], dim=1)
