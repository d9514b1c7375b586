"""Published weights of CenterMask2 and VoVNetV2, read into our network.

The files come from the authors of CenterMask2 (models of COCO, backbones of ImageNet; CC BY-NC
4.0) and of LIVECell (models of its cells, trained from those backbones on images under CC BY-NC
4.0): they are not ours, are not downloaded by us and do not fall under our licence. The names
in such files are facts taken from the authors' public model descriptions; this code is our own
(BSD-3-Clause).

Nothing but tensors is unpickled (``weights_only=True``); safetensors files are read as well.
"""

from __future__ import annotations

import logging
import pickle
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file
from torch import Tensor

from cellwright.nets.center_mask import CenterMask
from cellwright.types import InputError

logger = logging.getLogger(__name__)

LICENCE = (
    "weights of CenterMask2 and VoVNetV2 are published for non-commercial use (CC BY-NC 4.0), "
    "those of LIVECell are trained from them; take what you train from either to be so too"
)

Rule = tuple[str, Callable[[re.Match[str], int], str]]

_FCOS = r"proposal_generator\.fcos_head\."
_MASK = r"roi_heads\.mask_head\."
_SCORING = r"roi_heads\.maskiou_head\."
#: start of a published name, and what it is in ours when the pyramid begins at level `first`
_PARTS: tuple[Rule, ...] = (
    (
        r"(?:backbone\.bottom_up\.)?stem\.stem_(\d)/",
        lambda m, first: f"pyramid.backbone.stem.{int(m[1]) - 1}.",
    ),
    (
        r"(?:backbone\.bottom_up\.)?stage(\d)\.OSA\d_(\d+)\.",
        lambda m, first: f"pyramid.backbone.stages.{int(m[1]) - 2}.{m[2]}.",
    ),
    (
        r"backbone\.fpn_lateral(\d)\.",
        lambda m, first: f"pyramid.fpn.inner_blocks.{int(m[1]) - first}.0.",
    ),
    (
        r"backbone\.fpn_output(\d)\.",
        lambda m, first: f"pyramid.fpn.layer_blocks.{int(m[1]) - first}.0.",
    ),
    (
        r"backbone\.top_block\.p(\d)\.",
        lambda m, first: f"pyramid.fpn.extra_blocks.convs.{int(m[1]) - 6}.",
    ),
    (_FCOS + r"cls_tower\.(\d+)\.", lambda m, first: f"head.classification_head.conv.{m[1]}."),
    (_FCOS + r"bbox_tower\.(\d+)\.", lambda m, first: f"head.regression_head.conv.{m[1]}."),
    (_FCOS + r"cls_logits\.", lambda m, first: "head.classification_head.cls_logits."),
    (_FCOS + r"bbox_pred\.", lambda m, first: "head.regression_head.bbox_reg."),
    (_FCOS + r"ctrness\.", lambda m, first: "head.regression_head.bbox_ctrness."),
    (_FCOS + r"scales\.(\d)\.scale$", lambda m, first: f"head.scales.{int(m[1]) + 3 - first}"),
    (_MASK + r"mask_fcn(\d)\.", lambda m, first: f"mask_branch.convs.{2 * int(m[1]) - 2}."),
    (_MASK + r"spatialAtt\.conv\.", lambda m, first: "mask_branch.attention.conv."),
    (_MASK + r"(deconv|predictor)\.", lambda m, first: f"mask_branch.{m[1]}."),
    (_SCORING + r"maskiou_fcn(\d)\.", lambda m, first: f"scoring.convs.{2 * int(m[1]) - 2}."),
    (_SCORING + r"maskiou_fc1\.", lambda m, first: "scoring.first."),
    (_SCORING + r"maskiou_fc2\.", lambda m, first: "scoring.second."),
    (_SCORING + r"maskiou\.", lambda m, first: "scoring.score."),
)
#: parts of names inside the backbone
_INSIDE: tuple[tuple[str, str], ...] = (
    (r"^layers\.(\d+)\.OSA\d_\d+_\d+/", r"layers.\1."),
    (r"^conv_reduction\.OSA\d_\d+_reduction_0/", "reduction."),
    (r"^concat\.OSA\d_\d+_concat/", "concat."),
    (r"\bdw_conv3x3\.", "depth."),
    (r"\bpw_conv1x1\.", "point."),
    (r"\bpw_norm\.", "norm."),
)


@dataclass(frozen=True, slots=True)
class Loaded:
    """What came of a file of weights.

    Parameters
    ----------
    loaded
        Our names that were filled.
    missing
        Our names that the file does not have, or has in another shape: fresh weights.
    unused
        Names of the file that found no place.
    """

    loaded: tuple[str, ...]
    missing: tuple[str, ...]
    unused: tuple[str, ...]


def our_name(published: str, *, first: int = 3) -> str | None:
    """Our name of a published weight, None where there is none.

    Examples
    --------
    >>> our_name("backbone.bottom_up.stage3.OSA3_1.layers.0.OSA3_1_0/pw_conv1x1.weight")
    'pyramid.backbone.stages.1.1.layers.0.point.weight'
    >>> our_name("backbone.fpn_output4.bias")
    'pyramid.fpn.layer_blocks.1.0.bias'
    """
    for pattern, name in _PARTS:
        found = re.match(pattern, published)
        if found:
            rest = published[found.end() :]
            for part, ours in _INSIDE:
                rest = re.sub(part, ours, rest)
            return name(found, first) + rest
    return None


def read_weights(path: str | Path) -> dict[str, Tensor]:
    """The tensors of a ``.pth``, ``.pt`` or ``.safetensors`` file by their names."""
    path = Path(path)
    if not path.is_file():
        raise InputError(f"there is no file of weights {path}; give its path, or none")
    try:
        if path.suffix == ".safetensors":
            return load_file(path)
        content = torch.load(path, map_location="cpu", weights_only=True)
    except (SafetensorError, pickle.UnpicklingError, RuntimeError, EOFError) as error:
        reason = str(error).strip().splitlines()[0]
        raise InputError(
            f"{path} is not a file of tensors ({reason}); files that hold code are never opened: "
            "save its tensors by name as .safetensors first"
        ) from error
    for name in ("model", "state_dict"):
        if isinstance(content, Mapping) and isinstance(content.get(name), Mapping):
            content = content[name]
    if not isinstance(content, Mapping):
        raise InputError(f"{path} holds no tensors by name; a state dictionary is wanted")
    return {str(k).removeprefix("module."): v for k, v in content.items() if torch.is_tensor(v)}


def load_published(net: CenterMask, path: str | Path) -> Loaded:
    """Fill `net` with published weights as far as names and shapes agree; log what does not.

    Filters of the first layer, made for three colours, are averaged and spread over the
    planes that the network takes, where it does not take three.
    """
    logger.warning("%s: %s", path, LICENCE)
    state = net.state_dict()
    fresh = {name for name in state if not name.endswith("num_batches_tracked")}
    filled: dict[str, Tensor] = {}
    unused: list[str] = []
    for published, tensor in read_weights(path).items():
        name = our_name(published, first=net.pyramid.first)
        if name == "pyramid.backbone.stem.0.conv.weight":
            tensor = _for_planes(tensor, state[name].shape[1])
        if name in fresh and name not in filled and state[name].shape == tensor.shape:
            filled[name] = tensor
        else:
            unused.append(published)
    if not filled:
        raise InputError(
            f"{path} holds no weight of CenterMask2 or VoVNetV2 that fits this network; "
            "choose the backbone, channels and convs that the file was made with"
        )
    net.load_state_dict(filled, strict=False)
    missing = tuple(sorted(fresh - set(filled)))
    logger.warning(
        "%s: %d weights loaded; kept as they were: %s; without a place: %s",
        path,
        len(filled),
        ", ".join(missing) or "none",
        ", ".join(sorted(unused)) or "none",
    )
    return Loaded(tuple(sorted(filled)), missing, tuple(sorted(unused)))


def _for_planes(filters: Tensor, planes: int) -> Tensor:
    """(filter, colour, 3, 3) for another number of planes, with the same answer to grey."""
    colours = filters.shape[1]
    if colours == planes:
        return filters
    return filters.mean(dim=1, keepdim=True).repeat(1, planes, 1, 1) * (colours / planes)
