"""Losses of masks that are predicted as a set: each cell has one query, the others none.

Source: Prytula et al. 2025 (IAUNet), arXiv 2508.01928: Hungarian matching of queries to cells by
class, cross-entropy and Dice of the masks; losses with the same weights (1, 5 and 2), 0.1 for "no
object", after every level; all after Cheng et al. 2022 (Mask2Former), arXiv 2112.01527, 3.3.
Deviations: the masks of all queries are compared at the pixels of the cells and summed over the
whole frame, exactly, where Mask2Former draws points by chance; Dice has squared denominators
as in P4 Eq. 4.13. Everything is computed in float32.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import avg_pool2d, cross_entropy

from cellwright.losses.assignment import hungarian
from cellwright.losses.centres import centre_loss, centres
from cellwright.losses.mask_pairs import (
    SparseMasks,
    matched_losses,
    pairwise_bce,
    pairwise_dice,
    sparse_masks,
)


@dataclass(frozen=True, slots=True)
class SetCriterion:
    """Losses of all stages of a network that answers with a set of masks.

    Parameters
    ----------
    stride
        Pixels of the input per pixel of a mask.
    match_stride
        The same for the matching, which compares all queries with all cells: finer masks are
        averaged to it before.
    classes, bce, dice, heat
        Weights of the losses; the first three are those of the matching as well.
    no_object
        Weight of the queries without a cell in the cross-entropy of the classes.
    whole_frame
        Whether the cross-entropy of a mask is the mean over the frame; if not, it is the sum
        over the frame per pixel of the cell's area.
    """

    stride: int
    match_stride: int = 4
    classes: float = 1.0
    bce: float = 5.0
    dice: float = 2.0
    heat: float = 1.0
    no_object: float = 0.1
    whole_frame: bool = True

    def __call__(self, outputs: Mapping[str, Any], targets: Mapping[str, Any]) -> dict[str, Tensor]:
        """Scalar losses ``classes``, ``bce``, ``dice`` and, with a map of centres, ``heat``.

        Parameters
        ----------
        outputs
            ``features`` (image, channel, row, column), ``stages`` (a list of ``classes``
            (image, query, class + 1) and ``kernels`` (image, query, channel)) and perhaps
            ``heat`` (image, class, row, column) logits.
        targets
            ``boxes``, ``classes`` and ``crops``: lists with the cells of each image.
        """
        features = outputs["features"].float()
        shape = (features.shape[-2], features.shape[-1])
        truths = _truths(targets, shape, self.stride)
        times = max(self.match_stride // self.stride, 1)
        coarse, coarse_truths = features.detach(), truths
        if times > 1:
            coarse = avg_pool2d(coarse, times, ceil_mode=True, count_include_pad=False)
            size = (coarse.shape[-2], coarse.shape[-1])
            coarse_truths = _truths(targets, size, self.stride * times)
        losses = {name: features.new_zeros(()) for name in ("classes", "bce", "dice")}
        for stage in outputs["stages"]:
            with torch.no_grad(), torch.autocast(features.device.type, enabled=False):
                pairs = [
                    self._match(*image, stage["classes"][i].float(), stage["kernels"][i].float())
                    for i, image in enumerate(
                        zip(coarse, coarse_truths, targets["classes"], strict=True)
                    )
                ]
            for name, value in self._stage(
                stage, features, truths, targets["classes"], pairs
            ).items():
                losses[name] = losses[name] + value
        if "heat" in outputs:
            heat = outputs["heat"].float()
            ratio = shape[0] * self.stride // heat.shape[-2]
            wanted = torch.stack(
                [
                    centres(boxes, crops, kinds, shape=tuple(heat.shape[1:]), stride=ratio)
                    for boxes, crops, kinds in zip(
                        targets["boxes"], targets["crops"], targets["classes"], strict=True
                    )
                ]
            )
            losses["heat"] = self.heat * centre_loss(heat, wanted)
        return losses

    def _stage(
        self,
        stage: Mapping[str, Tensor],
        features: Tensor,
        truths: list[SparseMasks],
        kinds: list[Tensor],
        pairs: list[tuple[Tensor, Tensor]],
    ) -> dict[str, Tensor]:
        """Losses of the answers of one stage, given which query is to draw which cell."""
        logits = stage["classes"].float()
        kernels = stage["kernels"].float()
        nothing = logits.shape[2] - 1
        wanted = torch.full(logits.shape[:2], nothing, dtype=torch.int64, device=logits.device)
        total = {name: features.new_zeros(()) for name in ("bce", "dice")}
        cells = max(sum(truth.count for truth in truths), 1)
        with torch.autocast(features.device.type, enabled=False):
            for i, truth in enumerate(truths):
                if truth.count:
                    query, cell = pairs[i]
                    wanted[i, query] = kinds[i][cell]
                    matched = truth.pick(cell)
                    maps = drawn(kernels[i, query], features[i])
                    dice, bce = matched_losses(maps, matched)
                    total["bce"] = total["bce"] + self.bce * self._scaled(bce, matched).sum()
                    total["dice"] = total["dice"] + self.dice * dice.sum()
                else:
                    total["bce"] = total["bce"] + 0 * (kernels[i].sum() + features[i].sum())
        weight = torch.ones(nothing + 1, device=logits.device)
        weight[nothing] = self.no_object
        found = cross_entropy(logits.transpose(1, 2), wanted, weight=weight)
        return {"classes": self.classes * found, **{k: v / cells for k, v in total.items()}}

    def _match(
        self, features: Tensor, truth: SparseMasks, kinds: Tensor, logits: Tensor, kernels: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Queries of one image and the cells they are to draw."""
        maps = drawn(kernels, features)
        cost = self.classes * -logits.softmax(dim=1)[:, kinds]
        cost = cost + self.dice * (1 - pairwise_dice(maps, truth))
        cost = cost + self.bce * self._scaled(pairwise_bce(maps, truth), truth)
        return hungarian(cost)

    def _scaled(self, bce: Tensor, truth: SparseMasks) -> Tensor:
        """Mean cross-entropy over the frame, (..., cell), as `whole_frame` says."""
        if self.whole_frame:
            return bce
        areas = bce.new_zeros(truth.count).index_add(0, truth.cell, truth.value)
        return bce * (truth.shape[0] * truth.shape[1]) / areas.clamp(min=1)


def _truths(targets: Mapping[str, Any], shape: tuple[int, int], stride: int) -> list[SparseMasks]:
    """The cells of each image at the given resolution."""
    return [
        sparse_masks(boxes, crops, shape=shape, stride=stride)
        for boxes, crops in zip(targets["boxes"], targets["crops"], strict=True)
    ]


def drawn(kernels: Tensor, features: Tensor) -> Tensor:
    """Mask logits (query, row, column) of kernels (query, channel) of one image."""
    return (kernels @ features.flatten(1)).unflatten(1, features.shape[1:])
