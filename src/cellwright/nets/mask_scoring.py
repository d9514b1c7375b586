"""Mask scoring: how good a drawn mask is.

Paper: Huang et al. 2019, "Mask Scoring R-CNN", arXiv 1903.00241; CenterMask2's models have it
(2 convolutions of 128 channels in the lite form, 4 of 256 otherwise), the loss of P3 (Eq. 1)
does not.
Licence: our own code (BSD-3-Clause), written from the paper.
Deviations: none known.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class MaskScoring(nn.Module):
    """Predicts the IoU of a mask with its cell, for each class.

    Parameters
    ----------
    inputs
        Channels of the features that the mask was drawn from, 14 x 14.
    classes
        Without background.
    channels, convs
        Of the 3 x 3 convolutions, the last of which has stride 2.
    hidden
        Width of the two fully connected layers.
    """

    def __init__(
        self, inputs: int, classes: int, *, channels: int, convs: int, hidden: int = 1024
    ) -> None:
        super().__init__()
        self.convs = nn.Sequential()
        for i in range(convs):
            stride = 2 if i + 1 == convs else 1
            came = inputs + 1 if i == 0 else channels
            self.convs.append(nn.Conv2d(came, channels, 3, stride=stride, padding=1))
            self.convs.append(nn.ReLU(inplace=True))
        self.first = nn.Linear(channels * 7 * 7, hidden)
        self.second = nn.Linear(hidden, hidden)
        self.score = nn.Linear(hidden, classes)
        for layer in (*self.convs, self.first, self.second):
            if not isinstance(layer, nn.ReLU):
                nn.init.kaiming_normal_(layer.weight, mode="fan_out", nonlinearity="relu")
                nn.init.zeros_(layer.bias)
        nn.init.normal_(self.score.weight, std=0.01)
        nn.init.zeros_(self.score.bias)

    def forward(self, features: Tensor, masks: Tensor, labels: Tensor) -> Tensor:
        """(box,) float32 predicted IoU of each mask.

        Parameters
        ----------
        features
            (box, inputs, 14, 14).
        masks
            (box, 28, 28) probabilities.
        labels
            (box,) class of each mask.
        """
        small = nn.functional.max_pool2d(masks[:, None], 2).to(features)
        x = self.convs(torch.cat([features, small], dim=1)).flatten(1)
        x = torch.relu(self.second(torch.relu(self.first(x))))
        scores = self.score(x).float()
        return scores[torch.arange(len(labels), device=labels.device), labels]


def score_targets(masks: Tensor, truth: Tensor, area: Tensor) -> Tensor:
    """(box,) IoU of drawn masks with whole cells, also where the box cuts its cell.

    Parameters
    ----------
    masks
        (box, row, column) probabilities; a pixel is drawn from 0.5 on.
    truth
        (box, row, column) in [0, 1], the cell's mask in the same box.
    area
        (box,) area of the whole cell in units of the box's area.
    """
    drawn = masks >= 0.5
    bins = masks.shape[-2] * masks.shape[-1]
    shared = (truth * drawn).sum(dim=(1, 2))
    whole = torch.maximum(area * bins, truth.sum(dim=(1, 2)))
    return shared / (drawn.sum(dim=(1, 2)) + whole - shared).clamp(min=1)
