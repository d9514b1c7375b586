"""SparseSEU-Net: a fixed number of masks, one per cell, without boxes.

Paper: Prytula 2023 (P4) 4.5 and Figs 4.11-4.13 (single and multi-level), 5.7.1 and Fig. 5.9
(overlap-aware), 5.7.3 (objectness); after Cheng et al. 2022, "SparseInst", arXiv 2203.12827.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: encoder and decoders are those of our SEU-Net (`cellwright.nets.se_unet`); the
thesis gives no widths (its public code: 64 at all levels, with pyramid pooling in the skip
connections, which the thesis does not mention). Masks can be drawn at a stride, where the
thesis has full resolution: the decoder then ends there. Coordinates stand before each branch,
as in SparseInst (the public code of the thesis has them before each step of its decoder).
Upsampling is by nearest neighbour. More in `cellwright.nets.instance_branches`.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from cellwright.nets.blocks import upsample
from cellwright.nets.instance_branches import (
    ActivationMaps,
    Branch,
    with_coordinates,
    with_discs,
)
from cellwright.nets.se_unet import Decoder, Encoder, squeeze_excitation


class SparseUNet(nn.Module):
    """Encoder, decoder, instance and mask branches, activation maps.

    Parameters
    ----------
    inputs
        Input channels (or planes).
    classes
        Number of classes.
    widths
        Channels of each level of the U-Net, from full resolution down; two or more.
    queries
        Number of masks N (P4: 100).
    branch
        Channels of the branches' convolutions, and length of the mask kernels (P4: 256).
    features
        Length of an object's vector (P4: 256).
    mask_stride
        Pixels of the image per pixel of a mask: 1 (P4), 2, 4 ... down to the deepest level, where
        nothing is left of the decoder.
    multi_level
        Whether there are branches at each level of the decoder, each fed with what the ones
        below it gave (P4 4.5.4), or at the last level only (4.5.2).
    overlap
        Whether a second decoder learns the overlaps; the branches see the features of both
        (P4 5.7.1).
    objectness
        Whether the IoU of each mask is estimated and counts in its score (P4 5.7.3).
    activation
        "sigmoid" or "softmax", as of `ActivationMaps`.
    normalise
        Whether the branches have batch normalisation.
    placed
        Whether each query starts from a place of its own in the window, and masks from discs,
        as of `ActivationMaps`; without, only the coordinates before the branches tell places.
    reduction
        That of the squeeze-and-excitation.

    Raises
    ------
    ValueError
        If `mask_stride` is none of the decoder's levels.
    """

    def __init__(
        self,
        inputs: int,
        *,
        classes: int = 1,
        widths: Sequence[int] = (64, 128, 256, 512, 1024),
        queries: int = 100,
        branch: int = 256,
        features: int = 256,
        mask_stride: int = 1,
        multi_level: bool = False,
        overlap: bool = False,
        objectness: bool = False,
        activation: str = "sigmoid",
        normalise: bool = True,
        placed: bool = True,
        reduction: int = 16,
    ) -> None:
        super().__init__()
        strides = [2**k for k in range(len(widths))]
        if mask_stride not in strides:
            raise ValueError(f"mask_stride {mask_stride} came: one of {strides} is wanted")
        attention = squeeze_excitation(reduction)
        self.encoder = Encoder(inputs, widths=widths, attention=attention)
        self.stride = self.encoder.stride
        self.left_out = strides.index(mask_stride)
        inner = list(widths)[self.left_out :]
        self.decoder = Decoder(widths=inner, attention=attention)
        self.overlap_decoder = Decoder(widths=inner, attention=attention) if overlap else None
        self.overlap_head = nn.Conv2d(inner[0], 1, 1) if overlap else None
        levels = inner[-2::-1] if multi_level and len(inner) > 1 else inner[:1]
        channels = [
            2 + width * (2 if overlap else 1) + (branch if k else 0)
            for k, width in enumerate(levels)
        ]
        self.instance_branches, self.mask_branches = (
            nn.ModuleList(Branch(c, branch, normalise=normalise) for c in channels)
            for _ in range(2)
        )
        self.placed = placed
        length = branch + (3 if placed else 0)
        self.activation_maps = ActivationMaps(
            length,
            queries=queries,
            features=features,
            kernel=length,
            classes=classes,
            objectness=objectness,
            activation=activation,
            placed=placed,
        )

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        """From (image, inputs, row, column), both multiples of `stride`.

        Returns
        -------
        ``masks``
            (image, query, row / mask_stride, column / mask_stride) logits.
        ``classes``, ``scores``, ``objectness``
            As of `ActivationMaps`.
        ``overlap``
            (image, 1, row / mask_stride, column / mask_stride) logits, if asked for.
        """
        skips = self.encoder(x)[self.left_out :]
        levels = self.decoder(skips)
        found: dict[str, Tensor] = {}
        if self.overlap_decoder is not None and self.overlap_head is not None:
            shared = self.overlap_decoder(skips)
            found["overlap"] = self.overlap_head(shared[-1])
            levels = [torch.cat(pair, dim=1) for pair in zip(levels, shared, strict=True)]
        levels = [with_coordinates(level) for level in levels[-len(self.mask_branches) :]]
        instances = _climb(levels, self.instance_branches)
        masks = _climb(levels, self.mask_branches)
        if self.placed:
            instances, masks = with_discs(instances), with_discs(masks)
        found |= self.activation_maps(instances)
        kernels, offsets = found.pop("kernels"), found.pop("offsets")
        with torch.autocast(x.device.type, enabled=False):
            drawn = torch.einsum("iqk,ikrc->iqrc", kernels, masks.float())
            found["masks"] = drawn + offsets[..., None, None]
        return found


def _climb(levels: Sequence[Tensor], branches: nn.ModuleList) -> Tensor:
    """Features of the last level: each branch sees its level and what the one below gave."""
    x = branches[0](levels[0])
    for level, branch in zip(levels[1:], branches[1:], strict=True):
        x = branch(torch.cat([level, upsample(x)], dim=1))
    return x
