"""Mask targets and mask loss of the detectors, from crops instead of dense frames.

Mask R-CNN (He et al. 2017, arXiv 1703.06870, section 3): the target of a proposal is its cell's
mask, resampled by RoIAlign to the grid of the mask head; the loss is the mean binary
cross-entropy of the true class's mask. Our own code (BSD-3-Clause), written from the paper.

Deviation: torchvision keeps one dense mask of the whole frame for each cell and samples it half
a pixel off (``aligned=False``), which a large object does not feel and a cell of ten pixels
does. Here the masks are crops, and sampling is exact unless told otherwise.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.ops import roi_align


def corners(boxes: Tensor) -> Tensor:
    """(cell, 4) boxes as (x0, y0, x1, y1) from (row0, col0, row1, col1), or back."""
    return boxes[:, [1, 0, 3, 2]]


def mask_targets(
    crops: Tensor,
    boxes: Tensor,
    proposals: Tensor,
    matched: Tensor,
    *,
    size: int,
    frame: tuple[int, int],
    aligned: bool = True,
) -> Tensor:
    """What the mask head should draw in each proposal.

    Parameters
    ----------
    crops
        (cell, row, column) bool; each mask lies in the upper left of its entry.
    boxes
        (cell, 4) where the crops lie: (row0, col0, row1, col1) in pixels of the frame.
    proposals
        (proposal, 4) as (x0, y0, x1, y1), inside the frame.
    matched
        (proposal,) int64, the cell of each.
    size
        Rows and columns of the target.
    frame
        Rows and columns of the frame: a mask that ends at its last row or column is
        continued beyond it, as the interpolation of a dense frame does.
    aligned
        True samples at true coordinates, False half a pixel off as torchvision does.

    Returns
    -------
    (proposal, size, size) float32 in [0, 1].
    """
    if not len(proposals):
        return proposals.new_zeros((0, size, size))
    padded = F.pad(crops.to(proposals), (1, 1, 1, 1))
    ends = boxes.round().long()
    for axis in (0, 1):
        at_edge = torch.nonzero(ends[:, 2 + axis] >= frame[axis])[:, 0]
        last = (ends[:, 2 + axis] - ends[:, axis])[at_edge]
        if axis == 0:
            padded[at_edge, last + 1] = padded[at_edge, last]
        else:
            padded[at_edge, :, last + 1] = padded[at_edge, :, last]
    if aligned:
        for axis in (0, 1):
            at_start = torch.nonzero(ends[:, axis] <= 0)[:, 0]
            if axis == 0:
                padded[at_start, 0] = padded[at_start, 1]
            else:
                padded[at_start, :, 0] = padded[at_start, :, 1]
    origin = corners(boxes)[:, :2].to(proposals)[matched] - 1
    shifted = proposals - origin.repeat(1, 2)
    rois = torch.cat([matched[:, None].to(shifted), shifted], dim=1)
    return roi_align(padded[:, None], rois, (size, size), 1.0, aligned=aligned)[:, 0]


def mask_loss(logits: Tensor, labels: Tensor, targets: Tensor) -> Tensor:
    """Mean binary cross-entropy of the masks of the true classes.

    Parameters
    ----------
    logits
        (proposal, class, row, column); one class channel serves all labels.
    labels
        (proposal,) int64, the channel of each.
    targets
        (proposal, row, column) in [0, 1].

    Returns
    -------
    A scalar; zero, with zero gradients, where there is no proposal.
    """
    if not len(logits):
        return logits.float().sum() * 0
    channel = labels if logits.shape[1] > 1 else torch.zeros_like(labels)
    own = logits[torch.arange(len(labels), device=labels.device), channel]
    return F.binary_cross_entropy_with_logits(own.float(), targets.float())
