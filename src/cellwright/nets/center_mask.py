"""CenterMask: FCOS with a mask branch under spatial attention.

Paper: Lee and Park 2020, "CenterMask: Real-Time Anchor-Free Instance Segmentation",
arXiv 1911.06667; used by Kim, Song, Zheng 2022 (P3) 3.2.2 with the loss of its Eq. 1.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: masks are learnt in the true boxes first and then in found ones, as many as
`mask_boxes` (the authors sample from 512 proposals); images may be magnified, so that cells of
a few pixels have locations of their own.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import box_iou

from cellwright.nets.fcos import Head, Matching, detections, fcos_losses, locations
from cellwright.nets.fpn import LAST_STAGE, Pyramid
from cellwright.nets.mask_scoring import MaskScoring, score_targets
from cellwright.nets.roi_masks import corners, mask_loss, mask_targets
from cellwright.nets.sag_mask import DRAWS, MaskBranch, of_class, pooled_features


@dataclass(frozen=True, slots=True)
class Limits:
    """Numbers of the detector that hold no weights.

    Parameters
    ----------
    least_score, box_nms, detections, considered
        Of `fcos.detections`: a box's least score, the IoU above which the worse of two boxes
        of one class goes, and the boxes of an image at most after and before that.
    mask_boxes
        Boxes of an image whose masks are learnt in a step.
    magnify
        Factor by which images are enlarged before the network sees them.
    """

    least_score: float = 0.05
    box_nms: float = 0.6
    detections: int = 500
    considered: int = 2000
    mask_boxes: int = 32
    magnify: float = 1.0


class CenterMask(nn.Module):
    """The network with its losses.

    Parameters
    ----------
    pyramid
        Backbone and pyramid.
    head
        Of FCOS.
    mask_branch
        Draws a mask in a box.
    matching
        Which locations learn which cell.
    limits
        Numbers without weights.
    scoring
        Predicts the IoU of a mask (Mask Scoring R-CNN, Huang et al. 2019), which CenterMask2
        multiplies scores by; None, as in the loss of P3, for none.
    mean, scale
        Images become ``(image - mean) / scale``.

    Attributes
    ----------
    stride
        Rows and columns of images must be multiples of it.
    """

    def __init__(
        self,
        pyramid: Pyramid,
        head: Head,
        mask_branch: MaskBranch,
        *,
        matching: Matching,
        limits: Limits,
        scoring: MaskScoring | None = None,
        mean: float = 0.5,
        scale: float = 0.25,
    ) -> None:
        super().__init__()
        if limits.magnify <= 0 or (2**LAST_STAGE / limits.magnify) % 1:
            raise ValueError(f"magnify {limits.magnify} came: 1, 2, 4, 8, 16 or 32 is wanted")
        self.pyramid = pyramid
        self.head = head
        self.mask_branch = mask_branch
        self.scoring = scoring
        self.matching = matching
        self.limits = limits
        self.mean, self.scale = mean, scale
        self.stride = max(int(2**LAST_STAGE / limits.magnify), 1)

    def losses(self, images: Tensor, targets: Mapping[str, Sequence[Tensor]]) -> dict[str, Tensor]:
        """Losses ``classes``, ``boxes``, ``centreness``, ``mask`` (P3 Eq. 1) and ``mask_iou``.

        Parameters
        ----------
        images
            (image, inputs, row, column).
        targets
            ``boxes``, ``classes`` and ``crops``, one tensor for each image.
        """
        seen = self._seen(images)
        device = images.device
        boxes = [corners(b.to(device).float()) * self.limits.magnify for b in targets["boxes"]]
        classes = [c.to(device) for c in targets["classes"]]
        matched = [self.matching(b, seen.grids) for b in boxes]
        result = fcos_losses(
            self.head, seen.outputs, boxes, classes, squares=seen.squares, matched=matched
        )
        return result | self._mask_losses(seen, boxes, classes, targets)

    def detect(self, images: Tensor, *, least: float = 0.0) -> list[dict[str, Tensor]]:
        """Cells of each image, best first; those of a score below `least` need no mask.

        ``boxes`` (cell, 4) as x0, y0, x1, y1 in pixels, ``labels`` (cell,) from 1, ``scores``
        (cell,), ``masks`` (cell, 1, 28, 28) probabilities.
        """
        seen = self._seen(images)
        found = self._found(seen, self.limits.detections, least)
        for number, one in enumerate(found):
            masks, quality = [], []
            for boxes, labels in zip(
                one["boxes"].split(256), one["labels"].split(256), strict=True
            ):
                features = self._pooled(seen, [(number, boxes)])
                drawn = of_class(self.mask_branch(features), labels - 1).float().sigmoid()
                masks.append(drawn)
                if self.scoring is not None:
                    quality.append(self.scoring(features, drawn, labels - 1))
            one["masks"] = (
                torch.cat(masks)[:, None] if masks else images.new_zeros((0, 1, DRAWS, DRAWS))
            )
            if quality:
                one["scores"] = one["scores"] * torch.cat(quality).clamp(0, 1)
            one["boxes"] = one["boxes"] / self.limits.magnify
        return found

    def _seen(self, images: Tensor) -> _Seen:
        """What the network computes of images before it draws masks."""
        if self.limits.magnify != 1:
            images = nn.functional.interpolate(
                images, scale_factor=self.limits.magnify, mode="bilinear"
            )
        levels = self.pyramid((images - self.mean) / self.scale)
        grids = [(int(level.shape[-2]), int(level.shape[-1])) for level in levels]
        squares = locations(grids, self.pyramid.strides, images.device)
        shape = (int(images.shape[-2]), int(images.shape[-1]))
        return _Seen(levels, grids, squares, self.head(levels), shape)

    def _found(self, seen: _Seen, most: int, least: float = 0.0) -> list[dict[str, Tensor]]:
        return detections(
            self.head,
            seen.outputs,
            squares=seen.squares,
            shape=seen.shape,
            least=max(self.limits.least_score, least),
            nms=self.limits.box_nms,
            most=most,
            considered=self.limits.considered,
        )

    def _pooled(self, seen: _Seen, boxes: Sequence[tuple[int, Tensor]]) -> Tensor:
        """(box, channels, 14, 14) features of boxes, each with the number of its image."""
        return pooled_features(
            seen.levels,
            boxes,
            area=seen.shape[0] * seen.shape[1],
            first=self.pyramid.first,
            last=LAST_STAGE,
        )

    def _mask_losses(
        self,
        seen: _Seen,
        boxes: Sequence[Tensor],
        classes: Sequence[Tensor],
        targets: Mapping[str, Any],
    ) -> dict[str, Tensor]:
        """Loss of the masks, and of their scores if they are scored."""
        rois, labels, truth, inside = [], [], [], []
        found = self._found(seen, 2 * self.limits.mask_boxes)
        for number, (cells, own, crops, one) in enumerate(
            zip(boxes, classes, targets["crops"], found, strict=True)
        ):
            if not len(cells):
                continue
            places, whose = self._sampled(cells, own, one)
            crops = crops.to(cells.device)
            pixels = corners(cells) / self.limits.magnify
            drawn = mask_targets(
                crops,
                pixels,
                places / self.limits.magnify,
                whose,
                size=DRAWS,
                frame=(
                    round(seen.shape[0] / self.limits.magnify),
                    round(seen.shape[1] / self.limits.magnify),
                ),
            )
            rois.append((number, places))
            labels.append(own[whose])
            truth.append(drawn)
            area = crops.flatten(1).sum(dim=1)[whose] * self.limits.magnify**2
            inside.append(area / (places[:, 2:] - places[:, :2]).prod(dim=1))
        names = ("mask",) if self.scoring is None else ("mask", "mask_iou")
        if not rois:
            modules = (
                [self.mask_branch] if self.scoring is None else [self.mask_branch, self.scoring]
            )
            nothing = sum(p.sum() * 0 for module in modules for p in module.parameters())
            return dict.fromkeys(names, nothing)
        features = self._pooled(seen, rois)
        label, goal = torch.cat(labels), torch.cat(truth)
        logits = self.mask_branch(features)
        losses = {"mask": mask_loss(logits, label, goal)}
        if self.scoring is not None:
            drawn = of_class(logits, label).detach().float().sigmoid()
            aim = score_targets(drawn, goal, torch.cat(inside))
            predicted = self.scoring(features, drawn, label)
            losses["mask_iou"] = nn.functional.mse_loss(predicted, aim) / 2
        return losses

    def _sampled(
        self, cells: Tensor, classes: Tensor, found: Mapping[str, Tensor]
    ) -> tuple[Tensor, Tensor]:
        """Boxes whose masks are learnt in one image, and the cell of each.

        The true boxes, a random choice of them where they are too many and the network is
        training, then the best found boxes that have an IoU of 0.5 or more with a cell of
        their class.
        """
        most = self.limits.mask_boxes
        chosen = torch.arange(len(cells), device=cells.device)
        if len(cells) > most:
            if self.training:
                chosen = torch.randperm(len(cells), device=cells.device)
            chosen = chosen[:most]
        agreement = box_iou(found["boxes"], cells)
        agreement = agreement * (found["labels"][:, None] - 1 == classes[None])
        value, whose = agreement.max(dim=1)
        good = torch.nonzero(value >= 0.5)[:, 0][: most - len(chosen)]
        return torch.cat([cells[chosen], found["boxes"][good]]), torch.cat([chosen, whose[good]])


@dataclass(frozen=True, slots=True)
class _Seen:
    """Pyramid, its grids and locations, outputs of FCOS, and rows and columns of the images."""

    levels: list[Tensor]
    grids: list[tuple[int, int]]
    squares: Tensor
    outputs: dict[str, Tensor]
    shape: tuple[int, int]
