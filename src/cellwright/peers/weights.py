"""The peers' published weights by name: where they are, under which licence.

Nobody has published a SHA-256 of these files: it is recorded at the first download, and the
model is marked as unverified. Whether weights trained on data of non-commercial licences may
be used commercially is disputed (Cellpose, issue 192); the records say what is stated.
"""

from __future__ import annotations

from cellwright.fetch import HUB, RemoteFile, Weights

CELLPOSE_3 = "https://www.cellpose.org/models"
CELLPOSE_SAM = f"{HUB}/mouseland/cellpose-sam/resolve/main"
ULTRALYTICS = "https://github.com/ultralytics/assets/releases/download/v8.4.0"

#: names of Cellpose 3 whose file is called otherwise
FILE_NAMES = {"nuclei": "nucleitorch_0", "cyto": "cytotorch_0", "cyto2": "cyto2torch_0"}


#: published names by major version
CELLPOSE_NAMES = {3: ("nuclei", "cyto3", "cyto2", "livecell_cp3"), 4: ("cpsam", "cpsam_v2")}

_KINDS = {
    "nuclei": ("nuclei; what P5 used", "nuclei: fluorescence, histology"),
    "cyto3": ("cells of many kinds, its default", "nine sets of cells and nuclei"),
    "cyto2": ("cells, with images of users", "cells: fluorescence and others"),
    "livecell_cp3": ("LIVECell", "LIVECell: phase contrast"),
}


def _three(name: str) -> Weights:
    summary, trained_on = _KINDS[name]
    file = FILE_NAMES.get(name, name)
    return Weights(
        f"cellpose-{name}",
        f"Cellpose 3, {summary}",
        (RemoteFile(f"{CELLPOSE_3}/{file}", file),),
        "BSD-3, data in part CC-BY-NC",
        trained_on,
        page="https://github.com/MouseLand/cellpose",
    )


def _four(name: str) -> Weights:
    return Weights(
        f"cellpose-{name}",
        "Cellpose 4 (Cellpose-SAM), ViT-L, 1.2 GB",
        (RemoteFile(f"{CELLPOSE_SAM}/{name}", name),),
        "BSD-3, data in part CC-BY-NC",
        "cells and nuclei of the Cellpose sets and others, from SAM",
        hub_id="mouseland/cellpose-sam",
    )


def _yolo(scale: str) -> Weights:
    file = f"yolov8{scale}-seg.pt"
    return Weights(
        f"yolov8{scale}-seg",
        f"YOLOv8-seg, size {scale}",
        (RemoteFile(f"{ULTRALYTICS}/{file}", file),),
        "AGPL-3.0",
        "COCO: photographs, no cells; a start for fine-tuning",
        page="https://github.com/ultralytics/assets",
    )


PEER_WEIGHTS: tuple[Weights, ...] = (
    *(_three(name) for name in CELLPOSE_NAMES[3]),
    *(_four(name) for name in CELLPOSE_NAMES[4]),
    *(_yolo(scale) for scale in "nsm"),
)
