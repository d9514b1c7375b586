"""Where the queries of a set prediction begin: learned ones, or the peaks of a map of centres.

Paper: learned queries with learned positions by Carion et al. 2020 (DETR), arXiv 2005.12872; the
map of centres and its peaks by Zhou et al. 2019, "Objects as points", arXiv 1904.07850; queries
taken from the features of chosen pixels as in He et al. 2023 (FastInst), arXiv 2303.08594.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: the map is that of centres of mass of the cells, at the finest level of the decoder.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import max_pool2d

from cellwright.nets.pixel_decoder import convolution
from cellwright.nets.query_blocks import grid, waves

STARTS = ("learned", "peaks")
#: share of pixels taken for a centre before training
PRIOR = 0.01
#: what a pixel beside a peak counts: less than peaks in the background, or a cell would be given
#: several queries that only its class can tell apart
BESIDE = 1e-3


class Learned(nn.Module):
    """N queries with their positions as weights, the same for every image.

    Parameters
    ----------
    dim
        Length of a query.
    queries
        N.
    placed
        Whether each has a place in the frame too; without it, all lie in its corner.
    """

    def __init__(self, dim: int, queries: int, *, placed: bool) -> None:
        super().__init__()
        self.content = nn.Parameter(torch.randn(queries, dim))
        self.place = nn.Parameter(torch.randn(queries, dim))
        if placed:
            self.points = nn.Parameter(torch.rand(queries, 2))
        else:
            self.register_buffer("points", torch.zeros(queries, 2), persistent=False)

    def forward(
        self, level: Tensor, stride: int, count: int
    ) -> tuple[Tensor, Tensor, Tensor, None, None]:
        """Queries, their positions as vectors and in pixels."""
        frame = self.points.new_tensor([n * stride for n in level.shape[-2:]])
        parts = (self.content, self.place, self.points * frame)
        content, place, points = (part.expand(len(level), -1, -1) for part in parts)
        return content, place, points, None, None


class Peaks(nn.Module):
    """Queries at the highest peaks of a map of cell centres, with the features found there."""

    def __init__(self, dim: int, classes: int, normalise: str) -> None:
        super().__init__()
        self.heat = nn.Sequential(
            convolution(dim, dim, normalise=normalise), nn.Conv2d(dim, classes, 1)
        )
        nn.init.normal_(self.heat[-1].weight, std=0.01)
        nn.init.constant_(self.heat[-1].bias, -math.log((1 - PRIOR) / PRIOR))
        self.content = nn.Sequential(nn.Linear(dim, dim), nn.LayerNorm(dim))

    def forward(
        self, level: Tensor, stride: int, count: int
    ) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor]:
        """Queries, their positions as vectors and in pixels, the map, and what it says of them.

        The last, (image, query, class) logits without gradient, is what the classes start from.
        """
        heat = self.heat(level)
        rows, cols = heat.shape[-2:]
        chance = heat.detach().float().sigmoid().amax(dim=1, keepdim=True)
        highest = chance == max_pool2d(chance, 3, stride=1, padding=1)
        peaks = torch.where(highest, chance, BESIDE * chance)
        index = peaks.flatten(1).topk(min(count, rows * cols), dim=1).indices
        tokens = level.flatten(2).transpose(1, 2)
        content = self.content(tokens.gather(1, index[..., None].expand(-1, -1, tokens.shape[2])))
        points = grid(rows, cols, stride=stride, like=level)[index]
        said = heat.detach().float().flatten(2).transpose(1, 2)
        said = said.gather(1, index[..., None].expand(-1, -1, heat.shape[1]))
        return content, waves(points, level.shape[1]).to(content.dtype), points, heat, said
