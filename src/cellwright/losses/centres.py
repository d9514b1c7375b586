"""A map of the cells' centres, and its loss.

Source: Zhou et al. 2019, "Objects as points", arXiv 1904.07850 (section 3, Eq. 1).
Deviations: a bump stands at a cell's centre of mass, not at that of its box, and is as wide as
the area says, not as the box.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import logsigmoid

#: width of the bump around a centre, in square roots of a cell's area
BUMP = 0.16


@torch.no_grad()
def centres(
    boxes: Tensor, crops: Tensor, kinds: Tensor, *, shape: tuple[int, ...], stride: int
) -> Tensor:
    """A map with a bump of height 1 at the centre of mass of each cell.

    Parameters
    ----------
    boxes, crops, kinds
        (cell, 4), (cell, rows, columns) and (cell,), as of the targets.
    shape
        Classes, rows and columns of the map.
    stride
        Pixels of the input per pixel of the map.

    Returns
    -------
    Tensor
        (class, row, column) float32 in [0, 1]; exactly 1 at the pixel of each centre.
    """
    out = torch.zeros(shape, device=boxes.device)
    masks = crops.float()
    area = masks.sum((1, 2))
    some = area > 0
    if not some.any():
        return out
    masks, area, kinds = masks[some], area[some], kinds[some]
    at = []
    for axis, size in ((2, shape[1]), (1, shape[2])):
        line = masks.sum(axis)
        middle = (line * torch.arange(line.shape[1], device=line.device)).sum(1) / area
        place = (middle + boxes[some][:, 2 - axis] + 0.5) / stride
        at.append(place.floor().long().clamp(0, size - 1))
    spread = (BUMP * area.sqrt() / stride).clamp(min=0.5)
    reach = int((3 * spread.max()).ceil())
    step = torch.arange(-reach, reach + 1, device=boxes.device)
    bumps = torch.exp(-(step[:, None] ** 2 + step**2) / (2 * spread[:, None, None] ** 2))
    rows = (at[0][:, None] + step)[:, :, None].expand_as(bumps)
    cols = (at[1][:, None] + step)[:, None, :].expand_as(bumps)
    inside = (rows >= 0) & (rows < shape[1]) & (cols >= 0) & (cols < shape[2])
    index = (kinds[:, None, None] * shape[1] + rows) * shape[2] + cols
    out.view(-1).scatter_reduce_(0, index[inside], bumps[inside], "amax")
    return out


def centre_loss(logits: Tensor, wanted: Tensor) -> Tensor:
    """Focal loss of a map of centres, per centre (Zhou et al. 2019, Eq. 1: powers 2 and 4).

    Parameters
    ----------
    logits, wanted
        (image, class, row, column); centres are the pixels where `wanted` is 1.
    """
    chance = logits.sigmoid()
    centre = wanted == 1
    at = (1 - chance) ** 2 * logsigmoid(logits)
    off = (1 - wanted) ** 4 * chance**2 * logsigmoid(-logits)
    return -torch.where(centre, at, off).sum() / centre.sum().clamp(min=1)
