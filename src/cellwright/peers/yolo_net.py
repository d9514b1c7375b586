"""YOLOv8-seg and YOLOv5-seg in our loop: the package's network and criterion, our targets.

Papers: Jocher et al. 2023 (YOLOv8), Jocher et al. 2020 (YOLOv5), Bolya et al. 2019 (masks
from prototypes). Licence: this file is our own (BSD-3-Clause); the network and the losses are
built by ultralytics, which is AGPL-3.0 and not part of this package.

Deviations
----------
- YOLOv5-seg: the package has no such model. Its table of YOLOv5's layers is taken and the last
  one, the detection head, replaced by the segmentation head of YOLOv8 (32 prototypes of 256
  channels). So it is anchor-free with YOLOv8's losses; the original of 2022 has anchors, and
  weights of its repository do not fit.
- Masks are learned one by one (`overlap_mask` off), because cells overlap, and against the
  share of each prototype pixel that the cell covers instead of yes or no, so that a cell of
  a few pixels still has a target.
- Images are neither resized nor letterboxed; inputs are 1-4 planes in [0, 1].
- Boxes that overlap by more than `box_nms` are thinned before masks are drawn, as the package
  does; the codec then thins by masks.
- The exponential moving average of the weights, mosaic and close-mosaic of the package's own
  trainer belong to its loop, not to the network, and are not used.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import SimpleNamespace
from typing import Any

import torch
from torch import Tensor, nn
from torchvision.ops import batched_nms

from cellwright.codecs.instances import FLOOR
from cellwright.peers import packages
from cellwright.types import InputError

SCALES = ("n", "s", "m", "l", "x")
FAMILIES = ("yolov8", "yolov5")
#: weights of the parts of the loss, the package's own defaults
GAINS = {"box": 7.5, "cls": 0.5, "dfl": 1.5}
#: pixels of an image per prototype pixel
PROTOTYPE_STEP = 4


class YoloNet(nn.Module):
    """A segmentation network of ultralytics with its criterion.

    Parameters
    ----------
    family
        ``"yolov8"`` or ``"yolov5"``.
    scale
        ``"n"``, ``"s"``, ``"m"``, ``"l"`` or ``"x"``.
    inputs
        Input planes.
    classes
        Number of classes.
    detections
        Cells found in an image at most.
    box_nms
        Of two boxes of one class with a larger IoU the one of the lower score goes.
    """

    stride = 32

    def __init__(
        self,
        family: str = "yolov8",
        *,
        scale: str = "n",
        inputs: int = 1,
        classes: int = 1,
        detections: int = 1000,
        box_nms: float = 0.7,
    ) -> None:
        super().__init__()
        self.model = _built(family, scale, inputs, classes)
        self.model.model[-1].dynamic = True  # its anchors are made anew for each call
        self.classes = classes
        self.detections = detections
        self.box_nms = box_nms

    def losses(self, images: Tensor, targets: Mapping[str, Any]) -> dict[str, Tensor]:
        """Box, mask, class and distance losses, each a mean over cells, weighted by `GAINS`.

        Parameters
        ----------
        images
            (image, inputs, row, column), rows and columns multiples of `stride`.
        targets
            ``boxes``, ``classes`` and ``crops``, each a list with one tensor per image.
        """
        if self.training and images.shape[0] * images.shape[2] * images.shape[3] <= self.stride**2:
            # the coarsest map would be a single pixel, which has no variance to normalise by
            images = nn.functional.pad(images, (0, self.stride, 0, 0), mode="replicate")
        raw = self._raw(images)
        batch = _batch(targets, tuple(images.shape[-2:]), images.device)
        with torch.autocast(images.device.type, enabled=False):
            parts, _ = self._criterion()(raw, batch)
        parts = parts / len(images)
        return {"box": parts[0], "mask": parts[1], "class": parts[2], "distance": parts[3]}

    def detect(self, images: Tensor, *, least: float = FLOOR) -> list[dict[str, Tensor]]:
        """The best boxes of each image, with what `codecs.prototypes` draws masks from."""
        raw = self._raw(images)
        boxes = self._boxes(raw)
        chance = raw["scores"].sigmoid().transpose(1, 2)
        coefficients = raw["mask_coefficient"].transpose(1, 2)
        found = []
        for k in range(len(images)):
            scores, classes = chance[k].max(dim=1)
            above = torch.nonzero(scores >= least)[:, 0]
            best = above[scores[above].argsort(descending=True, stable=True)][: 8 * self.detections]
            keep = best[batched_nms(boxes[k, best], scores[best], classes[best], self.box_nms)]
            keep = keep[: self.detections]
            found.append(
                {
                    "boxes": boxes[k, keep][:, [1, 0, 3, 2]],
                    "scores": scores[keep],
                    "classes": classes[keep],
                    "coefficients": coefficients[k, keep],
                    "prototypes": raw["proto"][k],
                }
            )
        return found

    def _raw(self, images: Tensor) -> dict[str, Any]:
        """The head's maps in float32, whatever the mode."""
        answer = self.model(images)
        raw = answer[1] if isinstance(answer, tuple) else answer
        return {
            name: [v.float() for v in value] if isinstance(value, list | tuple) else value.float()
            for name, value in raw.items()
        }

    def _boxes(self, raw: Mapping[str, Any]) -> Tensor:
        """(image, anchor, 4) x0, y0, x1, y1 in pixels: distances from each anchor's middle."""
        head = self.model.model[-1]
        distances = raw["boxes"].unflatten(1, (4, head.reg_max)).softmax(2)
        bins = torch.arange(head.reg_max, dtype=torch.float32, device=distances.device)
        sides = torch.einsum("bsra,r->bas", distances, bins)
        parts = []
        start = 0
        for level, step in zip(raw["feats"], head.stride.tolist(), strict=True):
            rows, cols = level.shape[-2:]
            y, x = torch.meshgrid(
                torch.arange(rows, device=sides.device) + 0.5,
                torch.arange(cols, device=sides.device) + 0.5,
                indexing="ij",
            )
            middle = torch.stack([x, y], dim=-1).reshape(1, -1, 2)
            side = sides[:, start : start + rows * cols]
            start += rows * cols
            parts.append(torch.cat([middle - side[..., :2], middle + side[..., 2:]], -1) * step)
        return torch.cat(parts, dim=1)

    def _criterion(self) -> Any:
        """The package's criterion, made for the device the weights are on."""
        from ultralytics.utils.loss import v8SegmentationLoss

        self.model.args = SimpleNamespace(**GAINS, overlap_mask=False)
        return v8SegmentationLoss(self.model)


def _built(family: str, scale: str, inputs: int, classes: int) -> nn.Module:
    if family not in FAMILIES or scale not in SCALES:
        raise InputError(
            f"there is no {family!r} of size {scale!r}; there are {', '.join(FAMILIES)} of sizes "
            f"{', '.join(SCALES)}"
        )
    packages.ultralytics()
    from ultralytics.nn.tasks import SegmentationModel, yaml_model_load

    if family == "yolov8":
        table = yaml_model_load(f"yolov8{scale}-seg.yaml")
    else:
        table = yaml_model_load(f"yolov5{scale}.yaml")
        levels = table["head"][-1][0]
        table["head"][-1] = [levels, 1, "Segment", ["nc", 32, 256]]
    return SegmentationModel(table, ch=inputs, nc=classes, verbose=False)


def _batch(
    targets: Mapping[str, Any], shape: tuple[int, int], device: torch.device
) -> dict[str, Tensor]:
    """Targets as the package's criterion wants them: cells of all images one after the other."""
    scale = torch.tensor([shape[1], shape[0]], dtype=torch.float32, device=device)
    owners, boxes, masks = [], [], []
    for k, (box, crop) in enumerate(zip(targets["boxes"], targets["crops"], strict=True)):
        box = box.to(device).float()
        middle, size = (box[:, :2] + box[:, 2:]) / 2, box[:, 2:] - box[:, :2]
        owners.append(torch.full((len(box),), k, dtype=torch.float32, device=device))
        boxes.append(torch.cat([middle.flip(1) / scale, size.flip(1) / scale], dim=1))
        masks.append(covered(box, crop.to(device), shape))
    return {
        "batch_idx": torch.cat(owners),
        "cls": torch.cat([c.to(device).float() for c in targets["classes"]]),
        "bboxes": torch.cat(boxes),
        "masks": torch.cat(masks),
    }


def covered(
    boxes: Tensor, crops: Tensor, shape: Sequence[int], step: int = PROTOTYPE_STEP
) -> Tensor:
    """Share of each block of pixels that a cell covers, (cell, rows / step, columns / step).

    Parameters
    ----------
    boxes, crops
        As of `codecs.instances.cell_targets`.
    shape
        Rows and columns of the image, multiples of `step`.
    """
    rows, cols = shape[0] // step, shape[1] // step
    share = torch.zeros(len(boxes), rows * cols, device=boxes.device)
    cell, row, col = crops.nonzero(as_tuple=True)
    corner = boxes[:, :2].round().long()
    row, col = (row + corner[cell, 0]) // step, (col + corner[cell, 1]) // step
    inside = (row < rows) & (col < cols)
    cell, place = cell[inside], (row * cols + col)[inside]
    one = torch.ones(len(place), device=boxes.device)
    share.view(-1).index_add_(0, cell * rows * cols + place, one)
    return share.view(-1, rows, cols) / step**2
