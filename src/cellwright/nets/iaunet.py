"""IAUNet: a U-Net whose decoder refines queries level by level, one mask each.

Paper: Prytula et al. 2025, "IAUNet: Instance-Aware U-Net", arXiv 2508.01928.
Licence: our own code (BSD-3-Clause), written from the paper; numbers that it leaves out are
those of the public original, SlavkoPrytula/IAUNet.
Deviations, each an option (`start`, `placed`, `masked`): queries may begin at the peaks of a
map of cell centres, with the features found there (the original learns N fixed ones); a mask
may fall off with the distance from its query's place; cross attention may be kept to the mask
of the level before (Mask2Former). All three are for learning from few images in minutes.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import adaptive_avg_pool2d, pad

from cellwright.nets.pixel_decoder import PixelDecoder
from cellwright.nets.query_blocks import QueryBlock, grid, waves
from cellwright.nets.query_starts import STARTS, Learned, Peaks

#: pixels that distances in masks are measured in, and the radius masks have before training
UNIT, RADIUS = 16.0, 10.0


class IAUNet(nn.Module):
    """Encoder, pixel decoder and queries.

    Parameters
    ----------
    encoder
        Has `widths` and `strides`; gives features, finest first.
    classes
        Number of classes, without "no object".
    queries
        Most cells that can be found in one image.
    dim
        Channels of the pixel decoder and length of a query.
    mask_stride
        Pixels of the input per pixel of a mask; one of the encoder's strides but the last.
    blocks
        Transformer blocks per level.
    heads, hidden, dropout
        Of the blocks; `hidden` is 4 dims where it is None.
    start, placed, masked
        See the head of the file.
    coordinates, normalise, light
        Of the pixel decoder.

    Attributes
    ----------
    stride
        Rows and columns must be multiples of it.
    """

    def __init__(
        self,
        encoder: nn.Module,
        *,
        classes: int = 1,
        queries: int = 100,
        dim: int = 256,
        mask_stride: int = 4,
        blocks: int = 3,
        heads: int = 8,
        hidden: int | None = None,
        dropout: float = 0.0,
        start: str = "peaks",
        placed: bool = True,
        masked: bool = False,
        coordinates: bool = True,
        normalise: str = "batch",
        light: bool = False,
    ) -> None:
        super().__init__()
        strides: tuple[int, ...] = encoder.strides
        if mask_stride not in strides[:-1]:
            raise ValueError(f"mask_stride {mask_stride} came: one of {strides[:-1]} is wanted")
        if start not in STARTS:
            raise ValueError(f"start {start!r} came: one of {', '.join(STARTS)} is wanted")
        if dim % 8 or queries < 1 or blocks < 1:
            raise ValueError(
                f"dim {dim}, {queries} queries and {blocks} blocks came: a multiple of 8, and at "
                "least one query and one block are wanted"
            )
        first = strides.index(mask_stride)
        self.encoder = encoder
        self.stride = strides[-1]
        self.first, self.queries, self.placed, self.masked = first, queries, placed, masked
        self.strides = strides[:first:-1]
        self.mask_stride = mask_stride
        self.decoder = PixelDecoder(
            encoder.widths[first:],
            dim=dim,
            coordinates=coordinates,
            normalise=normalise,
            light=light,
        )
        self.levels = nn.ModuleList(
            nn.ModuleList(
                QueryBlock(dim, heads=heads, hidden=hidden or 4 * dim, dropout=dropout)
                for _ in range(blocks)
            )
            for _ in self.strides
        )
        self.start = (
            Peaks(dim, classes, normalise)
            if start == "peaks"
            else Learned(dim, queries, placed=placed)
        )
        self.norm = nn.LayerNorm(dim)
        self.classes = nn.Linear(dim, classes + 1)
        self.kernel = nn.Linear(dim, dim + 1)
        self.place = nn.Linear(dim, 3) if placed else None
        for layer in (self.classes, self.kernel, *([self.place] if placed else [])):
            nn.init.normal_(layer.weight, std=0.01)
            nn.init.zeros_(layer.bias)

    def forward(self, x: Tensor) -> dict[str, Any]:
        """From (image, inputs, row, column).

        Returns
        -------
        ``scores`` (image, query, class) in [0, 1]; ``masks`` (image, query, row, column)
        logits; ``features`` (image, channel, row, column) and ``stages``, a list with
        ``classes`` (image, query, class + 1) logits, "no object" last, and ``kernels``
        (image, query, channel) after each level: a mask is kernel times features. With peaks,
        ``heat`` (image, class, row, column): logits of the centres, and the first stage is
        that of the queries before any level.
        """
        levels, features = self.decoder(self.encoder(x)[self.first :])
        found: dict[str, Any] = {"features": self._canvas(features)}
        queries, place, points, heat, said = self.start(levels[-1], self.strides[-1], self.queries)
        stages = []
        if heat is not None:
            found["heat"] = heat
            stages.append(self._answer(queries, points, said))
        for blocks, level, stride in zip(self.levels, levels, self.strides, strict=True):
            rows, cols = level.shape[-2:]
            tokens = level.flatten(2).transpose(1, 2)
            where = waves(grid(rows, cols, stride=stride, like=x), tokens.shape[2])
            keys = tokens + where.to(tokens.dtype)
            allowed = None
            if self.masked and stages:
                allowed = self._allowed(stages[-1]["kernels"], found["features"], (rows, cols))
            for block in blocks:
                queries = block(queries, place, tokens, keys, allowed)
            stages.append(self._answer(queries, points, said))
        found["stages"] = stages
        found["scores"] = stages[-1]["classes"].float().softmax(dim=2)[..., :-1]
        found["masks"] = drawn(stages[-1]["kernels"], found["features"])
        return found

    def _canvas(self, features: Tensor) -> Tensor:
        """Mask features in float32, with the channels that distances are made of."""
        rows, cols = features.shape[-2:]
        points = grid(rows, cols, stride=self.mask_stride, like=features) / UNIT
        more = [torch.ones_like(points[:, :1])]
        if self.placed:
            more += [points, points.square().sum(1, keepdim=True)]
        extra = torch.cat(more, dim=1).T.reshape(1, -1, rows, cols)
        return torch.cat([features.float(), extra.expand(len(features), -1, -1, -1)], dim=1)

    def _answer(
        self, queries: Tensor, points: Tensor, said: Tensor | None = None
    ) -> dict[str, Tensor]:
        """Classes and kernels of the queries, which lie at `points` in pixels.

        `said` are logits of the classes that are known before, from the map of centres.
        """
        normed = self.norm(queries)
        kernels = self.kernel(normed).float()
        if self.place is not None:
            place = self.place(normed).float()
            fall = 2 * (UNIT / RADIUS) ** 2 * place[..., :1].clamp(-5, 5).exp()
            at = points / UNIT + place[..., 1:]
            constant = kernels[..., -1:] + 2 - fall * at.square().sum(2, keepdim=True)
            kernels = torch.cat([kernels[..., :-1], constant, 2 * fall * at, -fall], dim=2)
        classes = self.classes(normed).float()
        if said is not None:
            classes = classes + pad(said, (0, 1))
        return {"classes": classes, "kernels": kernels}

    @torch.no_grad()
    def _allowed(self, kernels: Tensor, features: Tensor, shape: tuple[int, int]) -> Tensor:
        """(image, query, token): where a query may look; everywhere if its mask is empty."""
        inside = drawn(kernels, adaptive_avg_pool2d(features, shape)).flatten(2) > 0
        return inside | ~inside.any(dim=2, keepdim=True)


def drawn(kernels: Tensor, features: Tensor) -> Tensor:
    """Mask logits (..., query, row, column) of kernels (..., query, channel), in float32."""
    with torch.autocast(features.device.type, enabled=False):
        flat = kernels.float() @ features.float().flatten(-2)
    return flat.unflatten(-1, features.shape[-2:])
