"""Mask R-CNN as P1 and P5 train it: ResNet-50 with a feature pyramid, COCO weights if wanted.

He et al. 2017 (arXiv 1703.06870); parts and checkpoint are torchvision's (BSD-3-Clause). Our
own code (BSD-3-Clause). Deviations are listed in `nets.mask_rcnn`.
"""

from __future__ import annotations

import logging
import pickle
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.codecs.boxes import BoxCodec
from cellwright.fetch import RemoteFile, Weights, download
from cellwright.nets.mask_rcnn import MaskRCNN
from cellwright.types import InputError
from cellwright.zoo.entry import MethodEntry
from cellwright.zoo.instance import DetectorMethod

log = logging.getLogger(__name__)

#: torchvision's MaskRCNN_ResNet50_FPN_Weights.COCO_V1; its name ends with the first digits of
#: its SHA-256
COCO = Weights(
    "maskrcnn-resnet50-fpn-coco",
    "Mask R-CNN, ResNet-50-FPN, torchvision's first weights",
    (
        RemoteFile(
            "https://download.pytorch.org/models/maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
            "maskrcnn_resnet50_fpn_coco-bf2d0c1e.pth",
        ),
    ),
    "BSD-3-Clause",
    "COCO 2017: 118 thousand photographs of everyday things",
    page="https://docs.pytorch.org/vision/stable/models/mask_rcnn.html",
)
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
    checkpoint = coco_weights() if coco else {}
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


def coco_weights() -> dict[str, Tensor]:
    """torchvision's COCO checkpoint by tensor name, downloaded unless it is in the cache.

    Raises
    ------
    InputError
        It cannot be fetched or is damaged; the message says how to go on without.
    """
    file = COCO.files[0]
    otherwise = "or train from random weights: --option weights=none"
    try:
        fetched = download(file, COCO.folder)
    except InputError as error:
        raise InputError(f"{error}; put it into {COCO.folder}, {otherwise}") from error
    digits = Path(file.name).stem.rsplit("-", 1)[1]
    if not fetched.sha256.startswith(digits):
        raise InputError(
            f"{fetched.path} has the hash {fetched.sha256[:12]}..., its name says {digits}: it is "
            f"damaged or another file; delete it and try again, {otherwise}"
        )
    try:
        return dict(torch.load(fetched.path, map_location="cpu", weights_only=True))
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{fetched.path} cannot be read: {error}; {otherwise}") from error


def start_from(checkpoint: Mapping[str, Tensor], net: MaskRCNN) -> tuple[str, ...]:
    """Take over what fits of a Mask R-CNN checkpoint of torchvision.

    The first convolution is adapted to the input channels (`for_inputs`). Tensors of the
    class-specific layers do not fit and start afresh.

    Returns
    -------
    Names of the tensors of either side that were not taken over; they are logged too.
    """
    source = {renamed(name): value for name, value in checkpoint.items()}
    first = "backbone.body.conv1.weight"
    target = net.state_dict()
    if first in source:
        source[first] = for_inputs(source[first], target[first].shape[1])
    source = {n: v for n, v in source.items() if not n.endswith("num_batches_tracked")}
    fits = {n: v for n, v in source.items() if n in target and target[n].shape == v.shape}
    if not fits:
        raise InputError("no tensor of the checkpoint fits Mask R-CNN: is it one of torchvision's?")
    net.load_state_dict(fits, strict=False)
    unfit = tuple(sorted((set(source) | set(target)) - set(fits)))
    if unfit:
        log.warning("not taken over, and trained from random values: %s", ", ".join(unfit))
    return unfit


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


def renamed(name: str) -> str:
    """The present name of a tensor of torchvision's first Mask R-CNN checkpoint.

    Examples
    --------
    >>> renamed("backbone.fpn.inner_blocks.0.weight"), renamed("roi_heads.mask_head.mask_fcn2.bias")
    ('backbone.fpn.inner_blocks.0.0.weight', 'roi_heads.mask_head.1.0.bias')
    """
    parts = name.split(".")
    if name.startswith("backbone.fpn.") and len(parts) == 5:
        parts.insert(4, "0")
    elif name.startswith("rpn.head.conv.") and len(parts) == 4:
        parts[3:3] = ["0", "0"]
    elif parts[-2].startswith("mask_fcn") and parts[-2][8:].isdigit():
        parts[-2:-1] = [str(int(parts[-2][8:]) - 1), "0"]
    return ".".join(parts)


def for_inputs(kernels: Tensor, inputs: int) -> Tensor:
    """First kernels, (output, 3, row, column), for another number of input channels.

    Each channel gets the mean of the three, times 3 / inputs: a grey image in all channels
    is answered as before. Three channels keep their own.
    """
    if inputs == kernels.shape[1]:
        return kernels
    mean = kernels.mean(dim=1, keepdim=True) * (kernels.shape[1] / inputs)
    return mean.repeat(1, inputs, 1, 1)


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
