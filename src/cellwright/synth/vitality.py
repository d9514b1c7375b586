"""Living and dead cells of a field: dead ones are seen in bright field but not in fluorescence.

How well living cells stand out, and how much of their light bleeds into their neighbours, is
under control, so that a rule that tells them apart can be measured.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cellwright.synth.optics import Microscope
from cellwright.synth.scene import Scene
from cellwright.types import InputError


@dataclass(frozen=True, slots=True, kw_only=True)
class Vitality:
    """How many cells are dead and how the living ones stand out in fluorescence.

    Parameters
    ----------
    dead
        Share of the cells that are dead; their number is rounded.
    contrast
        Light that a mean living cell adds to each of its pixels, in standard deviations of the
        pixels of the background (noise of photons and reading). None leaves cells as bright as
        they are without dead ones, some 50.
    bleed
        Share of all light that is spread around its cell, as by glare and by what lies out of
        focus: half of it further than the cell's diameter times 0.6.
    residual
        Light of a dead cell relative to what it had alive (autofluorescence).
    """

    dead: float = 0.3
    contrast: float | None = None
    bleed: float = 0.0
    residual: float = 0.05

    def __post_init__(self) -> None:
        for name in ("dead", "bleed", "residual"):
            if not 0 <= getattr(self, name) <= 1:
                raise InputError(f"{name} {getattr(self, name)} came: from 0 to 1 is wanted")
        if self.contrast is not None and not self.contrast > 0:
            raise InputError(f"contrast {self.contrast} came: more than 0 is wanted")


def draw_alive(rng: np.random.Generator, cells: int, dead: float) -> np.ndarray:
    """(cells,) bool: ``round(dead * cells)`` of them, picked at random, are False."""
    alive = np.ones(cells, dtype=bool)
    alive[rng.permutation(cells)[: round(dead * cells)]] = False
    return alive


def dimmed(scene: Scene, alive: np.ndarray, residual: float) -> Scene:
    """The same scene with the stain of its dead cells brought down to `residual`."""
    cells = (
        cell if lives else replace(cell, stain=cell.stain * residual)
        for cell, lives in zip(scene.cells, alive.tolist(), strict=True)
    )
    return replace(scene, cells=tuple(cells))


def brightness(
    vitality: Vitality, light: np.ndarray, alive: np.ndarray, haze: float, microscope: Microscope
) -> float:
    """Factor by which all light is multiplied for the wanted contrast.

    Parameters
    ----------
    light
        (N,) mean light of each cell's pixels as if all lived, 1 in the middle of a mean cell.
    alive
        (N,) bool; those count, or all if none lives.
    haze
        Light of the background in the same unit.
    """
    if vitality.contrast is None or not len(light):
        return 1.0
    mean = float(light[alive].mean() if alive.any() else light.mean())
    reading = microscope.read_noise / microscope.gain
    noise = np.sqrt(microscope.photons * haze + reading**2)
    return vitality.contrast * noise / (microscope.photons * mean)
