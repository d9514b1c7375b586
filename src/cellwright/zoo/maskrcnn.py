"""Mask R-CNN as P1 and P5 train it: ResNet-50 with a feature pyramid, COCO weights if wanted.

He et al. 2017 (arXiv 1703.06870); parts and checkpoint are torchvision's (BSD-3-Clause). Our
own code (BSD-3-Clause). Deviations are listed in `nets.mask_rcnn`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from torch import nn

from cellwright.codecs.boxes import BoxCodec
from cellwright.nets.mask_rcnn import MaskRCNN
from cellwright.types import InputError
from cellwright.zoo.entry import MethodEntry
from cellwright.zoo.instance import DetectorMethod
from cellwright.zoo.maskrcnn_weights import COCO, start_from
from cellwright.zoo.torchvision_weights import published

CHOICES = ("none", "coco")


def maskrcnn(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    weights: str = "none",
    backbone: str = "resnet50",
    norm: str | None = None,
    trainable: int | None = None,
    channels: int = 256,
    hidden: int = 1024,
    anchors: Sequence[int | Sequence[int]] = (8, 16, 32, 64, 128),
    ratios: Sequence[float] = (0.5, 1.0, 2.0),
    anchor_overlap: Sequence[float] = (0.7, 0.3),
    proposals: int = 2000,
    proposal_nms: float = 0.7,
    box_nms: float = 0.5,
    anchor_samples: int = 256,
    box_samples: int = 512,
    detections: int = 500,
    magnify: float = 1.0,
) -> DetectorMethod:
    """Mask R-CNN (P1, P5).

    Parameters
    ----------
    weights
        ``"coco"`` starts from torchvision's weights, which are downloaded once; ``"none"``
        from random ones.
    norm
        ``"group"``, ``"batch"`` or ``"frozen"``; None is frozen with COCO weights, where no
        other fits, and groups without.
    trainable
        Stages of the ResNet that learn, counted from its end, 0 to 5; None is 3 with COCO
        weights, as in torchvision, and all 5 without.
    others
        As of `cellwright.nets.mask_rcnn.MaskRCNN`.

    Raises
    ------
    InputError
        An unknown choice, or COCO weights that cannot be had or do not fit.
    """
    if weights not in CHOICES:
        raise InputError(f"weights={weights} came: one of {', '.join(CHOICES)} is wanted")
    coco = weights == "coco"
    norm = norm or ("frozen" if coco else "group")
    stages = trainable if trainable is not None else (3 if coco else 5)
    if coco and (backbone, norm, channels, hidden) != ("resnet50", "frozen", 256, 1024):
        raise InputError(
            "COCO weights are those of backbone=resnet50, norm=frozen, channels=256, hidden=1024; "
            "leave these options out, or give --option weights=none"
        )
    if not 0 <= stages <= 5:
        raise InputError(f"trainable={stages} came: 0 to 5 stages of the ResNet can learn")
    checkpoint = published(COCO) if coco else {}
    net = MaskRCNN(
        inputs,
        len(class_names),
        backbone=backbone,
        norm=norm,
        channels=channels,
        hidden=hidden,
        anchors=anchors,
        ratios=ratios,
        anchor_overlap=(anchor_overlap[0], anchor_overlap[1]),
        proposals=proposals,
        proposal_nms=proposal_nms,
        box_nms=box_nms,
        anchor_samples=anchor_samples,
        box_samples=box_samples,
        detections=detections,
        magnify=magnify,
    )
    if coco:
        start_from(checkpoint, net)
    hold_still(net.backbone.body, stages)
    return DetectorMethod(net, codec=BoxCodec(tuple(class_names), capacity=detections))


def without_download(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments that build the same network with random weights: what a model folder needs.

    Examples
    --------
    >>> without_download({"weights": "coco"})
    {'norm': 'frozen', 'trainable': 3, 'weights': 'none'}
    """
    if arguments.get("weights", "none") == "none":
        return dict(arguments)
    return {"norm": "frozen", "trainable": 3} | dict(arguments) | {"weights": "none"}


def hold_still(body: nn.Module, stages: int) -> None:
    """Let the last `stages` of a ResNet's five stages learn, and no others."""
    learning = ("layer4", "layer3", "layer2", "layer1", "conv1")[:stages]
    for name, parameter in body.named_parameters():
        stage = name.split(".")[0]
        parameter.requires_grad_(("conv1" if stage == "bn1" else stage) in learning)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "maskrcnn",
        maskrcnn,
        "Mask R-CNN, ResNet-50 with a feature pyramid; weights=coco starts from COCO",
        "He 2017, P1, P5",
        training={
            "learning_rate": 1e-4,
            "weight_decay": 0.0,
            "optimizer": "adam",
            "schedule": "plateau",
            "batch_size": 2,
            "crop": [512, 512],
        },
        settled=without_download,
    ),
)
