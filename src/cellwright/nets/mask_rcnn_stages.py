"""The two stages of Mask R-CNN: proposals, then heads that look at each of them.

They are torchvision's (BSD-3-Clause), whose forward passes are split here so that losses can be
had in evaluation mode, masks are learned from crops, and all that follows the convolutions is
computed in float32. Our own code (BSD-3-Clause), after He et al. 2017 (arXiv 1703.06870) and
Ren et al. 2015 (arXiv 1506.01497).
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional as F
from torchvision.models.detection.image_list import ImageList
from torchvision.models.detection.roi_heads import RoIHeads, fastrcnn_loss
from torchvision.models.detection.rpn import (
    RegionProposalNetwork,
    concat_box_prediction_layers,
)

from cellwright.nets.roi_masks import corners, mask_loss, mask_targets

Features = dict[str, Tensor]
Cells = Sequence[dict[str, Tensor]]
#: detections whose masks are drawn at a time
CHUNK = 256


class Proposals(RegionProposalNetwork):
    """Region proposals; the names of its weights are torchvision's."""

    def propose(self, features: Features, size: tuple[int, int], count: int) -> list[Tensor]:
        """(proposal, 4) boxes x0, y0, x1, y1 for each of `count` images."""
        return self._boxes(*self._outputs(features, size, count), size)

    def learn(
        self, features: Features, size: tuple[int, int], cells: Cells
    ) -> tuple[list[Tensor], dict[str, Tensor]]:
        """The proposals and the losses of the first stage."""
        scores, shifts, anchors, per_level = self._outputs(features, size, len(cells))
        labels, matched = self.assign_targets_to_anchors(anchors, list(cells))
        wanted = torch.cat(self.box_coder.encode(matched, anchors))
        label = torch.cat(labels)
        sampler = self.fg_bg_sampler
        chosen = [
            drawn(
                of_image,
                count=sampler.batch_size_per_image,
                share=sampler.positive_fraction,
                fixed=not self.training,
            )
            for of_image in labels
        ]
        offsets = [i * len(anchors[0]) for i in range(len(anchors))]
        index = torch.cat([o + c for o, c in zip(offsets, chosen, strict=True)])
        positive = index[label[index] > 0]
        boxes = F.smooth_l1_loss(shifts[positive], wanted[positive], beta=1 / 9, reduction="sum")
        losses = {
            "objectness": F.binary_cross_entropy_with_logits(scores.flatten()[index], label[index]),
            "proposal_box": boxes / max(len(index), 1),
        }
        return self._boxes(scores, shifts, anchors, per_level, size), losses

    def _outputs(
        self, features: Features, size: tuple[int, int], count: int
    ) -> tuple[Tensor, Tensor, list[Tensor], list[int]]:
        """Scores and shifts of the anchors, the anchors, and how many each level has."""
        maps = list(features.values())
        by_level, shifts_by_level = self.head(maps)
        images = ImageList(maps[0].new_empty((count, 1, *size)), [size] * count)
        anchors = self.anchor_generator(images, maps)
        per_level = [level[0].numel() for level in by_level]
        scores, shifts = concat_box_prediction_layers(
            [level.float() for level in by_level], [level.float() for level in shifts_by_level]
        )
        return scores, shifts, anchors, per_level

    def _boxes(
        self,
        scores: Tensor,
        shifts: Tensor,
        anchors: list[Tensor],
        per_level: list[int],
        size: tuple[int, int],
    ) -> list[Tensor]:
        found = self.box_coder.decode(shifts.detach(), anchors).view(len(anchors), -1, 4)
        return self.filter_proposals(found, scores, [size] * len(anchors), per_level)[0]


class RegionHeads(RoIHeads):
    """Class, box and mask of each proposal; the names of its weights are torchvision's."""

    def learn(
        self,
        features: Features,
        proposals: list[Tensor],
        size: tuple[int, int],
        cells: Cells,
        *,
        frame: tuple[int, int],
        magnify: float,
    ) -> dict[str, Tensor]:
        """The losses of the second stage.

        Parameters
        ----------
        size, frame
            Rows and columns of the network's input, and of the image that the crops are of.
        magnify
            Pixels of the input in a pixel of the image.
        """
        proposals, matched, labels, wanted = self.select_training_samples(proposals, list(cells))
        sizes = [size] * len(proposals)
        logits, shifts = self.box_predictor(
            self.box_head(self.box_roi_pool(features, proposals, sizes))
        )
        of_class, of_box = fastrcnn_loss(logits.float(), shifts.float(), labels, wanted)
        on_cells = [torch.nonzero(label > 0)[:, 0] for label in labels]
        chosen = [boxes[i] for boxes, i in zip(proposals, on_cells, strict=True)]
        masks = self._masks(features, chosen, sizes)
        targets = [
            mask_targets(
                one["crops"],
                corners(one["boxes"]) / magnify,
                boxes / magnify,
                whose[i],
                size=masks.shape[-1],
                frame=frame,
            )
            for one, boxes, whose, i in zip(cells, chosen, matched, on_cells, strict=True)
        ]
        label = torch.cat([of_image[i] for of_image, i in zip(labels, on_cells, strict=True)])
        return {
            "class": of_class,
            "box": of_box,
            "mask": mask_loss(masks, label, torch.cat(targets)),
        }

    def find(
        self,
        features: Features,
        proposals: list[Tensor],
        size: tuple[int, int],
        *,
        least: float = 0.0,
    ) -> list[dict[str, Tensor]]:
        """``boxes``, ``labels``, ``scores`` of `least` or more and ``masks`` for each image."""
        sizes = [size] * len(proposals)
        logits, shifts = self.box_predictor(
            self.box_head(self.box_roi_pool(features, proposals, sizes))
        )
        found = self.postprocess_detections(logits.float(), shifts.float(), proposals, sizes)
        result = []
        for image, (boxes, scores, labels) in enumerate(zip(*found, strict=True)):
            sure = scores >= least
            one = {"boxes": boxes[sure], "labels": labels[sure], "scores": scores[sure]}
            masks = self._drawn(features, one["boxes"], one["labels"], image, size)
            result.append({**one, "masks": masks})
        return result

    def subsample(self, labels: list[Tensor]) -> list[Tensor]:
        """Indices of the proposals of each image that the losses are computed on."""
        sampler = self.fg_bg_sampler
        return [
            drawn(
                of_image,
                count=sampler.batch_size_per_image,
                share=sampler.positive_fraction,
                fixed=not self.training,
            )
            for of_image in labels
        ]

    def check_targets(self, targets: list[dict[str, Tensor]] | None) -> None:
        """Nothing: the targets are made by the network itself."""

    def _masks(
        self, features: Features, boxes: list[Tensor], sizes: list[tuple[int, int]]
    ) -> Tensor:
        """(box, class, 28, 28) logits."""
        return self.mask_predictor(self.mask_head(self.mask_roi_pool(features, boxes, sizes)))

    def _drawn(
        self, features: Features, boxes: Tensor, labels: Tensor, image: int, size: tuple[int, int]
    ) -> Tensor:
        """(box, 1, 28, 28) probabilities of the masks of one image, some at a time."""
        own = {name: maps[image : image + 1] for name, maps in features.items()}
        parts = []
        for some, label in zip(
            boxes.split(CHUNK) or (boxes,), labels.split(CHUNK) or (labels,), strict=True
        ):
            logits = self._masks(own, [some], [size]).float()
            index = torch.arange(len(label), device=label.device)
            parts.append(logits[index, label].sigmoid()[:, None])
        return torch.cat(parts)


def drawn(labels: Tensor, *, count: int, share: float, fixed: bool) -> Tensor:
    """Indices of examples for a loss, in rising order: positive ones first of all.

    Parameters
    ----------
    labels
        (example,): more than 0 is positive, 0 negative, less is left out.
    count, share
        Examples wanted, and the largest share of positive ones.
    fixed
        Whether the draw is the same at each call; otherwise it follows torch's seed.
    """
    generator = torch.Generator().manual_seed(0) if fixed else None
    positive = torch.nonzero(labels > 0)[:, 0]
    negative = torch.nonzero(labels == 0)[:, 0]
    wanted = min(len(positive), int(count * share))
    chosen = []
    for examples, number in ((positive, wanted), (negative, count - wanted)):
        order = torch.randperm(len(examples), generator=generator)[:number]
        chosen.append(examples[order.to(examples.device)])
    return torch.cat(chosen).sort().values
