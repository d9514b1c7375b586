"""What the cells of a scene emit, delay and absorb: layers for the optics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from cellwright.synth.optics import Layers, Microscope, smooth_noise
from cellwright.synth.scene import Cell, Scene

# Micrometres between layers: less than the depth of field of the objective.
LAYER_STEP = 1.0
# Height of a cell over its diameter.
THICKNESS = 0.45


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """Two noise fields on the canvas, mean 0 and deviation 1, and what lies between cells.

    Parameters
    ----------
    coarse, fine
        (row, column), cytoplasm and granules.
    debris
        (row, column), small specks of the medium, 0 or more.
    """

    coarse: np.ndarray
    fine: np.ndarray
    debris: np.ndarray


def draw_texture(
    rng: np.random.Generator, canvas: tuple[int, int], *, pixel_size: float, diameter: float
) -> Texture:
    """Draw the texture of a field; `diameter` (pixels) sets the grain of the cytoplasm."""
    specks = np.zeros(canvas)
    area = canvas[0] * canvas[1] / diameter**2
    for _ in range(int(rng.poisson(0.05 * area))):
        _add_speck(rng, specks, diameter * rng.uniform(0.02, 0.08))
    return Texture(
        smooth_noise(rng, canvas, 0.12 * diameter),
        smooth_noise(rng, canvas, max(0.7 / pixel_size, 0.8)),
        specks,
    )


def emitted(scene: Scene, texture: Texture) -> Layers:
    """Fluorescence layers; the middle of a mean cell emits about 1."""

    return _layers(scene, texture, _emission, 0.25 * texture.debris)


def mean_emission(scene: Scene, texture: Texture) -> np.ndarray:
    """(N,) light that each cell emits, mean over the pixels of its mask."""
    means = []
    for cell in scene.cells:
        window = _window(cell)
        light = _emission(cell, texture.coarse[window], texture.fine[window])
        means.append(float(light[cell.body.mask].mean()))
    return np.array(means)


def delayed(scene: Scene, texture: Texture, *, diameter: float, microscope: Microscope) -> Layers:
    """Layers of phase delay in radians; `diameter` in micrometres."""
    index, wavelength = microscope.index_step, microscope.wavelength
    radians = 2.0 * np.pi * index * THICKNESS * diameter / wavelength

    def one(cell: Cell, coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
        height, core = cell.body.height, cell.body.nucleus_height
        grain = (0.05 * coarse + 0.045 * fine) * np.sqrt(height) * (1.0 - 0.6 * core)
        grain *= microscope.granules
        return radians * cell.density * (height + 0.2 * core**0.7 + grain)

    return _layers(scene, texture, one, 0.35 * radians * texture.debris)


def absorbed(scene: Scene, texture: Texture) -> Layers:
    """Layers of amplitude loss."""

    def one(cell: Cell, coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
        granules = np.clip(fine - 1.0, 0.0, None) * (1.0 - cell.body.nucleus_height)
        return cell.density * cell.body.height * (0.03 + 0.05 * granules)

    return _layers(scene, texture, one, 0.1 * texture.debris)


def _layers(
    scene: Scene,
    texture: Texture,
    one: Callable[[Cell, np.ndarray, np.ndarray], np.ndarray],
    debris: np.ndarray,
) -> Layers:
    """Sum what `one` gives for each cell into layers `LAYER_STEP` apart; debris at 0."""
    layers = {0: debris.copy()}
    for cell in scene.cells:
        number = round(cell.depth / LAYER_STEP)
        layer = layers.setdefault(number, np.zeros(scene.canvas))
        window = _window(cell)
        layer[window] += one(cell, texture.coarse[window], texture.fine[window])
    return [(number * LAYER_STEP, layer) for number, layer in sorted(layers.items())]


def _emission(cell: Cell, coarse: np.ndarray, fine: np.ndarray) -> np.ndarray:
    body = cell.body.height**0.8 * np.clip(1.0 + 0.13 * coarse + 0.12 * fine, 0.1, None)
    core = cell.body.nucleus_height**0.6 * np.clip(1.0 + 0.12 * fine, 0.2, None)
    return cell.stain * (0.8 * body + 0.6 * cell.nucleus_stain * core)


def _window(cell: Cell) -> tuple[slice, slice]:
    """Where the cell lies on the canvas."""
    (row, col), (height, width) = cell.corner, cell.body.mask.shape
    return slice(row, row + height), slice(col, col + width)


def _add_speck(rng: np.random.Generator, canvas: np.ndarray, radius: float) -> None:
    middle = rng.random(2) * canvas.shape
    reach = int(3.0 * radius) + 1
    row, col = (int(m) for m in middle)
    window = (
        slice(max(0, row - reach), row + reach + 1),
        slice(max(0, col - reach), col + reach + 1),
    )
    rows, cols = np.ogrid[window[0], window[1]]
    rows, cols = rows[: canvas[window].shape[0]], cols[:, : canvas[window].shape[1]]
    square = (rows - middle[0]) ** 2 + (cols - middle[1]) ** 2
    canvas[window] += rng.uniform(0.3, 1.0) * np.exp(-0.5 * square / max(radius, 0.4) ** 2)
