"""The peers' networks as methods of ours: trained, tuned, predicted and scored like the others.

They need the extra ``peers``; without the package their builders raise
`cellwright.peers.packages.MissingPackage` with the line that installs it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from cellwright.codecs.prototypes import PrototypeCodec
from cellwright.zoo.entry import MethodEntry
from cellwright.zoo.instance import DetectorMethod, QueryMethod


def yolov8_seg(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    scale: str = "n",
    detections: int = 1000,
    box_nms: float = 0.7,
    weights: str = "none",
) -> DetectorMethod:
    """YOLOv8-seg of ultralytics (AGPL-3.0), sizes n, s, m, l, x."""
    return _yolo("yolov8", inputs, class_names, scale, detections, box_nms, weights)


def yolov5_seg(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    scale: str = "n",
    detections: int = 1000,
    box_nms: float = 0.7,
    weights: str = "none",
) -> DetectorMethod:
    """YOLOv5's backbone and neck with YOLOv8's segmentation head (ultralytics, AGPL-3.0)."""
    return _yolo("yolov5", inputs, class_names, scale, detections, box_nms, weights)


def cellpose(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = (32, 64, 128, 256),
    weights: str = "none",
) -> QueryMethod:
    """Cellpose's residual U-Net with flows; needs Cellpose 3, trains on from `weights`."""
    from cellwright.peers.cellpose_flows import FlowCodec
    from cellwright.peers.cellpose_net import CellposeNet, flow_losses

    net = CellposeNet(inputs, classes=len(class_names), widths=tuple(widths), weights=weights)
    return QueryMethod(net, criterion=flow_losses, codec=FlowCodec(tuple(class_names)))


def _yolo(
    family: str,
    inputs: int,
    class_names: Sequence[str],
    scale: str,
    detections: int,
    box_nms: float,
    weights: str,
) -> DetectorMethod:
    from cellwright.peers.yolo_net import YoloNet

    net = YoloNet(
        family,
        scale=scale,
        inputs=inputs,
        classes=len(class_names),
        detections=detections,
        box_nms=box_nms,
    )
    if weights != "none":
        from cellwright.peers.ultralytics import start_from

        start_from(net, weights)
    return DetectorMethod(net, codec=PrototypeCodec(tuple(class_names), capacity=detections))


_YOLO_TRAINING: dict[str, Any] = {"optimizer": "adamw", "learning_rate": 1e-3}

ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "yolov8-seg",
        yolov8_seg,
        "YOLOv8-seg of ultralytics (AGPL-3.0; extra peers): boxes, masks from prototypes",
        "Jocher 2023",
        training=_YOLO_TRAINING,
    ),
    MethodEntry(
        "yolov5-seg",
        yolov5_seg,
        "YOLOv5's layers with YOLOv8's segmentation head (ultralytics, AGPL-3.0; extra peers)",
        "Jocher 2020",
        training=_YOLO_TRAINING,
    ),
    MethodEntry(
        "cellpose",
        cellpose,
        "Cellpose's network and flows (Cellpose 3; extra peers), from nothing or from its weights",
        "Stringer 2021",
        training={"optimizer": "adamw", "learning_rate": 2e-3, "weight_decay": 1e-2},
    ),
)
