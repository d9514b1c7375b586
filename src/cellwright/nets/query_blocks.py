"""What queries of masks are refined by: transformer blocks and positions as waves.

Paper: Cheng et al. 2022, "Masked-attention Mask Transformer" (Mask2Former), arXiv 2112.01527
(cross attention before self attention, 3.2); positions by Carion et al. 2020 (DETR),
arXiv 2005.12872. Prytula et al. 2025 (IAUNet), arXiv 2508.01928, uses the block unmasked.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: what a block adds is 0 before training, so that nine blocks in a row do not blur the
queries with each other;
positions are measured in pixels of the input and not in shares of the frame, so that
they mean the same in a crop and in a tile of another size.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import scaled_dot_product_attention

#: shortest and longest wave of a position, in pixels
WAVES = (16.0, 2048.0)


class Attention(nn.Module):
    """Multi-head attention with layer normalisation of the sum after it.

    Parameters
    ----------
    dim
        Length of a query; a multiple of `heads`.
    heads
        Number of heads.
    dropout
        Share of the result that is left out in training.
    """

    def __init__(self, dim: int, *, heads: int, dropout: float) -> None:
        super().__init__()
        if dim % heads:
            raise ValueError(f"dim {dim} came: a multiple of the {heads} heads is wanted")
        self.heads = heads
        self.to_query = nn.Linear(dim, dim)
        self.to_key = nn.Linear(dim, dim)
        self.to_value = nn.Linear(dim, dim)
        self.out = nn.Linear(dim, dim)
        self.dropout = nn.Dropout(dropout)
        self.norm = nn.LayerNorm(dim)
        for layer in (self.to_query, self.to_key, self.to_value):
            nn.init.xavier_uniform_(layer.weight)
        nothing_at_first(self.out)

    def forward(
        self, x: Tensor, query: Tensor, key: Tensor, value: Tensor, allowed: Tensor | None = None
    ) -> Tensor:
        """`x` with what it attends to.

        Parameters
        ----------
        x, query
            (image, query, dim); `query` is `x` with its position.
        key, value
            (image, token, dim).
        allowed
            (image, query, token) bool, or None for all.
        """
        parts = [
            layer(part).unflatten(2, (self.heads, -1)).transpose(1, 2)
            for layer, part in (
                (self.to_query, query),
                (self.to_key, key),
                (self.to_value, value),
            )
        ]
        mask = None if allowed is None else allowed[:, None]
        found = scaled_dot_product_attention(*parts, attn_mask=mask).transpose(1, 2).flatten(2)
        return self.norm(x + self.dropout(self.out(found)))


class QueryBlock(nn.Module):
    """Cross attention to a level, self attention among the queries, feed forward.

    Parameters
    ----------
    dim, heads, dropout
        As of `Attention`.
    hidden
        Width of the feed-forward layer.
    """

    def __init__(self, dim: int, *, heads: int, hidden: int, dropout: float = 0.0) -> None:
        super().__init__()
        self.cross = Attention(dim, heads=heads, dropout=dropout)
        self.own = Attention(dim, heads=heads, dropout=dropout)
        self.feed = nn.Sequential(
            nn.Linear(dim, hidden), nn.ReLU(inplace=True), nn.Dropout(dropout),
            nn.Linear(hidden, dim), nn.Dropout(dropout),
        )  # fmt: skip
        nothing_at_first(self.feed[3])
        self.norm = nn.LayerNorm(dim)

    def forward(
        self,
        x: Tensor,
        place: Tensor,
        tokens: Tensor,
        keys: Tensor,
        allowed: Tensor | None = None,
    ) -> Tensor:
        """Queries `x` (image, query, dim) at `place`, refined by `tokens` (image, token, dim).

        `keys` are the tokens with their positions; `allowed` as of `Attention`.
        """
        x = self.cross(x, x + place, keys, tokens, allowed)
        x = self.own(x, x + place, x + place, x)
        return self.norm(x + self.feed(x))


def nothing_at_first(layer: nn.Linear) -> None:
    """Let `layer` answer 0 before training: a block then leaves the queries as they came."""
    nn.init.zeros_(layer.weight)
    nn.init.zeros_(layer.bias)


def waves(points: Tensor, dim: int) -> Tensor:
    """Positions as sines and cosines of rising wavelength.

    Parameters
    ----------
    points
        (..., 2) rows and columns in pixels of the input.
    dim
        Length of the result, a multiple of 4.

    Returns
    -------
    Tensor
        (..., dim) float32.
    """
    count = dim // 4
    lengths = torch.logspace(
        math.log10(WAVES[0]), math.log10(WAVES[1]), count, device=points.device
    )
    angle = points.float()[..., None] * (2 * math.pi / lengths)
    return torch.cat([angle.sin(), angle.cos()], dim=-1).flatten(-2)


def grid(rows: int, cols: int, *, stride: int, like: Tensor) -> Tensor:
    """(row * column, 2) centres of the pixels of a level, in pixels of the input."""
    axes = [(torch.arange(n, device=like.device) + 0.5) * stride for n in (rows, cols)]
    return torch.stack(torch.meshgrid(*axes, indexing="ij"), dim=-1).flatten(0, 1)
