"""torchvision's COCO checkpoint of Mask R-CNN: where it lies, renamed, fitted to other inputs.

Checkpoint and names are torchvision's (BSD-3-Clause). Our own code (BSD-3-Clause).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping

from torch import Tensor, nn

from cellwright.fetch import RemoteFile, Weights
from cellwright.types import InputError
from cellwright.zoo.torchvision_weights import for_inputs

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


def start_from(checkpoint: Mapping[str, Tensor], net: nn.Module) -> tuple[str, ...]:
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
