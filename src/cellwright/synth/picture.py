"""Pictures of a scene: what each modality shows of it, by one microscope and its camera."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from cellwright.synth.interference import interference_contrast, phase_contrast
from cellwright.synth.optics import (
    Layers,
    Microscope,
    bright_field,
    camera,
    dust,
    fluorescence,
    glare,
    illumination,
)
from cellwright.synth.paint import Texture, absorbed, delayed, emitted, mean_emission
from cellwright.synth.scene import Scene
from cellwright.synth.vitality import Vitality, brightness, dimmed
from cellwright.types import Image, InputError

#: what is made of light that passes the dish, by modality
TRANSMITTED = {
    "brightfield": bright_field,
    "phase": phase_contrast,
    "dic": interference_contrast,
}
SINGLE = ("fluorescence", *TRANSMITTED)
#: names of several modalities of one field
TOGETHER = {"both": ("brightfield", "fluorescence")}
MODALITIES = (*SINGLE, *TOGETHER)
HAZE = 0.1
LAMP = 20.0
# Pixels over which glare falls to 1/e, in diameters of a cell.
GLARE_REACH = 0.35
# Numbers of the streams of random numbers: those of a first transmitted modality, of
# fluorescence, of further transmitted ones, of dust.
LIGHT, GLOW, MORE, DUST = 2, 3, 5, 20


@dataclass(frozen=True, slots=True)
class Streams:
    """Random numbers of one field, each part independent of all others.

    Parameters
    ----------
    seed, field
        Numbers of the dish and of the field.
    time
        Number of the time point; None where there is one only.
    """

    seed: int
    field: int
    time: int | None = None

    def of(self, part: int) -> np.random.Generator:
        """What stays the same over time: lamp, dust, texture."""
        return np.random.default_rng(
            np.random.SeedSequence(self.seed, spawn_key=(self.field, part))
        )

    def then(self, part: int, before: np.random.Generator) -> np.random.Generator:
        """What differs from one time point to the next; `before` itself if there is one only."""
        if self.time is None:
            return before
        key = (self.field, part, self.time)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))


def modalities_of(name: str) -> tuple[str, ...]:
    """The modalities of ``"phase"``, ``"both"`` or ``"phase+brightfield"``, one per channel.

    Raises
    ------
    InputError
        If one of them is unknown or comes twice.
    """
    names = TOGETHER.get(name, tuple(name.split("+")))
    for one in names:
        if one not in SINGLE:
            known = ", ".join(MODALITIES)
            raise InputError(
                f"unknown modality {one!r}; choose one of {known}, or several joined by +, "
                "such as phase+brightfield"
            )
    if len(set(names)) != len(names):
        raise InputError(f"modality {name!r} names one of them twice: each can be there once")
    return names


def picture(
    scene: Scene,
    texture: Texture,
    streams: Streams,
    *,
    modalities: Sequence[str],
    planes: int,
    diameter: float,
    microscope: Microscope,
    vitality: Vitality | None = None,
    alive: np.ndarray | None = None,
) -> Image:
    """The image of `scene`, one channel per modality.

    Parameters
    ----------
    scene, texture
        What is in the dish.
    streams
        Random numbers of lamp, focus and camera.
    modalities
        Names from `SINGLE`.
    planes
        Planes of the z-stack.
    diameter
        Mean diameter of a cell in micrometres.
    microscope, vitality, alive
        As of `cellwright.synth.simulate_field`; `alive` is (N,) bool.

    Returns
    -------
    Image
        uint16 of axes ``YX``, ``ZYX``, ``CYX`` or ``ZCYX``.
    """
    heights = microscope.heights(planes)
    channels, first = [], True
    for number, name in enumerate(modalities):
        if name == "fluorescence":
            size = diameter / microscope.pixel_size
            light = _glow(scene, texture, alive, size, vitality, microscope)
            channels.append(_take_fluorescence(streams, scene, light, heights, microscope))
            continue
        lifted = name == "brightfield" and planes == 1
        at = np.array([microscope.single_plane_defocus]) if lifted else heights
        part = LIGHT if first else MORE + number
        optics = TRANSMITTED[name]
        channels.append(
            _take_light(streams, part, scene, texture, diameter, at, microscope, optics)
        )
        first = False
    data = np.stack(channels, axis=1)
    axes = ("Z" if planes > 1 else "") + ("C" if len(channels) > 1 else "") + "YX"
    return Image(
        data.reshape([n for n in data.shape[:2] if n > 1] + list(scene.shape)),
        axes,
        pixel_size=(microscope.pixel_size, microscope.pixel_size),
        channels=tuple(modalities) if len(channels) > 1 else (),
    )


def _glow(
    scene: Scene,
    texture: Texture,
    alive: np.ndarray | None,
    diameter: float,
    vitality: Vitality | None,
    microscope: Microscope,
) -> Layers:
    """Layers of fluorescence; `diameter` in pixels."""
    if vitality is None or alive is None:
        return emitted(scene, texture)
    factor = brightness(vitality, mean_emission(scene, texture), alive, HAZE, microscope)
    layers = emitted(dimmed(scene, alive, vitality.residual), texture)
    light = [(depth, factor * layer) for depth, layer in layers]
    return glare(light, share=vitality.bleed, reach=GLARE_REACH * diameter)


def _take_fluorescence(
    streams: Streams,
    scene: Scene,
    layers: Layers,
    heights: np.ndarray,
    microscope: Microscope,
) -> np.ndarray:
    """(plane, row, column) uint16."""
    rng = streams.of(GLOW)
    vignette, uneven = illumination(rng, scene.shape, microscope)
    rng = streams.then(GLOW, rng)
    heights = heights + rng.normal(0.0, 0.3)
    light = _cut(fluorescence(layers, heights, microscope), scene)
    photons = microscope.photons * vignette * (light + HAZE * uneven)
    return camera(rng, photons * _dust(streams, scene, microscope), microscope)


def _take_light(
    streams: Streams,
    part: int,
    scene: Scene,
    texture: Texture,
    diameter: float,
    heights: np.ndarray,
    microscope: Microscope,
    optics: Callable[[Layers, Layers, np.ndarray, Microscope], np.ndarray],
) -> np.ndarray:
    """(plane, row, column) uint16."""
    rng = streams.of(part)
    vignette, uneven = illumination(rng, scene.shape, microscope)
    rng = streams.then(part, rng)
    heights = heights + rng.normal(0.0, 0.3)
    phase = delayed(scene, texture, diameter=diameter, microscope=microscope)
    light = optics(phase, absorbed(scene, texture), heights, microscope)
    # A lamp is more even than stray fluorescence.
    photons = LAMP * microscope.photons * vignette * uneven**0.4 * _cut(light, scene)
    photons = photons * _dust(streams, scene, microscope)
    return camera(rng, np.minimum(photons, 65535.0), microscope)


def _dust(streams: Streams, scene: Scene, microscope: Microscope) -> np.ndarray | float:
    """Shadows of the dust on the camera, the same in all channels and at all times."""
    if not microscope.dust:
        return 1.0
    return dust(streams.of(DUST), scene.shape, microscope)


def _cut(planes: np.ndarray, scene: Scene) -> np.ndarray:
    """The field without the margins of the canvas."""
    rows, cols = scene.shape
    return planes[:, scene.margin : scene.margin + rows, scene.margin : scene.margin + cols]
