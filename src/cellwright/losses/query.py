"""Criterion of SparseSEU-Net: one query for each cell, by the best assignment.

Source: Prytula 2023 (P4) 4.5.3, 5.7.1 and 5.7.3, Eqs 4.10-4.18, 5.2 and 5.3, after Cheng et al.
2022, "SparseInst", arXiv 2203.12827.
Licence: our own code (BSD-3-Clause), written from the papers.
Deviations: Eq. 4.10 takes the argmin of the similarity of Eqs 4.11 and 4.13, a slip; it is
maximised here. The thesis states no weights; ours are those of SparseInst. Eq. 5.2 is taken
over matched queries, the only ones that have an IoU to learn.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from cellwright.losses.assignment import hungarian
from cellwright.losses.mask_pairs import (
    SparseMasks,
    matched_iou,
    matched_losses,
    pairwise_dice,
    sparse_masks,
)
from cellwright.losses.overlap import WEIGHTINGS, focal, overlap_focal

WEIGHTS = {"classes": 2.0, "dice": 2.0, "bce": 5.0, "objectness": 1.0, "overlap": 1.0}


class SparseCriterion:
    """Dice and cross-entropy of the matched masks, focal loss of all classes, and the extras.

    Parameters
    ----------
    stride
        Pixels of the image per pixel of the mask logits.
    balance
        Lambda of Eq. 4.11: the similarity is ``class ** (1 - balance) * Dice ** balance``.
    weights
        By the name of the loss, in place of `WEIGHTS`; names left out keep theirs.
    alpha, gamma
        Of the focal loss of the classes, Eq. 4.17.
    weighting, invert
        Of the overlap loss by the likelihood of an overlap: `losses.overlap.overlap_focal`.

    Raises
    ------
    ValueError
        Unknown names of weights or weighting, or `balance` out of [0, 1].
    """

    def __init__(
        self,
        *,
        stride: int = 1,
        balance: float = 0.8,
        weights: Mapping[str, float] | None = None,
        alpha: float = 0.25,
        gamma: float = 2.0,
        weighting: str = "none",
        invert: bool = False,
    ) -> None:
        unknown = sorted(set(weights or {}) - set(WEIGHTS))
        if unknown:
            raise ValueError(f"weights {unknown} came: known are {sorted(WEIGHTS)}")
        if not 0 <= balance <= 1:
            raise ValueError(f"balance {balance} came: from 0 to 1 is wanted")
        if weighting not in WEIGHTINGS:
            raise ValueError(f"weighting {weighting!r} came: one of {', '.join(WEIGHTINGS)}")
        self.stride = stride
        self.balance = balance
        self.weights = {**WEIGHTS, **(weights or {})}
        self.alpha, self.gamma = alpha, gamma
        self.weighting, self.invert = weighting, invert

    def __call__(
        self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any]
    ) -> dict[str, Tensor]:
        """Weighted losses by name, summed over cells and divided by their number.

        Where an image has more cells than there are queries, the best matches count and the
        cells left over teach nothing: train on crops that hold fewer.

        Parameters
        ----------
        outputs
            As of `nets.sparse_unet.SparseUNet`.
        targets
            ``boxes``, ``classes``, ``crops``: lists of one tensor per image; ``overlap`` and
            ``likelihood`` (image, 1, row, column) where the network gives ``overlap``.
        """
        wanted = torch.zeros_like(outputs["classes"], dtype=torch.float32)
        count = max(sum(len(boxes) for boxes in targets["boxes"]), 1)
        sums = {name: outputs["masks"].sum().float() * 0 for name in ("dice", "bce")}
        if "objectness" in outputs:
            sums["objectness"] = outputs["objectness"].sum().float() * 0
        for i, masks in enumerate(outputs["masks"]):
            truth = sparse_masks(
                targets["boxes"][i],
                targets["crops"][i],
                shape=(masks.shape[-2], masks.shape[-1]),
                stride=self.stride,
            )
            kinds = targets["classes"][i]
            query, cell = self.match(outputs["classes"][i], masks, kinds, truth)
            wanted[i, query, kinds[cell]] = 1
            some, truth = masks[query], truth.pick(cell)
            dice, bce = matched_losses(some, truth)
            sums["dice"], sums["bce"] = sums["dice"] + dice.sum(), sums["bce"] + bce.sum()
            if "objectness" in outputs:
                sure = outputs["objectness"][i, query].float().sigmoid()
                error = (sure - matched_iou(some, truth)).square()
                sums["objectness"] = sums["objectness"] + error.sum()
        sums["classes"] = focal(
            outputs["classes"], wanted, alpha=self.alpha, gamma=self.gamma
        ).sum()
        found = {name: self.weights[name] * value / count for name, value in sums.items()}
        if "overlap" in outputs:
            found["overlap"] = self.weights["overlap"] * self._overlap(outputs, targets)
        return found

    @torch.no_grad()
    def match(
        self, classes: Tensor, masks: Tensor, kinds: Tensor, truth: SparseMasks
    ) -> tuple[Tensor, Tensor]:
        """Queries and cells of one image, matched one to one (Eqs 4.10-4.13).

        Parameters
        ----------
        classes, masks
            Logits (query, class) and (query, row, column).
        kinds
            (cell,) class of each cell.
        """
        sure = classes.float().sigmoid()[:, kinds]
        alike = pairwise_dice(masks, truth)
        return hungarian(sure ** (1 - self.balance) * alike**self.balance, maximise=True)

    def _overlap(self, outputs: Mapping[str, Tensor], targets: Mapping[str, Any]) -> Tensor:
        rows, cols = targets["overlap"].shape[-2:]
        logits = functional.interpolate(
            outputs["overlap"].float(),
            scale_factor=float(self.stride),
            mode="bilinear",
            align_corners=False,
        )[..., :rows, :cols]
        return overlap_focal(
            logits,
            targets["overlap"],
            targets.get("likelihood"),
            weighting=self.weighting,
            invert=self.invert,
        )
