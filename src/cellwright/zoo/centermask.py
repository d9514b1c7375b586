"""CenterMask with a small and with a large VoVNetV2, as of P3.

Paper: Lee and Park 2020, arXiv 1911.06667; Kim, Song, Zheng 2022 (P3) 3.2.2 and 4.1, which
trains V-19-SlimDW with SGD (learning rate 0.005, batches of 8, 1000 warm-up steps, reductions
at steps 10,500 and 11,500 of 12,500) from weights of COCO.
Licence: our own code (BSD-3-Clause), written from the papers. Published weights are not ours:
see `cellwright.zoo.centermask_weights`.
Deviations: those of `cellwright.nets.center_mask`; by default training starts from scratch,
with AdamW and a one-cycle schedule.
"""

from __future__ import annotations

from collections.abc import Sequence

from cellwright.codecs.boxes import BoxCodec
from cellwright.nets.center_mask import CenterMask, Limits
from cellwright.nets.fcos import Head, Matching
from cellwright.nets.fpn import Pyramid
from cellwright.nets.mask_scoring import MaskScoring
from cellwright.nets.sag_mask import MaskBranch
from cellwright.nets.vovnet import SIZES, VoVNet
from cellwright.types import InputError
from cellwright.zoo.centermask_weights import load_published
from cellwright.zoo.entry import MethodEntry
from cellwright.zoo.instance import DetectorMethod


def centermask(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    backbone: str = "v19-slim-dw",
    channels: int = 128,
    convs: int = 2,
    levels: Sequence[int] = (3, 7),
    reach: float = 8.0,
    radius: float = 1.5,
    magnify: float = 1.0,
    detections: int = 500,
    box_nms: float = 0.6,
    mask_boxes: int = 32,
    mask_scoring: bool = False,
    mean: float = 0.5,
    scale: float = 0.25,
    weights: str = "none",
) -> DetectorMethod:
    """CenterMask-Lite V-19-SlimDW: depthwise, pyramid and branches of half the channels.

    Parameters
    ----------
    backbone
        One of `cellwright.nets.vovnet.SIZES`.
    channels, convs
        Channels of the pyramid and the branches; 3 x 3 convolutions of each branch.
    levels
        First and last level of the pyramid. Level 2 (stride 4) suits cells of 4 to 60 pixels.
    reach, radius
        Of `cellwright.nets.fcos.Matching`.
    magnify, detections, box_nms, mask_boxes
        Of `cellwright.nets.center_mask.Limits`.
    mask_scoring
        Whether scores are multiplied by a predicted IoU, as in CenterMask2.
    mean, scale
        Images become ``(image - mean) / scale``.
    weights
        "none", or a file of weights as published, to start from.
    """
    if backbone not in SIZES:
        raise InputError(f"there is no backbone {backbone!r}; known are {', '.join(SIZES)}")
    if len(levels) != 2:
        raise InputError(f"levels {levels} came: the first and the last, as 3,7, are wanted")
    classes = len(class_names)
    try:
        pyramid = Pyramid(
            VoVNet(inputs, SIZES[backbone]), channels=channels, first=levels[0], last=levels[1]
        )
        net = CenterMask(
            pyramid,
            Head(channels, classes, towers=convs, levels=len(pyramid.strides)),
            MaskBranch(channels, classes, channels=channels, convs=convs),
            matching=Matching(pyramid.strides, radius=radius, reach=reach),
            limits=Limits(
                detections=detections, box_nms=box_nms, mask_boxes=mask_boxes, magnify=magnify
            ),
            scoring=MaskScoring(channels, classes, channels=channels, convs=convs)
            if mask_scoring
            else None,
            mean=mean,
            scale=scale,
        )
    except ValueError as error:
        raise InputError(f"CenterMask: {error}") from error
    if weights != "none":
        load_published(net, weights)
    return DetectorMethod(net, codec=BoxCodec(tuple(class_names), capacity=detections))


def centermask_v99(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    backbone: str = "v99",
    channels: int = 256,
    convs: int = 4,
    levels: Sequence[int] = (3, 7),
    reach: float = 8.0,
    radius: float = 1.5,
    magnify: float = 1.0,
    detections: int = 2000,
    box_nms: float = 0.6,
    mask_boxes: int = 128,
    mask_scoring: bool = False,
    mean: float = 0.5,
    scale: float = 0.25,
    weights: str = "none",
) -> DetectorMethod:
    """CenterMask V-99, which P3 takes for the oracle; arguments as of `centermask`."""
    return centermask(
        inputs=inputs,
        class_names=class_names,
        backbone=backbone,
        channels=channels,
        convs=convs,
        levels=levels,
        reach=reach,
        radius=radius,
        magnify=magnify,
        detections=detections,
        box_nms=box_nms,
        mask_boxes=mask_boxes,
        mask_scoring=mask_scoring,
        mean=mean,
        scale=scale,
        weights=weights,
    )


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "centermask-v19-slim-dw",
        centermask,
        "CenterMask-Lite: boxes without anchors and masks under spatial attention; small",
        "Lee and Park 2020, P3",
        training={"optimizer": "adamw", "learning_rate": 2e-3, "batch_size": 2},
    ),
    MethodEntry(
        "centermask-v99",
        centermask_v99,
        "CenterMask with VoVNetV2-99: the large model of LIVECell's authors",
        "Lee and Park 2020, P3",
        training={"optimizer": "sgd", "learning_rate": 5e-3, "batch_size": 8},
    ),
)
