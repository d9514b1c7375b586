"""FCOS: boxes without anchors, with centre-ness.

Paper: Tian et al. 2019, "FCOS", arXiv 1904.01355, and its later form, arXiv 2006.09214 (centre
sampling, distances in units of the stride, GIoU loss, centre-ness beside the boxes).
Licence: our own code (BSD-3-Clause), written from the papers, around the heads and the losses
of torchvision's FCOS (BSD-3-Clause).
Deviations: matching looks only at the locations around each centre, so that a frame with
thousands of cells needs no table of cells x locations, and a cell that gets no location (a
thin one, or one under a smaller cell of the same centre, such as its nucleus) takes free ones
farther from its centre; the boxes' bias begins at one stride instead of 0, where the ReLU of
half of them would pass no gradient; the box loss is averaged over locations, not weighted by
their centre-ness (torchvision's form).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import gcd

import torch
from torch import Tensor, nn
from torchvision.models.detection.fcos import (
    FCOSClassificationHead,
    FCOSHead,
    FCOSRegressionHead,
)
from torchvision.ops import batched_nms, clip_boxes_to_image

Grids = Sequence[tuple[int, int]]


def _group_norm(channels: int) -> nn.GroupNorm:
    """32 groups, or fewer where they would hold fewer than 4 channels."""
    return nn.GroupNorm(gcd(32, max(channels // 4, 1)), channels)


class Head(FCOSHead):
    """The towers, shared by all levels, and a scale of the distances for each level.

    Parameters
    ----------
    channels
        Of the pyramid.
    classes
        Without background.
    towers
        3 x 3 convolutions of each tower: 4, or 2 in CenterMask-Lite.
    levels
        Of the pyramid.
    """

    def __init__(self, channels: int, classes: int, *, towers: int, levels: int) -> None:
        super().__init__(channels, 1, classes, 0)
        norm = {"norm_layer": _group_norm}
        self.classification_head = FCOSClassificationHead(channels, 1, classes, towers, **norm)
        self.regression_head = FCOSRegressionHead(channels, 1, towers, **norm)
        nn.init.ones_(self.regression_head.bbox_reg.bias)
        self.scales = nn.ParameterList(torch.ones(1) for _ in range(levels))

    def forward(self, levels: list[Tensor]) -> dict[str, Tensor]:
        """Logits of classes and centre-ness and distances in strides, (image, location, n)."""
        boxes, centreness = [], []
        for scale, level in zip(self.scales, levels, strict=True):
            distances, centre = self.regression_head([level])
            boxes.append(distances.float() * scale)
            centreness.append(centre.float())
        return {
            "cls_logits": self.classification_head(levels).float(),
            "bbox_regression": torch.cat(boxes, dim=1),
            "bbox_ctrness": torch.cat(centreness, dim=1),
        }


@dataclass(frozen=True, slots=True)
class Matching:
    """Which locations learn which cell.

    Parameters
    ----------
    strides
        Of each level, finest first.
    radius
        A cell's locations lie within this many strides of its centre, and inside its box.
    reach
        A level takes the locations whose farthest side of the box is up to `reach` strides
        away; the next level what is farther, and the last all that is left. FCOS has 8.
    """

    strides: tuple[int, ...]
    radius: float = 1.5
    reach: float = 8.0

    def __call__(self, boxes: Tensor, grids: Grids) -> Tensor:
        """(location,) index of each location's cell, -1 for background.

        Where a location suits several cells it takes the smallest box.

        Parameters
        ----------
        boxes
            (cell, 4) as x0, y0, x1, y1 in pixels.
        grids
            Rows and columns of each level.
        """
        total = sum(rows * cols for rows, cols in grids)
        if not len(boxes):
            return torch.full((total,), -1, dtype=torch.int64, device=boxes.device)
        sides = boxes[:, 2:] - boxes[:, :2]
        order = torch.argsort(sides.prod(dim=1), stable=True)
        free = torch.full((total,), len(boxes), dtype=torch.int64, device=boxes.device)
        rank, low, start = free, 0.0, 0
        for number, ((rows, cols), stride) in enumerate(zip(grids, self.strides, strict=True)):
            high = self.reach * stride if number + 1 < len(grids) else float("inf")
            cells, places, farthest = _around(boxes[order], (rows, cols), stride, self.radius)
            suits = (farthest > low) & (farthest <= high)
            rank = rank.scatter_reduce(0, places[suits] + start, cells[suits], "amin")
            low, start = high, start + rows * cols
        rank = self._with_orphans(rank, boxes[order], grids)
        return torch.cat([order, order.new_full((1,), -1)])[rank]

    def _with_orphans(self, rank: Tensor, boxes: Tensor, grids: Grids) -> Tensor:
        """Cells without a location take free ones of the finest level, twice as far out."""
        has = torch.zeros(len(boxes) + 1, dtype=torch.bool, device=boxes.device)
        has[rank] = True
        orphans = torch.nonzero(~has[:-1])[:, 0]
        if not len(orphans):
            return rank
        cells, places, _ = _around(boxes[orphans], grids[0], self.strides[0], 2 * self.radius)
        free = rank[places] == len(boxes)
        return rank.scatter_reduce(0, places[free], orphans[cells[free]], "amin")


def _around(
    boxes: Tensor, grid: tuple[int, int], stride: int, radius: float
) -> tuple[Tensor, Tensor, Tensor]:
    """Pairs of a cell and a location of one level near its centre and inside its box.

    Returns the cells, the locations (row times columns plus column) and the distances in
    pixels of the locations to the farthest side of the box.
    """
    steps = torch.arange(int(2 * radius) + 2, device=boxes.device)
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2 / stride - 0.5
    at = torch.ceil(centre - radius).long()[:, None] + steps[:, None]
    x, y = at[:, :, 0], at[:, :, 1]
    near = (at - centre[:, None]).abs() < radius
    points = (at + 0.5) * stride
    left, right = points - boxes[:, None, :2], boxes[:, None, 2:] - points
    inside = near & (left > 0) & (right > 0) & (at >= 0)
    inside &= at < torch.tensor([grid[1], grid[0]], device=boxes.device)
    far = torch.maximum(left, right)
    pairs = inside[:, :, None, 1] & inside[:, None, :, 0]
    cells, rows, cols = torch.nonzero(pairs, as_tuple=True)
    places = y[cells, rows] * grid[1] + x[cells, cols]
    return cells, places, torch.maximum(far[cells, rows, 1], far[cells, cols, 0])


def locations(grids: Grids, strides: Sequence[int], device: torch.device) -> Tensor:
    """(location, 4) squares of one stride around every location, as x0, y0, x1, y1."""
    squares = []
    for (rows, cols), stride in zip(grids, strides, strict=True):
        y, x = torch.meshgrid(
            torch.arange(rows, device=device), torch.arange(cols, device=device), indexing="ij"
        )
        corner = torch.stack([x, y], dim=-1).reshape(-1, 2).float() * stride
        squares.append(torch.cat([corner, corner + stride], dim=1))
    return torch.cat(squares)


def fcos_losses(
    head: Head,
    outputs: dict[str, Tensor],
    boxes: Sequence[Tensor],
    classes: Sequence[Tensor],
    *,
    squares: Tensor,
    matched: Sequence[Tensor],
) -> dict[str, Tensor]:
    """Focal, GIoU and centre-ness losses, each over the number of cells' locations.

    Parameters
    ----------
    head
        Whose outputs these are.
    boxes, classes
        Of each image: (cell, 4) as x0, y0, x1, y1 and (cell,) int64.
    squares
        Of `locations`.
    matched
        Of each image: (location,), of `Matching`.
    """
    targets = [{"boxes": b, "labels": c} for b, c in zip(boxes, classes, strict=True)]
    found = head.compute_loss(targets, outputs, [squares] * len(targets), list(matched))
    return {
        "classes": found["classification"],
        "boxes": found["bbox_regression"],
        "centreness": found["bbox_ctrness"],
    }


@torch.no_grad()
def detections(
    head: Head,
    outputs: dict[str, Tensor],
    *,
    squares: Tensor,
    shape: tuple[int, int],
    least: float,
    nms: float,
    most: int,
    considered: int,
) -> list[dict[str, Tensor]]:
    """Boxes of each image, best first.

    Parameters
    ----------
    head, outputs, squares
        As of `fcos_losses`.
    shape
        Rows and columns of the images: boxes end there.
    least
        Scores, the root of class probability times centre-ness, must be above this.
    nms
        Of two boxes of one class with a larger IoU, the better one stays.
    most, considered
        Boxes of an image at most, after and before that.

    Returns
    -------
    For each image ``boxes`` (n, 4) as x0, y0, x1, y1, ``labels`` (n,) from 1, ``scores`` (n,).
    """
    scores = outputs["cls_logits"].sigmoid() * outputs["bbox_ctrness"].sigmoid()
    results = []
    for score, distances in zip(scores.sqrt(), outputs["bbox_regression"], strict=True):
        place, label = torch.nonzero(score > least, as_tuple=True)
        values, best = score[place, label].topk(min(considered, len(place)))
        place, label = place[best], label[best]
        boxes = head.box_coder.decode(distances[place], squares[place])
        boxes = clip_boxes_to_image(boxes, shape)
        real = (boxes[:, 2:] - boxes[:, :2]).amin(dim=1) > 0
        boxes, values, label = boxes[real], values[real], label[real]
        stays = batched_nms(boxes, values, label, nms)[:most]
        results.append({"boxes": boxes[stays], "labels": label[stays] + 1, "scores": values[stays]})
    return results
