"""What a promptable segmenter proposes, with all that its commit has to remember."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, is_dataclass
from typing import Any

import numpy as np

from cellwright.label.session.patch import Patch
from cellwright.label.session.views import View
from cellwright.types import InputError, Instances, Prompts


@dataclass(frozen=True, slots=True, eq=False)
class Preview:
    """Masks that are shown and not committed yet.

    Parameters
    ----------
    cells
        One instance per prompt, in their order. One of score 0 and a single pixel means that
        the prompt gave nothing.
    prompts
        What the masks were made from.
    view
        What was looked at.
    model, settings
        Which segmenter, and how it was set.
    """

    cells: Instances
    prompts: tuple[Prompts, ...]
    view: View
    model: str
    settings: Mapping[str, Any] = field(default_factory=dict)

    @property
    def nothing(self) -> np.ndarray:
        """(N,) bool: prompts that gave no cell."""
        return (self.cells.areas <= 1) & (self.cells.scores == 0)


def prompt_json(prompt: Prompts) -> dict[str, Any]:
    """A prompt as the journal keeps it; an earlier mask as box and run lengths."""
    told: dict[str, Any] = {}
    if len(prompt.points):
        told["points"] = [[round(float(v), 3) for v in p] for p in prompt.points]
        told["signs"] = [int(s) for s in prompt.signs]
    if prompt.box is not None:
        told["box"] = [round(float(v), 3) for v in prompt.box]
    mask = None if prompt.mask is None else Patch.of_frame(prompt.mask)
    if mask is not None:
        told["mask"] = mask.to_json()
    return told


def prompt_of(told: Mapping[str, Any], shape: tuple[int, int]) -> Prompts:
    """The prompt that `prompt_json` wrote."""
    box = told.get("box")
    mask = Patch.from_json(told["mask"], shape).frame() if "mask" in told else None
    return Prompts(
        np.array(told.get("points", ()), float),
        np.array(told.get("signs", ()), bool),
        (box[0], box[1], box[2], box[3]) if box else None,
        mask,
    )


def settings_of(segmenter: object) -> dict[str, Any]:
    """Settings of a segmenter that fit into JSON: the fields of a dataclass."""
    if not is_dataclass(segmenter) or isinstance(segmenter, type):
        return {}
    plain = (str, int, float, bool, type(None), list, tuple, dict)
    try:
        found = asdict(segmenter)
    except (TypeError, RecursionError):  # fields that cannot be copied: networks, locks
        found = {n: getattr(segmenter, n) for n in segmenter.__dataclass_fields__}
    return {k: v for k, v in found.items() if isinstance(v, plain) and not k.startswith("_")}


def check_shape(shape: tuple[int, int], wanted: tuple[int, int]) -> None:
    """Raise InputError unless a mask has the rows and columns of the field."""
    if tuple(shape) != tuple(wanted):
        raise InputError(
            f"a mask of {tuple(shape)} came for a field of {tuple(wanted)}; both must have the "
            "same rows and columns"
        )
