"""Which model looks at images, and how they are made like those that it learnt."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellwright.steps.inputs import ImageJob
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.predict import Adapted, Tiling

log = logging.getLogger(__name__)
#: images that are asked, in their order, until one can be read
ASKED = 3


def chosen_model(model: str | Path | None, jobs: Sequence[ImageJob]) -> Path:
    """The folder of the model; None takes the shipped one that suits the first image."""
    from cellwright.zoo.shipped import model_folder, suited

    if model is not None:
        return model_folder(model)
    foreground = _foreground(jobs)
    found = suited(foreground)
    log.warning(
        "no model was given: %s was chosen, as cells are %s in the first image; -m takes another",
        found.name,
        {"bright": "bright on dark", "dark": "dark on bright"}.get(foreground, "seen by texture"),
    )
    return found.folder


def adapted(
    folder: Path,
    *,
    tiling: Tiling | None = None,
    diameter: float | str | None = None,
    channel: int | str | None = None,
    invert: bool | None = None,
    device: str = "auto",
) -> Adapted:
    """The model in `folder` behind what makes images like those it learnt.

    What is None is left as it is for a model of the user's, and judged by the image for one that
    ships: its diameter, its channel and, if it knows bright cells, whether these are dark.
    """
    from cellwright.predict import Adapted, predictor_for
    from cellwright.zoo.checkpoint import load_model
    from cellwright.zoo.shipped import SHIPPED

    method, card = load_model(folder)
    predictor = predictor_for(method, card, device=device, tiling=tiling)
    record = next((m for m in SHIPPED if m.folder == Path(folder)), None)
    if record is None:
        return Adapted(predictor, channel=channel, invert=bool(invert), diameter=diameter)
    if invert is None and not record.bright:
        invert = False
    return Adapted(
        predictor,
        channel=channel,
        invert=invert,
        diameter="auto" if diameter is None else diameter,
        one_plane=True,
        far=record.far,
    )


def _foreground(jobs: Sequence[ImageJob]) -> str:
    from cellwright.classical.modality import guess_foreground
    from cellwright.label.plane import pick_plane

    for job in jobs[:ASKED]:
        try:
            image = job.read()
            step = max(1, round(max(image.shape) / 1024))
            thin = replace(image, data=image.data[..., ::step, ::step])
            return guess_foreground(pick_plane(thin))
        except (OSError, ValueError, MemoryError) as error:
            log.info("%s tells no modality: %s", job.path, error)
    raise InputError("none of the first images can be read, so no model was chosen; give -m")
