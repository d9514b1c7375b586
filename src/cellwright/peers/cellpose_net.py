"""Cellpose's network of versions 1 to 3 in our loop, with its losses.

Paper: Stringer, Wang, Michaelos & Pachitariu 2021 (Cellpose), methods, "Model architecture" and
"Model training". The network (`cellpose.resnet_torch.CPnet`, a residual U-Net with a style
vector) is the package's (BSD-3-Clause); this file is our own.

Deviations
----------
- Version 4 has no such network, only a ViT-L of 305 million weights that trains from 1.2 GB of
  published weights: it runs as a `Segmenter`, and trains with the package's own command.
- Crops are not scaled to a common diameter; our loop magnifies them at random instead.
- Several classes are several triples of outputs.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.peers import packages
from cellwright.peers.cellpose import model_file
from cellwright.types import InputError

log = logging.getLogger(__name__)

#: factor of the flows that the network learns (methods, "Model training")
FLOW_SCALE = 5.0


class CellposeNet(nn.Module):
    """CPnet of Cellpose 3 with named outputs.

    Parameters
    ----------
    inputs, classes
        Input planes; classes, each of which has its own flows.
    widths
        Channels of the levels.
    weights
        ``"none"``, a published name of version 3 (``"nuclei"``, ``"cyto3"``), or a file.
    """

    def __init__(
        self,
        inputs: int = 1,
        *,
        classes: int = 1,
        widths: Sequence[int] = (32, 64, 128, 256),
        weights: str = "none",
    ) -> None:
        super().__init__()
        packages.cellpose(major=3)
        from cellpose.resnet_torch import CPnet

        self.inputs, self.classes = inputs, classes
        # Published weights read two planes: the second is empty where there is one only.
        self.planes = inputs if weights == "none" else max(inputs, 2)
        self.stride = 2 ** (len(widths) - 1)
        self.net = CPnet([self.planes, *widths], 3 * classes, 3, mkldnn=False, max_pool=True)
        if weights != "none":
            load_published(self.net, model_file(weights, 3))

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """``flows`` (image, class, 2, row, column) and ``inside`` (image, class, row, column).

        Rows and columns are multiples of `stride`.
        """
        extra = self.planes - self.inputs
        if extra:
            images = torch.cat([images, images.new_zeros(len(images), extra, *images.shape[2:])], 1)
        rows, cols = images.shape[-2:]
        if self.training and len(images) * rows * cols <= self.stride**2:
            # the coarsest map would be a single pixel, which has no variance to normalise by
            images = nn.functional.pad(images, (0, self.stride, 0, 0), mode="replicate")
        maps = self.net(images)[0][..., :rows, :cols].unflatten(1, (self.classes, 3))
        return {"flows": maps[:, :, :2], "inside": maps[:, :, 2]}


def flow_losses(outputs: Mapping[str, Tensor], targets: Mapping[str, Any]) -> dict[str, Tensor]:
    """Half the mean squared error of the flows, and binary cross-entropy of the pixels.

    Source: methods, "Model training": the flows are learned five times as long as they are.
    """
    rows, cols = targets["inside"].shape[-2:]
    flows = outputs["flows"][..., :rows, :cols].float()
    inside = outputs["inside"][..., :rows, :cols].float()
    return {
        "flows": 0.5 * nn.functional.mse_loss(flows, FLOW_SCALE * targets["flows"].float()),
        "inside": nn.functional.binary_cross_entropy_with_logits(inside, targets["inside"].float()),
    }


def load_published(net: nn.Module, path: Path) -> None:
    """Weights of a Cellpose 3 file into `net`; those of the last layer only where they fit.

    Raises
    ------
    InputError
        If the file is not one of weights, or of a network of other widths or planes.
    """
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
        own = net.state_dict()
        fresh = [k for k in own if k not in state or state[k].shape != own[k].shape]
    except Exception as error:
        line = " ".join(str(error).split())
        raise InputError(f"{path} is not a file of Cellpose 3 weights: {line[:160]}") from error
    wrong = [name for name in fresh if not name.startswith("output.2")]
    if wrong:
        raise InputError(
            f"{path}: {len(wrong)} weights do not fit, {wrong[0]} first; published weights want "
            "widths 32,64,128,256 and at most two input planes"
        )
    net.load_state_dict(
        {k: v for k, v in state.items() if k in own and k not in fresh}, strict=False
    )
    if fresh:
        log.info("%s: fresh weights for %s", path.name, ", ".join(fresh))
