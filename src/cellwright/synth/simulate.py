"""A whole simulated field: scene, optics and camera, with the exact truth."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from cellwright.synth.interference import interference_contrast, phase_contrast
from cellwright.synth.optics import (
    Layers,
    Microscope,
    bright_field,
    camera,
    fluorescence,
    glare,
    illumination,
)
from cellwright.synth.paint import (
    Texture,
    absorbed,
    delayed,
    draw_texture,
    emitted,
    mean_emission,
)
from cellwright.synth.scene import TOUCHING, Scene, draw_scene, truth
from cellwright.synth.shapes import SPREAD
from cellwright.synth.vitality import Vitality, brightness, dimmed, draw_alive
from cellwright.types import Image, InputError, Sample

#: what is made of light that passes the dish, by modality
TRANSMITTED = {
    "brightfield": bright_field,
    "phase": phase_contrast,
    "dic": interference_contrast,
}
MODALITIES = ("fluorescence", *TRANSMITTED, "both")
HAZE = 0.1
LAMP = 20.0
# Pixels over which glare falls to 1/e, in diameters of a cell.
GLARE_REACH = 0.35


def simulate_field(
    seed: int = 0,
    field: int = 0,
    *,
    shape: tuple[int, int] = (256, 256),
    cells: int | None = None,
    overlap: float = 0.1,
    max_shared: float = 0.25,
    planes: int = 1,
    modality: str = "fluorescence",
    kind: str = "round",
    diameter: float = 16.0,
    spread: float = SPREAD,
    touching: float = TOUCHING,
    nuclei: bool = False,
    vitality: Vitality | None = None,
    microscope: Microscope | None = None,
) -> Sample:
    """Simulate field number `field` of the dish `seed`.

    The same arguments give the same bytes. A field depends on its own number only, and
    its cells neither on the modality nor on the planes; dead cells change the fluorescence only.

    Parameters
    ----------
    seed, field
        Both 0 or more; together they fix every random number.
    shape
        Rows and columns, each at least 8.
    cells
        Number of cells; None draws a number that covers 12 to 38 % of the field.
    overlap
        Share of the cells that overlap another one, 0 to 1.
    max_shared
        Most that two cells share, relative to the smaller one.
    planes
        Planes of the z-stack, `Microscope.z_step` apart and centred on the focus. A
        single bright-field plane is taken out of focus, where cells can be seen.
    modality
        ``"fluorescence"``, ``"brightfield"``, ``"phase"`` (phase contrast), ``"dic"``
        (differential interference contrast), or ``"both"``: bright field and fluorescence as
        two channels.
    kind
        ``"round"``, ``"oval"``, ``"spindle"``, ``"lobed"`` or ``"mixed"``.
    diameter
        Mean diameter of a cell in micrometres.
    spread
        Standard deviation of the logarithm of the diameter: with 0.14 nine in ten cells lie
        within a factor of 1.6, with 0.35 within one of 3.2.
    touching
        Chance of a cell to be put beside another one on purpose.
    nuclei
        Whether the truth holds the nuclei too, as class ``"nucleus"``.
    vitality
        Dead cells, contrast and bleeding of the fluorescence; each cell of the truth then has
        the tag ``alive``. None: all cells live, without tag.
    microscope
        Pixel size, optics and camera; None is `Microscope()`.

    Returns
    -------
    Sample
        Image of axes ``YX``, ``ZYX``, ``CYX`` or ``ZCYX`` in uint16, and amodal masks.

    Raises
    ------
    InputError
        If an argument makes no sense, or `cells` do not fit into the field.
    """
    microscope = microscope or Microscope()
    if modality not in MODALITIES:
        raise InputError(f"unknown modality {modality!r}; choose one of {', '.join(MODALITIES)}")
    if seed < 0 or field < 0:
        raise InputError(f"seed {seed} and field {field} came: 0 or more is wanted")
    shape = (int(shape[0]), int(shape[1]))
    size = diameter / microscope.pixel_size
    scene = draw_scene(
        _stream(seed, field, 0),
        shape=shape,
        cells=cells,
        overlap=overlap,
        max_shared=max_shared,
        kind=kind,
        diameter=size,
        spread=spread,
        touching=touching,
    )
    texture = draw_texture(
        _stream(seed, field, 1),
        scene.canvas,
        pixel_size=microscope.pixel_size,
        diameter=size,
    )
    alive = None
    if vitality is not None:
        alive = draw_alive(_stream(seed, field, 4), len(scene.cells), vitality.dead)
    heights = microscope.heights(planes)
    channels = []
    if modality != "fluorescence":
        kind_of_light = "brightfield" if modality == "both" else modality
        lifted = kind_of_light == "brightfield" and planes == 1
        at = np.array([microscope.single_plane_defocus]) if lifted else heights
        rng = _stream(seed, field, 2)
        channels.append(
            _take_light(rng, scene, texture, diameter, at, microscope, TRANSMITTED[kind_of_light])
        )
    if modality in ("fluorescence", "both"):
        rng = _stream(seed, field, 3)
        light = _glow(scene, texture, alive, size, vitality, microscope)
        channels.append(_take_fluorescence(rng, scene, light, heights, microscope))
    data = np.stack(channels, axis=1)
    axes = ("Z" if planes > 1 else "") + ("C" if len(channels) > 1 else "") + "YX"
    image = Image(
        data.reshape([n for n in data.shape[:2] if n > 1] + list(shape)),
        axes,
        pixel_size=(microscope.pixel_size, microscope.pixel_size),
        channels=("brightfield", "fluorescence") if modality == "both" else (),
        tags={"field": field, "modality": modality, "seed": seed},
    )
    return Sample(f"field_{field:04d}", image, truth(scene, nuclei=nuclei, alive=alive))


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
    rng: np.random.Generator,
    scene: Scene,
    layers: Layers,
    heights: np.ndarray,
    microscope: Microscope,
) -> np.ndarray:
    """(plane, row, column) uint16."""
    vignette, uneven = illumination(rng, scene.shape, microscope)
    heights = heights + rng.normal(0.0, 0.3)
    light = _cut(fluorescence(layers, heights, microscope), scene)
    photons = microscope.photons * vignette * (light + HAZE * uneven)
    return camera(rng, photons, microscope)


def _take_light(
    rng: np.random.Generator,
    scene: Scene,
    texture: Texture,
    diameter: float,
    heights: np.ndarray,
    microscope: Microscope,
    optics: Callable[[Layers, Layers, np.ndarray, Microscope], np.ndarray],
) -> np.ndarray:
    """(plane, row, column) uint16."""
    vignette, uneven = illumination(rng, scene.shape, microscope)
    heights = heights + rng.normal(0.0, 0.3)
    phase = delayed(scene, texture, diameter=diameter, wavelength=microscope.wavelength)
    light = optics(phase, absorbed(scene, texture), heights, microscope)
    # A lamp is more even than stray fluorescence.
    photons = LAMP * microscope.photons * vignette * uneven**0.4 * _cut(light, scene)
    return camera(rng, np.minimum(photons, 65535.0), microscope)


def _cut(planes: np.ndarray, scene: Scene) -> np.ndarray:
    """The field without the margins of the canvas."""
    rows, cols = scene.shape
    return planes[:, scene.margin : scene.margin + rows, scene.margin : scene.margin + cols]


def _stream(seed: int, field: int, part: int) -> np.random.Generator:
    """Random numbers of one part of one field, independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(field, part)))
