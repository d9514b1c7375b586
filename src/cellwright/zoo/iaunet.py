"""IAUNet: queries refined level by level on a U-Net, with an encoder that can be pretrained.

Paper: Prytula et al. 2025, "IAUNet: Instance-Aware U-Net", arXiv 2508.01928: ResNet-50, 256
channels, 100 queries, AdamW at 1e-4 with a decay of 0.05.
Licence: our own code (BSD-3-Clause), written from the paper. ImageNet weights are torchvision's
(BSD-3-Clause), downloaded when they are asked for.
Deviations: those of `cellwright.nets.iaunet`; by default a compact encoder from scratch at a
learning rate of 1e-3, for minutes on a CPU. `ORIGINAL` are the options of the paper's network.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from torch import Tensor, nn

from cellwright.codecs.queries import QueryCodec
from cellwright.fetch import RemoteFile, Weights
from cellwright.losses.set_prediction import SetCriterion
from cellwright.nets.encoders import RESNETS, CompactEncoder, ResNetEncoder
from cellwright.nets.iaunet import IAUNet
from cellwright.types import InputError
from cellwright.zoo.entry import COMPACT, MethodEntry
from cellwright.zoo.instance import QueryMethod
from cellwright.zoo.torchvision_weights import for_inputs, published

ENCODERS = ("compact", *RESNETS)
CHOICES = ("none", "imagenet")

#: options of the network of the paper
ORIGINAL: Mapping[str, Any] = {
    "encoder": "resnet50",
    "dim": 256,
    "heads": 8,
    "blocks": 3,
    "mask_stride": 4,
    "dropout": 0.1,
    "normalise": "batch",
    "light": True,
    "start": "learned",
    "placed": False,
}

#: torchvision's ResNet{18,50}_Weights.IMAGENET1K_V1 and V2; a file's name ends with the first
#: digits of its SHA-256
IMAGENET: Mapping[str, Weights] = {
    name: Weights(
        f"{name}-imagenet",
        f"{name}, torchvision's weights",
        (RemoteFile(f"https://download.pytorch.org/models/{file}", file),),
        "BSD-3-Clause",
        "ImageNet-1k: 1.3 million photographs of 1000 kinds of things",
        page=f"https://docs.pytorch.org/vision/stable/models/generated/torchvision.models.{name}.html",
    )
    for name, file in (
        ("resnet18", "resnet18-f37072fd.pth"),
        ("resnet50", "resnet50-11ad3fa6.pth"),
    )
}


def iaunet(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    encoder: str = "compact",
    weights: str = "none",
    widths: Sequence[int] = COMPACT,
    queries: int = 100,
    dim: int = 64,
    heads: int = 4,
    blocks: int = 3,
    hidden: int | None = None,
    dropout: float = 0.0,
    mask_stride: int | None = None,
    start: str = "peaks",
    placed: bool = True,
    masked: bool = False,
    coordinates: bool = True,
    normalise: str = "group",
    light: bool = False,
    loss_weights: Mapping[str, float] | None = None,
) -> QueryMethod:
    """IAUNet; options as of `cellwright.nets.iaunet.IAUNet`.

    Parameters
    ----------
    encoder
        ``"compact"`` (of `widths`), ``"resnet18"`` or ``"resnet50"``.
    weights
        ``"imagenet"`` starts a ResNet from torchvision's weights, which are downloaded once.
    queries
        Most cells found in one window: where crops show more, they are drawn larger.
    mask_stride
        Pixels per pixel of a mask; None is 2 with the compact encoder, 4 with a ResNet.
    loss_weights
        Weights of `SetCriterion` by name, for the losses and for the matching.

    Raises
    ------
    InputError
        An unknown choice, or weights that cannot be had or do not fit.
    """
    if encoder not in ENCODERS:
        raise InputError(f"encoder={encoder} came: one of {', '.join(ENCODERS)} is wanted")
    if weights not in CHOICES:
        raise InputError(f"weights={weights} came: one of {', '.join(CHOICES)} is wanted")
    if encoder == "compact":
        if weights != "none":
            raise InputError(
                "the compact encoder has no published weights: give --option encoder=resnet50 "
                "(or resnet18), or --option weights=none"
            )
        features: nn.Module = CompactEncoder(inputs, widths=tuple(widths), normalise=normalise)
    else:
        features = ResNetEncoder(inputs, name=encoder)
        if weights == "imagenet":
            start_from(published(IMAGENET[encoder]), features)
    stride = mask_stride or (2 if encoder == "compact" else 4)
    net = IAUNet(
        features,
        classes=len(class_names),
        queries=queries,
        dim=dim,
        mask_stride=stride,
        blocks=blocks,
        heads=heads,
        hidden=hidden,
        dropout=dropout,
        start=start,
        placed=placed,
        masked=masked,
        coordinates=coordinates,
        normalise=normalise,
        light=light,
    )
    chosen: dict[str, Any] = dict(loss_weights or {})
    criterion = replace(SetCriterion(stride=stride), **chosen)
    return QueryMethod(
        net, criterion=criterion, codec=QueryCodec(tuple(class_names), capacity=queries)
    )


def start_from(checkpoint: Mapping[str, Tensor], encoder: ResNetEncoder) -> None:
    """Take over all layers of a ResNet of torchvision but its classifier.

    The first convolution is adapted to the input channels, as of `for_inputs`.

    Raises
    ------
    InputError
        If a tensor is missing or has another shape.
    """
    found = {n: v for n, v in checkpoint.items() if not n.startswith("fc.")}
    wanted = encoder.body.state_dict()
    if "conv1.weight" in found:
        found["conv1.weight"] = for_inputs(found["conv1.weight"], wanted["conv1.weight"].shape[1])
    wrong = sorted(
        n
        for n in set(found) ^ set(wanted) | set(found) & set(wanted)
        if not n.endswith("num_batches_tracked")
        and (n not in found or n not in wanted or found[n].shape != wanted[n].shape)
    )
    if wrong:
        raise InputError(f"the weights are of another ResNet: {', '.join(wrong[:5])} do not fit")
    encoder.body.load_state_dict(found, strict=False)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "iaunet",
        iaunet,
        "U-Net with queries refined level by level, one mask each; overlapping cells",
        "Prytula 2025 (arXiv 2508.01928)",
        training={
            "learning_rate": 1e-3,
            "weight_decay": 0.01,
            "optimizer": "adamw",
            "schedule": "one-cycle",
            "batch_size": 2,
            "crop": 256,
        },
    ),
)
