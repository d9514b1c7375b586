"""Simulated images that look like a data set: from a preset, or from what its cells measure."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING, Any

from cellwright.types import InputError, Sample

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.steps.extending.maker import Plan
    from cellwright.steps.extending.survey import Survey

log = logging.getLogger(__name__)

#: micrometres per pixel where the data set does not say
PIXEL_SIZE = 0.5
#: ratio of the axes above which cells are simulated as oval, and as spindles
OVAL, SPINDLE = 1.25, 2.2
#: by how much the number of cells is lowered each time they do not fit
FEWER, TRIES = 0.85, 12


def scene_of(
    dataset: Dataset,
    found: Survey,
    *,
    modality: str | None,
    clustered: float,
    overlap: tuple[float, float],
) -> dict[str, Any]:
    """Arguments of the simulator that fit the cells of a data set.

    The diameter is the typical one, the kind goes by the ratio of their axes, the modality by
    the tag of the images.

    Raises
    ------
    InputError
        If the images do not tell what they show.
    """
    from cellwright.synth import MODALITIES

    if modality is None:
        told = {str(dataset.tags(i).get("modality", "")) for i in range(len(dataset))}
        if len(told) != 1 or not told <= set(MODALITIES):
            raise InputError(
                f"the images have the modality {', '.join(sorted(told)) or 'none'}: name what is "
                f"to be simulated with --modality, one of {', '.join(MODALITIES)}"
            )
        modality = told.pop()
    sizes = {tuple(dataset.record(i).get("pixel_size") or ()) for i in range(len(dataset))}
    size = float(next(iter(sizes))[0]) if len(sizes) == 1 and next(iter(sizes)) else PIXEL_SIZE
    longer = found.elongation
    kind = "round" if longer < OVAL else "oval" if longer < SPINDLE else "spindle"
    log.info("simulate %s cells of %.1f pixels in %s", kind, found.diameter, modality)
    return {
        "modality": modality,
        "kind": kind,
        "diameter": round(found.diameter * size, 3),
        "pixel_size": size,
        "overlap": clustered,
        "max_shared": max(overlap[1], 1e-3),
        "nuclei": "nucleus" in dataset.class_names and len(dataset.class_names) > 1,
    }


def simulated(plan: Plan, number: int, *, cells: int, shape: tuple[int, int]) -> Sample:
    """Simulated image `number` with `cells` cells, or fewer if they do not fit.

    Raises
    ------
    InputError
        If the preset is not known or makes several images of a field, or one cell does not fit.
    """
    from cellwright.steps.simulating import maker_of

    scene = dict(plan.scene)
    preset = scene.pop("preset", None)
    for _ in range(TRIES):
        try:
            given = {**scene, "cells": cells}
            return maker_of(preset, given, shape=shape, seed=plan.seed).field(number).samples[0]
        except InputError as error:
            if cells == 1 or "fit" not in str(error):
                raise
            cells = max(1, int(cells * FEWER))
    raise InputError(f"{cells} cells do not fit into {shape[0]} x {shape[1]} pixels")
