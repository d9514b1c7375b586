"""Several networks of one kind of output as one module.

Paper: Kim, Song, Zheng 2022 (P3) 3.2.1, one U-Net per class of images.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: P3 knows the class of every image; where it is unknown ours averages all members.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn


class Ensemble(nn.Module):
    """Networks that answer together by the mean of their probabilities.

    Parameters
    ----------
    members
        Each from (image, inputs, row, column) to logits, with `stride`; strides divide
        the largest of them.

    Attributes
    ----------
    stride
        The largest of the members'.
    """

    def __init__(self, members: Sequence[nn.Module]) -> None:
        super().__init__()
        self.members = nn.ModuleList(members)
        strides = [int(m.stride) for m in members]
        if not strides or any(max(strides) % s for s in strides):
            raise ValueError(f"strides {strides} came: all must divide the largest")
        self.stride = max(strides)

    def forward(self, x: Tensor) -> Tensor:
        """Logits whose sigmoid is the mean of the members' probabilities, float32."""
        total = torch.stack([m(x).float().sigmoid() for m in self.members]).mean(dim=0)
        return torch.logit(total, eps=1e-6)
