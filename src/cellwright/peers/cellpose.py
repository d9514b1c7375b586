"""Cellpose as a `Segmenter`, in the version that is installed (3, or 4 = Cellpose-SAM).

Papers: Stringer et al. 2021 (Cellpose), Stringer & Pachitariu 2025 (Cellpose3), Pachitariu,
Rariden & Stringer 2025 (Cellpose-SAM). Its code is BSD-3-Clause and runs unchanged: network,
tiling, normalisation, dynamics. Ours is what stands around it:

- A model is a file on this machine. Cellpose downloads what it lacks and takes its default
  where it does not know a name; here both are errors that say what to do.
- Its masks come without scores. A cell's score is the mean over its pixels of the
  probability (the logistic function of its third output) that a pixel belongs to a cell.
- Version 4 computes in bfloat16 where the device does so natively, else in float32.
- The size network of version 3 is stored as a pickle, which is not opened: without a
  `diameter`, cells are taken to be as large as those that the model was trained on.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.device import computes_in_half, resolve
from cellwright.geometry import from_label_map
from cellwright.peers import packages
from cellwright.peers.weights import CELLPOSE_NAMES, FILE_NAMES, PEER_WEIGHTS
from cellwright.types import Image, InputError, Instances

#: taken where no model is named, by major version
DEFAULTS = {3: "cyto3", 4: "cpsam"}
#: planes a published model of each major version reads: cells and nuclei, or any three
PLANES = {3: 2, 4: 3}
#: rows and columns that smaller images are padded to: Cellpose 3 takes fewer than 8 for channels
LEAST = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class CellposeSegmenter:
    """A loaded Cellpose model with its thresholds.

    Parameters
    ----------
    model
        A ``cellpose.models.CellposeModel``.
    major
        Its version.
    diameter
        Of the cells in pixels; the image is scaled so that it becomes the model's. None
        scales nothing.
    flow_threshold
        Largest mean squared difference of a cell's flows from those of its mask; 0 keeps all.
    cellprob_threshold
        Least output (a logit) of a pixel of a cell.
    min_size
        Least pixels of a cell.
    """

    model: Any
    major: int
    diameter: float | None = None
    flow_threshold: float = 0.4
    cellprob_threshold: float = 0.0
    min_size: int = 15

    def segment(self, image: Image) -> Instances:
        """Cells of one plane, or of channels (the cells first, then the nuclei); none overlap."""
        planes = _planes(image, PLANES[self.major])
        if np.ptp(planes) == 0:
            return Instances.empty(image.shape)
        options: dict[str, Any] = {
            "channel_axis": 2,  # else it would be guessed, wrongly for narrow images
            "diameter": self.diameter,
            "flow_threshold": self.flow_threshold,
            "cellprob_threshold": self.cellprob_threshold,
            "min_size": self.min_size,
        }
        if self.major == 3:
            options["channels"] = [0, 0] if len(planes) == 1 else [1, 2]
        rows, cols = image.shape
        add = ((0, max(LEAST - rows, 0)), (0, max(LEAST - cols, 0)), (0, 0))
        planes = np.pad(np.moveaxis(planes, 0, -1), add, mode="edge")
        labels, flows, _ = self.model.eval(planes, **options)
        labels = np.asarray(labels).reshape(planes.shape[:2])[:rows, :cols]
        logits = np.asarray(flows[2], np.float32).reshape(planes.shape[:2])[:rows, :cols]
        return from_label_map(labels, scores=cell_scores(labels, logits))


def cell_scores(labels: np.ndarray, logits: np.ndarray) -> np.ndarray:
    """Mean probability of the pixels of each cell, float32, in the order of the labels.

    Examples
    --------
    >>> cell_scores(np.array([[0, 2, 2, 7]]), np.array([[9.0, 0.0, 0.0, 99.0]])).tolist()
    [0.5, 1.0]
    """
    numbers, index = np.unique(labels, return_inverse=True)
    chance = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -50, 50)))
    sums = np.bincount(index.ravel(), chance.ravel(), minlength=len(numbers))
    counts = np.bincount(index.ravel(), minlength=len(numbers))
    return (sums / counts)[numbers > 0].astype(np.float32)


def cellpose(
    *,
    model: str | None = None,
    diameter: float | None = None,
    flow_threshold: float = 0.4,
    cellprob_threshold: float = 0.0,
    min_size: int = 15,
    device: str = "auto",
) -> CellposeSegmenter:
    """A Cellpose segmenter.

    Parameters
    ----------
    model
        A published name (``nuclei``, ``cyto3`` of version 3; ``cpsam``, ``cpsam_v2`` of
        version 4) or the file of a fine-tuned model; None takes the version's default.
    diameter, flow_threshold, cellprob_threshold, min_size
        See `CellposeSegmenter`.
    device
        As of `cellwright.device.resolve`.

    Raises
    ------
    InputError
        If the package or the file is not here, or the file is of another version.
    """
    major = min(packages.version("cellpose")[0], max(DEFAULTS))
    path = model_file(DEFAULTS.get(major, "") if model is None else str(model), major)
    packages.cellpose()
    import torch
    from cellpose.models import CellposeModel

    where = torch.device(resolve(device))
    options: dict[str, Any] = {"gpu": where.type != "cpu", "device": where}
    if major == 3 and path.name == FILE_NAMES["nuclei"]:
        options["diam_mean"] = 17.0
    if major == 4:
        options["use_bfloat16"] = computes_in_half(str(where))
    try:
        built = CellposeModel(pretrained_model=os.fspath(path), **options)
    except Exception as error:
        line = " ".join(str(error).split()) or type(error).__name__
        raise InputError(
            f"{path} is not a model that Cellpose {major} can read: {line[:200]}"
        ) from error
    return CellposeSegmenter(
        model=built,
        major=major,
        diameter=diameter,
        flow_threshold=flow_threshold,
        cellprob_threshold=cellprob_threshold,
        min_size=min_size,
    )


def model_file(model: str, major: int) -> Path:
    """The file of `model`: as given, fetched by ``cellwright models fetch``, or Cellpose's own.

    Raises
    ------
    InputError
        If it is not on this machine: the message names the file and how to get it.
    """
    given = Path(model).expanduser()
    if given.is_file():
        return given
    file = FILE_NAMES.get(model, model)
    record = next((r for r in PEER_WEIGHTS if r.name == f"cellpose-{model}"), None)
    for version, names in CELLPOSE_NAMES.items():
        if model in names and version != major:
            packages.cellpose(major=version)
    places = [own_folder() / file] if given.name == model else []
    if record is not None:
        places.insert(0, record.path)
    for place in places:
        if place.is_file():
            return place
    if record is None:
        known = ", ".join(CELLPOSE_NAMES[major])
        raise InputError(
            f"there is no Cellpose model {model!r}: give {known}, the path of a file, or the "
            f"name of a file in {own_folder()}"
        )
    sha = record.files[0].sha256 or "none published; recorded at the first download"
    raise InputError(
        f"the Cellpose model {model!r} is not on this machine: `cellwright models fetch "
        f"{record.name}`, or put {record.files[0].url} as {file} into {record.folder} or "
        f"{own_folder()} (SHA-256: {sha})"
    )


def own_folder(environment: Mapping[str, str] = os.environ) -> Path:
    """Where Cellpose itself keeps models."""
    named = environment.get("CELLPOSE_LOCAL_MODELS_PATH")
    return Path(named) if named else Path.home() / ".cellpose" / "models"


def _planes(image: Image, most: int) -> np.ndarray:
    """(channel, row, column) float32 of a two-dimensional image."""
    if image.size("T") > 1 or image.size("Z") > 1:
        raise InputError(
            f"Cellpose takes one plane here, an image with axes {image.axes!r} came: choose or "
            "project its planes first"
        )
    planes = image.stack().astype(np.float32)
    if len(planes) > most:
        raise InputError(
            f"this Cellpose takes {most} channels at most, {len(planes)} came: choose them with "
            "--option channels=cells,nuclei"
        )
    return planes
