"""Mask R-CNN with a ResNet and feature pyramid, for small and crowded cells.

He, Gkioxari, Dollár, Girshick: Mask R-CNN (2017, arXiv 1703.06870); P1 and P5 train it. The
parts are torchvision's (BSD-3-Clause) under their own names, so that its COCO checkpoint
loads; what is here is our own code (BSD-3-Clause).

Deviations from torchvision's model, with reasons:

- the images are not resized (800 to 1333 there): a pixel stays a pixel, `magnify` apart;
- anchors of 8 to 128 pixels instead of 32 to 512, and 500 detections instead of 100: cells are
  small and many (LIVECell's are 4 to 127 pixels, up to 3000 in an image);
- GroupNorm from scratch (He et al. 2019, arXiv 1811.08883): frozen statistics never learn and
  batches of one or two images are too small for BatchNorm. With COCO weights frozen BatchNorm;
- mask targets from crops instead of a dense frame for each cell, sampled exactly
  (`nets.roi_masks`);
- samples for the losses are drawn by the CPU's generator, by a fixed one in evaluation mode:
  there the losses of the same weights are the same;
- any number of input channels, normalised by one mean and deviation.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from torch import Tensor, nn
from torchvision.models import resnet
from torchvision.models.detection.anchor_utils import AnchorGenerator
from torchvision.models.detection.backbone_utils import BackboneWithFPN
from torchvision.models.detection.faster_rcnn import FastRCNNPredictor, TwoMLPHead
from torchvision.models.detection.mask_rcnn import MaskRCNNHeads, MaskRCNNPredictor
from torchvision.models.detection.rpn import RPNHead
from torchvision.ops import FrozenBatchNorm2d, MultiScaleRoIAlign

from cellwright.nets.mask_rcnn_stages import Proposals, RegionHeads
from cellwright.nets.roi_masks import corners

BACKBONES = ("resnet18", "resnet34", "resnet50", "resnet101")
NORMS = ("group", "batch", "frozen")
# The mean of ImageNet's three means and of its three deviations.
MEAN, DEVIATION = 0.449, 0.226


class MaskRCNN(nn.Module):
    """Boxes by a region proposal network, then a class, a better box and a mask for each.

    Parameters
    ----------
    inputs, classes
        Input channels; classes without the background.
    backbone
        One of `BACKBONES`.
    norm
        ``"group"``, ``"batch"`` or ``"frozen"`` (statistics that only a checkpoint brings).
    channels
        Of the feature pyramid and of the mask head.
    hidden
        Units of the two layers of the box head.
    anchors
        Side of the anchors in pixels of the network's input, for strides 4 to 64; a number or
        several for each.
    ratios
        Rows over columns of the anchors.
    anchor_overlap
        IoU with a cell from which on an anchor is a positive example, and below which it is
        a negative one.
    proposals
        Most proposals of an image that reach the heads.
    proposal_nms, box_nms
        Largest IoU of two proposals, and of two detected boxes of one class.
    anchor_samples, box_samples
        Anchors and proposals of an image that the losses are computed on.
    detections
        Most cells found in an image.
    magnify
        Factor by which images are enlarged before the network sees them.
    """

    stride = 32

    def __init__(
        self,
        inputs: int = 1,
        classes: int = 1,
        *,
        backbone: str = "resnet50",
        norm: str = "group",
        channels: int = 256,
        hidden: int = 1024,
        anchors: Sequence[int | Sequence[int]] = (8, 16, 32, 64, 128),
        ratios: Sequence[float] = (0.5, 1.0, 2.0),
        anchor_overlap: tuple[float, float] = (0.7, 0.3),
        proposals: int = 2000,
        proposal_nms: float = 0.7,
        box_nms: float = 0.5,
        anchor_samples: int = 256,
        box_samples: int = 512,
        detections: int = 500,
        magnify: float = 1.0,
    ) -> None:
        super().__init__()
        if backbone not in BACKBONES:
            raise ValueError(f"backbone {backbone!r} came: one of {', '.join(BACKBONES)} is wanted")
        if len(anchors) != 5:
            raise ValueError(f"anchors for {len(anchors)} strides came: five are wanted")
        if magnify <= 0:
            raise ValueError(f"magnify {magnify} came: more than 0 is wanted")
        self.magnify = float(magnify)
        self.backbone = pyramid(backbone, inputs, channels, norm)
        sizes = tuple((a,) if isinstance(a, int | float) else tuple(a) for a in anchors)
        generator = AnchorGenerator(sizes, (tuple(ratios),) * 5)
        kinds = generator.num_anchors_per_location()
        if len(set(kinds)) != 1:
            raise ValueError(f"anchors {anchors} came: as many for each stride are wanted")
        self.rpn = Proposals(
            generator,
            RPNHead(channels, kinds[0]),
            fg_iou_thresh=anchor_overlap[0],
            bg_iou_thresh=anchor_overlap[1],
            batch_size_per_image=anchor_samples,
            positive_fraction=0.5,
            pre_nms_top_n={"training": proposals, "testing": proposals},
            post_nms_top_n={"training": proposals, "testing": proposals},
            nms_thresh=proposal_nms,
        )
        self.rpn.min_size = 1.0
        levels = ["0", "1", "2", "3"]
        self.roi_heads = RegionHeads(
            MultiScaleRoIAlign(levels, output_size=7, sampling_ratio=2),
            TwoMLPHead(channels * 7 * 7, hidden),
            FastRCNNPredictor(hidden, classes + 1),
            fg_iou_thresh=0.5,
            bg_iou_thresh=0.5,
            batch_size_per_image=box_samples,
            positive_fraction=0.25,
            bbox_reg_weights=None,
            score_thresh=0.05,
            nms_thresh=box_nms,
            detections_per_img=detections,
            mask_roi_pool=MultiScaleRoIAlign(levels, output_size=14, sampling_ratio=2),
            mask_head=MaskRCNNHeads(channels, (channels,) * 4, 1),
            mask_predictor=MaskRCNNPredictor(channels, channels, classes + 1),
        )

    def losses(self, images: Tensor, targets: Mapping[str, Any]) -> dict[str, Tensor]:
        """The five losses of the paper, in training and in evaluation mode.

        Parameters
        ----------
        images
            (image, channel, row, column), rows and columns multiples of `stride`.
        targets
            ``boxes``, ``classes`` and ``crops``: a list each, one entry per image.
        """
        features, size = self._features(images)
        cells = [
            {
                "boxes": corners(boxes).float() * self.magnify,
                "labels": classes.long() + 1,
                "crops": crops,
            }
            for boxes, classes, crops in zip(
                targets["boxes"], targets["classes"], targets["crops"], strict=True
            )
        ]
        proposals, of_proposals = self.rpn.learn(features, size, cells)
        frame = (images.shape[-2], images.shape[-1])
        of_heads = self.roi_heads.learn(
            features, proposals, size, cells, frame=frame, magnify=self.magnify
        )
        return {**of_proposals, **of_heads}

    def detect(self, images: Tensor, *, least: float = 0.0) -> list[dict[str, Tensor]]:
        """For each image ``boxes`` (x0, y0, x1, y1), ``labels`` from 1, ``scores``, ``masks``.

        Boxes of a score below `least` are left out before masks are drawn. The masks are
        (cell, 1, 28, 28) probabilities on a grid that fills the box.
        """
        features, size = self._features(images)
        proposals = self.rpn.propose(features, size, len(images))
        found = self.roi_heads.find(features, proposals, size, least=least)
        return [{**one, "boxes": one["boxes"] / self.magnify} for one in found]

    def _features(self, images: Tensor) -> tuple[dict[str, Tensor], tuple[int, int]]:
        """Maps of the pyramid in float32, and rows and columns of what they were made of."""
        images = (images - MEAN) / DEVIATION
        if self.magnify != 1:
            images = nn.functional.interpolate(
                images, scale_factor=self.magnify, mode="bilinear", align_corners=False
            )
            rows, cols = images.shape[-2:]
            images = nn.functional.pad(images, (0, -cols % self.stride, 0, -rows % self.stride))
        maps = {name: value.float() for name, value in self.backbone(images).items()}
        return maps, (images.shape[-2], images.shape[-1])


def pyramid(backbone: str, inputs: int, channels: int, norm: str) -> BackboneWithFPN:
    """A ResNet with a feature pyramid of strides 4, 8, 16, 32 and 64.

    The pyramid itself is normalised in groups where the ResNet is, else not at all.
    """
    if norm not in NORMS:
        raise ValueError(f"norm {norm!r} came: one of {', '.join(NORMS)} is wanted")
    layers = {
        "group": group_norm,
        "batch": nn.BatchNorm2d,
        # torchvision's checkpoint was made without a term against division by zero.
        "frozen": partial(FrozenBatchNorm2d, eps=0.0),
    }
    net = getattr(resnet, backbone)(weights=None, norm_layer=layers[norm])
    if inputs != 3:
        net.conv1 = nn.Conv2d(inputs, 64, 7, stride=2, padding=3, bias=False)
        nn.init.kaiming_normal_(net.conv1.weight, mode="fan_out", nonlinearity="relu")
    widths = [net.inplanes // 8 * 2**level for level in range(4)]
    return BackboneWithFPN(
        net,
        {f"layer{level + 1}": str(level) for level in range(4)},
        widths,
        channels,
        norm_layer=group_norm if norm == "group" else None,
    )


def group_norm(channels: int) -> nn.GroupNorm:
    """32 groups, or as many fewer as leave two channels in each."""
    groups = 32
    while groups > 1 and (channels % groups or channels // groups < 2):
        groups //= 2
    return nn.GroupNorm(groups, channels)
