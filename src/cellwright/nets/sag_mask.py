"""SAG-mask: a mask in each box, drawn under spatial attention, and where its features come from.

Paper: Lee and Park 2020, "CenterMask", arXiv 1911.06667, 3.1 and 3.2; the attention follows Woo
et al. 2018, arXiv 1807.06521.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: RoIAlign takes 2 x 2 samples per bin instead of a number that grows with the box.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torchvision.ops import roi_align

#: rows and columns that the mask branch sees and draws
SEES, DRAWS = 14, 28


class SpatialAttention(nn.Module):
    """Weights each place by what its channels' mean and maximum say (Eq. 3)."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = nn.Conv2d(2, 1, 3, padding=1, bias=False)
        nn.init.kaiming_normal_(self.conv.weight, mode="fan_out", nonlinearity="relu")

    def forward(self, x: Tensor) -> Tensor:
        """Same shape as the input."""
        both = torch.cat([x.mean(dim=1, keepdim=True), x.amax(dim=1, keepdim=True)], dim=1)
        return x * self.conv(both).sigmoid()


class MaskBranch(nn.Sequential):
    """SAG-mask: convolutions, spatial attention, a mask per class (Fig. 2).

    (box, inputs, 14, 14) to logits (box, classes, 28, 28).
    """

    def __init__(self, inputs: int, classes: int, *, channels: int, convs: int) -> None:
        super().__init__()
        self.convs = nn.Sequential()
        for i in range(convs):
            self.convs.append(nn.Conv2d(inputs if i == 0 else channels, channels, 3, padding=1))
            self.convs.append(nn.ReLU(inplace=True))
        self.attention = SpatialAttention()
        self.deconv = nn.ConvTranspose2d(channels, channels, 2, stride=2)
        self.relu = nn.ReLU(inplace=True)
        self.predictor = nn.Conv2d(channels, classes, 1)
        for layer in (*self.convs, self.deconv):
            if not isinstance(layer, nn.ReLU):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.predictor.weight, std=0.001)
        nn.init.zeros_(self.predictor.bias)


def adaptive_levels(boxes: Tensor, area: float, *, first: int, last: int) -> Tensor:
    """(box,) level whose features a box's mask is drawn from (Eq. 2).

    The level is ``ceil(last - log2(area / area of the box))``, kept between first and last:
    relative to the image, not to a size of 224 pixels as in a Feature Pyramid Network.

    Examples
    --------
    >>> boxes = torch.tensor([[0.0, 0, 100, 100], [0, 0, 70, 70], [0, 0, 10, 10]])
    >>> adaptive_levels(boxes, 100.0 * 100.0, first=3, last=5).tolist()
    [5, 4, 3]
    """
    own = (boxes[:, 2:] - boxes[:, :2]).prod(dim=1).clamp(min=1e-6)
    level = torch.ceil(last - torch.log2(area / own))
    return level.clamp(min=first, max=last).long()


def pooled_features(
    levels: Sequence[Tensor],
    boxes: Sequence[tuple[int, Tensor]],
    *,
    area: float,
    first: int,
    last: int,
) -> Tensor:
    """(box, channels, 14, 14) features of boxes, each from the level of `adaptive_levels`.

    Parameters
    ----------
    levels
        Of the pyramid, `first` to `last`; what comes after is not looked at.
    boxes
        Numbers of images and their boxes, (box, 4) as x0, y0, x1, y1.
    area
        Rows times columns of the images.
    """
    rois = torch.cat([torch.cat([b.new_full((len(b), 1), n), b], dim=1) for n, b in boxes])
    chosen = adaptive_levels(rois[:, 1:], area, first=first, last=last)
    pooled = rois.new_zeros((len(rois), levels[0].shape[1], SEES, SEES))
    for level in range(first, last + 1):
        these = torch.nonzero(chosen == level)[:, 0]
        features = levels[level - first].float()
        part = roi_align(features, rois[these], (SEES, SEES), 0.5**level, 2, aligned=True)
        pooled = pooled.index_copy(0, these, part)
    return pooled


def of_class(masks: Tensor, labels: Tensor) -> Tensor:
    """(box, row, column): of each box the mask of its class."""
    return masks[torch.arange(len(labels), device=labels.device), labels]
