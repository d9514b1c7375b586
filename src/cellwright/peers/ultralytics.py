"""YOLOv8-seg and YOLOv5-seg of ultralytics as a `Segmenter`, from a file of weights.

The network is `yolo_net`; its deviations stand there. Licence of this file: our own
(BSD-3-Clause); ultralytics and its published weights are AGPL-3.0.

A ``.pt`` file of ultralytics is a pickle of whole objects. It is read by the package's
restricted loader only (``weights_only`` with a list of its own classes), which runs no code of
the file; what that refuses is refused here. From what is read only the numbers are kept, and put
into a network built anew. ``.safetensors`` files hold nothing but numbers.
"""

from __future__ import annotations

import inspect
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.augment import intensity_range, normalise
from cellwright.codecs.prototypes import PrototypeCodec
from cellwright.device import resolve
from cellwright.peers import packages
from cellwright.peers.weights import PEER_WEIGHTS
from cellwright.types import Image, InputError, Instances

if TYPE_CHECKING:
    from torch import Tensor

    from cellwright.peers.yolo_net import YoloNet

log = logging.getLogger(__name__)

ARCHITECTURE = re.compile(r"yolo(v8|v5)([nsmlx])(?:-?seg)?")


@dataclass(frozen=True, slots=True, kw_only=True)
class YoloSegmenter:
    """A loaded YOLO network with its thresholds.

    Parameters
    ----------
    net
        The network, in evaluation mode.
    codec
        Draws the cells.
    inputs
        Planes the network reads; an image of one plane is repeated.
    """

    net: YoloNet
    codec: PrototypeCodec
    inputs: int

    def segment(self, image: Image) -> Instances:
        """Cells of `image` at its own size; masks may overlap."""
        import torch

        if image.size("T") > 1 or image.size("Z") > 1:
            raise InputError(
                f"YOLO takes one plane, an image with axes {image.axes!r} came: choose or project "
                "its planes first"
            )
        planes = image.stack()
        if len(planes) not in (1, self.inputs):
            raise InputError(
                f"these weights read {self.inputs} channels, {len(planes)} came: choose them with "
                "--option channels=..."
            )
        planes = normalise(planes, *intensity_range(planes))
        if len(planes) != self.inputs:
            planes = np.repeat(planes, self.inputs, axis=0)
        rows, cols = image.shape
        add = ((0, 0), (0, -rows % self.net.stride), (0, -cols % self.net.stride))
        padded = torch.from_numpy(np.pad(planes, add, mode="edge").astype(np.float32))[None]
        with torch.inference_mode():
            found = self.net.detect(padded.to(next(self.net.parameters()).device))[0]
        size = (int(padded.shape[-2]), int(padded.shape[-1]))
        return self.codec.select(self.codec.candidates(found, shape=image.shape, padded=size))


def yolo(
    *,
    weights: str | None = None,
    model: str | None = None,
    classes: str | Sequence[str] | None = None,
    score: float = 0.25,
    nms: float = 0.7,
    min_size: int = 15,
    box_nms: float = 0.7,
    detections: int = 1000,
    device: str = "auto",
) -> YoloSegmenter:
    """A YOLO segmenter.

    Parameters
    ----------
    weights
        A ``.safetensors`` or ``.pt`` file, or a name of ``cellwright models list``
        (``yolov8n-seg``); it must be given, for none of those knows cells.
    model
        ``yolov8n-seg`` to ``yolov8x-seg``, ``yolov5n-seg`` to ``yolov5x-seg``; None reads it
        from the weights or from the name of the file.
    classes
        Names of the classes, in the order of the network; None takes those of the weights.
    score, nms, min_size
        Least score, largest IoU of two masks of one class, least pixels of a cell.
    box_nms, detections
        See `YoloNet`.
    device
        As of `cellwright.device.resolve`.

    Raises
    ------
    InputError
        If the package or the file is not here, or the weights do not fit the network.
    """
    if weights is None:
        raise InputError(
            "YOLO wants a file of weights, for the published ones know no cells: train some with "
            "`cellwright train --method yolov8-seg`, or give --option weights=FILE"
        )
    from cellwright.peers.yolo_net import YoloNet

    path = weights_file(str(weights))
    state, facts = read_weights(path)
    family, scale = _architecture(model or facts.get("model") or path.name)
    try:
        inputs = int(state["model.0.conv.weight"].shape[1])
        count = next(len(v) for k, v in state.items() if k.endswith("cv3.0.2.weight"))
    except (KeyError, StopIteration) as error:
        raise InputError(f"{path} holds no weights of a YOLO segmentation network") from error
    names = _class_names(classes, facts.get("classes"), count)
    net = YoloNet(
        family, scale=scale, inputs=inputs, classes=count, detections=detections, box_nms=box_nms
    )
    try:
        net.model.load_state_dict(state)
    except RuntimeError as error:
        line = " ".join(str(error).split())
        raise InputError(
            f"{path}: the weights do not fit {family}{scale}-seg: {line[:200]}; name the network "
            "with --option model=yolov8s-seg or another"
        ) from error
    codec = PrototypeCodec(names, score=score, nms=nms, min_area=min_size, capacity=detections)
    return YoloSegmenter(net=net.eval().to(resolve(device)), codec=codec, inputs=inputs)


def start_from(net: YoloNet, weights: str) -> list[str]:
    """Put into `net` the weights that have a place of their name and shape there.

    Parameters
    ----------
    net
        The network that will be trained.
    weights
        As of `yolo`; other classes and input planes leave the layers that see them fresh.

    Returns
    -------
    Names that stay fresh; they are logged.

    Raises
    ------
    InputError
        If fewer than half of the weights fit: the file is of another network.
    """
    path = weights_file(weights)
    state, _ = read_weights(path)
    own = net.model.state_dict()
    fits = {k: v for k, v in state.items() if k in own and own[k].shape == v.shape}
    fresh = [name for name in own if name not in fits]
    if 2 * len(fits) < len(own):
        raise InputError(
            f"{path}: {len(fits)} of {len(own)} weights fit; it is of another network or size"
        )
    net.model.load_state_dict(fits, strict=False)
    log.info("%s: %d weights taken, fresh are %s", path, len(fits), ", ".join(fresh) or "none")
    return fresh


def weights_file(weights: str) -> Path:
    """The file of `weights`: as given, or fetched by ``cellwright models fetch``.

    Raises
    ------
    InputError
        If it is not on this machine; the message says how to get it.
    """
    path = Path(weights).expanduser()
    if path.is_file():
        return path
    known = {r.name: r for r in PEER_WEIGHTS if r.name.startswith("yolo")}
    record = known.get(weights.removesuffix(".pt"))
    if record is None:
        raise InputError(
            f"there are no YOLO weights {weights!r}: give a .safetensors or .pt file, or one of "
            f"{', '.join(known)}"
        )
    if record.is_here:
        return record.path
    file = record.files[0]
    raise InputError(
        f"the weights {record.name} are not on this machine: `cellwright models fetch "
        f"{record.name}` ({record.licence}), or put {file.url} as {file.name} into "
        f"{record.folder} (SHA-256: none published; recorded at the first download)"
    )


def read_weights(path: Path) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """Weights by name, and what the file says of its network; no code of the file is run.

    Raises
    ------
    InputError
        If the file holds anything but weights and the package's own classes.
    """
    if path.suffix == ".safetensors":
        from safetensors import SafetensorError
        from safetensors.torch import load_file

        try:
            return _plain(load_file(path)), {}
        except SafetensorError as error:
            raise InputError(f"{path} is not a readable safetensors file: {error}") from error
    if path.suffix != ".pt":
        raise InputError(f"{path}: YOLO weights are a .safetensors or a .pt file")
    packages.ultralytics()
    from ultralytics.nn.tasks import torch_safe_load

    if "safe_only" not in inspect.signature(torch_safe_load).parameters:
        raise packages.MissingPackage(
            "this ultralytics has no restricted loader, so that its .pt files could run code: "
            '`pip install -U "ultralytics>=8.4.100"`, or give a .safetensors file'
        )
    try:
        content, _ = torch_safe_load(path, safe_only=True)
    except Exception as error:
        line = " ".join(str(error).split())
        raise InputError(
            f"{path} cannot be read without running code of it, which is not done ({line[:160]}); "
            "where you trust it, save its state_dict as .safetensors and give that"
        ) from error
    return _from_checkpoint(content)


def _from_checkpoint(content: Any) -> tuple[dict[str, Tensor], dict[str, Any]]:
    """What is wanted of the dictionary that the package's trainer saves."""
    held = content.get("ema") or content.get("model") or content
    if isinstance(held, Mapping):
        return _plain(held), {}
    table = getattr(held, "yaml", None) or {}
    names = getattr(held, "names", None)
    facts = {
        "model": Path(str(table.get("yaml_file", ""))).stem or None,
        "classes": [str(names[k]) for k in sorted(names)] if isinstance(names, dict) else None,
    }
    return _plain(held.state_dict()), facts


def _plain(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Weights in float32 under the names that the package uses, ours brought back to them."""
    ours = any(name.startswith("model.model.") for name in state)
    return {
        (name.removeprefix("model.") if ours else name): value.float()
        if value.is_floating_point()
        else value
        for name, value in state.items()
    }


def _architecture(name: str) -> tuple[str, str]:
    found = ARCHITECTURE.search(name)
    if found is None:
        raise InputError(
            f"{name!r} does not tell the network: name it with --option model=yolov8n-seg (sizes "
            "n, s, m, l, x; or yolov5n-seg)"
        )
    return f"yolo{found[1]}", found[2]


def _class_names(
    given: str | Sequence[str] | None, found: Sequence[str] | None, count: int
) -> tuple[str, ...]:
    names = given.split(",") if isinstance(given, str) else given
    names = names or found or (["cell"] if count == 1 else [f"class {k}" for k in range(count)])
    if len(names) != count:
        raise InputError(f"{len(names)} class names came, the weights know {count} classes")
    return tuple(str(name).strip() for name in names)
