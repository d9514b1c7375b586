"""The parts of a network that draws cells by instance activation maps.

Paper: Prytula 2023 (P4) 4.5.2 and 5.7.3, after Cheng et al. 2022, "SparseInst", arXiv 2203.12827.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: what the thesis leaves out (coordinates, the bias before training, the layer between
features and heads) is as in the public originals hustvl/SparseInst (MIT) and
SlavkoPrytula/IAUNet. Where ours differs from both, a training from scratch would take many times
as long without (figures in docs/networks/sparse_seunet.md): the branches have batch
normalisation; the weights of the activation maps start ten times as large, so that the queries
differ from the first step on; and with `placed` each query starts from a place of its own in the
window and draws a disc around what it looks at, from which it learns to differ (coordinates
relative to the object: Tian et al. 2020, "CondInst", arXiv 2003.05664).
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
#: radius (standard deviation) of a query's first activation map in half windows, for 40 queries
PLACE = 0.3
#: logarithm of the first sharpness of the discs in masks: a radius of about 0.13 half windows
SHARPNESS = 4.0
# Factor of the coordinates that draw discs, so that the weights of a small disc stay small.
_SCALE = 4.0
# Steps of an additive sequence that fills the unit square evenly (the plastic number's).
_EVEN = (0.7548776662466927, 0.5698402909980532)


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
    placed
        Whether the last three channels of the features, and of what the kernels are for, are
        those of `with_discs`; the activation map of each query then starts as a disc at a
        place of its own, and its mask as a disc around the middle of its activation map.
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
        placed: bool = False,
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
        self.sharpness = nn.Linear(features, 1) if placed else None
        if placed:
            self._place()

    @torch.no_grad()
    def _place(self) -> None:
        """Discs of logit 1 at their centre, spread evenly over the window whatever their number.

        The kernels start small, so that masks start as discs.
        """
        queries = self.maps.out_channels
        order = torch.arange(queries)[:, None] + 0.5
        centres = 2 * (order * torch.tensor(_EVEN) % 1) - 1
        sharp = 1 / (2 * PLACE**2 * 40 / queries)
        self.maps.weight[:, -3:] = 0
        self.maps.weight[:, -3:-1, 1, 1] = 2 * sharp * centres / _SCALE
        self.maps.weight[:, -1, 1, 1] = -sharp / _SCALE
        self.maps.bias.copy_(1 - sharp * centres.square().sum(1))
        self.kernel.weight *= 0.3
        self.kernel.weight[-3:] = 0
        self.kernel.bias[-3:] = 0
        assert self.sharpness is not None
        nn.init.zeros_(self.sharpness.weight)
        nn.init.constant_(self.sharpness.bias, SHARPNESS)

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From instance features (image, inputs, row, column).

        Returns
        -------
        ``kernels`` (image, query, kernel) and ``offsets`` (image, query), float32: the mask of a
        query is the kernel times the mask features, plus the offset. ``classes`` (image, query,
        class) logits, ``scores`` the same in [0, 1] and, if asked for, ``objectness`` (image,
        query) logits. With objectness the score is the geometric mean of both, as in SparseInst.
        """
        gathered = self.gather(x)
        vectors = torch.relu(self.features(gathered))
        kernels = self.kernel(vectors).float()
        offsets = kernels.new_zeros(kernels.shape[:2])
        if self.sharpness is not None:
            sharp = self.sharpness(vectors).float().clamp(-2, 8).exp()
            centres = gathered[..., -3:-1] / _SCALE
            disc = torch.cat([2 * sharp * centres, -sharp], dim=-1) / _SCALE
            kernels = torch.cat([kernels[..., :-3], kernels[..., -3:] + disc], dim=-1)
            offsets = 1 - sharp[..., 0] * centres.square().sum(dim=-1)
        found = {"kernels": kernels, "offsets": offsets, "classes": self.classes(vectors)}
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
    return torch.cat([_coordinates(x).expand(len(x), -1, -1, -1), x], dim=1)


def with_discs(x: Tensor) -> Tensor:
    """`x` before three channels: row, column, and the sum of their squares, times a constant.

    A weighted sum of the three falls off with the squared distance from any point: a disc.
    """
    grid = _coordinates(x)
    squares = grid.square().sum(dim=0, keepdim=True)
    discs = _SCALE * torch.cat([grid, squares])
    return torch.cat([x, discs.expand(len(x), -1, -1, -1)], dim=1)


def _coordinates(x: Tensor) -> Tensor:
    rows, cols = (
        torch.linspace(-1, 1, n, device=x.device, dtype=x.dtype) if n > 1 else x.new_zeros(1)
        for n in x.shape[-2:]
    )
    return torch.stack(torch.meshgrid(rows, cols, indexing="ij"))
