"""Simulated cells in real empty fields: traps, pillars and dirt of a microscope's own.

In bright field the logarithms of weak objects' light add up (see `cellwright.synth.optics`), so
that simulated cells are put into a picture of an empty field by multiplying it with their light.
Cells stand beside the structures of the field, as pillars keep them out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from cellwright.synth.optics import Microscope, bright_field
from cellwright.synth.paint import absorbed, delayed, draw_texture
from cellwright.synth.placement import visible
from cellwright.synth.scene import Scene, draw_scene, truth
from cellwright.types import Image, InputError, Sample

#: share of a cell that a structure may cover
COVERED = 0.1
#: width of the surroundings that a structure is compared with, as a share of the field
SHADOW = 0.06
#: relative noise of a camera that counts many photons
NOISE = 0.01


def simulate_on(
    backdrop: Image,
    seed: int = 0,
    field: int = 0,
    *,
    cells: int = 8,
    overlap: float = 0.0,
    touching: float = 0.8,
    kind: str = "round",
    diameter: float = 10.0,
    spread: float = 0.4,
    heights: Sequence[float] | None = None,
    microscope: Microscope | None = None,
) -> Sample:
    """Bright-field cells in the empty field `backdrop`, plane by plane.

    Parameters
    ----------
    backdrop
        An empty field, one plane or a stack along Z.
    seed, field, overlap, touching, kind, diameter, spread, microscope
        As of `cellwright.synth.simulate_field`.
    cells
        How many are drawn; those on a structure of the field are left out.
    heights
        Of each plane above the focus in micrometres; None is `Microscope.heights`.

    Returns
    -------
    Sample
        An image of the axes and sizes of `backdrop`, uint16, and the cells.

    Raises
    ------
    InputError
        If the backdrop is dark, the heights are not those of its planes, or the cells do not fit.
    """
    microscope = microscope or Microscope()
    planes = backdrop.stack().astype(np.float64)
    middle = np.median(planes, axis=(1, 2), keepdims=True)
    if not (middle > 0).all():
        raise InputError("the backdrop is dark: a bright-field picture of an empty field is wanted")
    relative = np.maximum(planes, 1.0) / middle
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(field, 0)))
    size = diameter / microscope.pixel_size
    scene = draw_scene(
        rng,
        shape=backdrop.shape,
        cells=cells,
        overlap=overlap,
        max_shared=0.25,
        kind=kind,
        diameter=size,
        spread=spread,
        touching=touching,
    )
    scene = beside(scene, structures(relative))
    texture = draw_texture(rng, scene.canvas, pixel_size=microscope.pixel_size, diameter=size)
    at = np.asarray(microscope.heights(len(planes)) if heights is None else heights, float)
    if len(at) != len(planes):
        raise InputError(f"{len(at)} heights came for {len(planes)} planes: one each is wanted")
    at = at + rng.normal(0.0, 0.5)
    phase = delayed(scene, texture, diameter=diameter, microscope=microscope)
    light = bright_field(phase, absorbed(scene, texture), at, microscope)
    (rows, cols), edge = scene.shape, scene.margin
    light = light[:, edge : edge + rows, edge : edge + cols]
    grain = rng.normal(0.0, NOISE * rng.uniform(0.0, 2.0), light.shape)
    counts = np.clip(np.rint(middle * relative * light * (1.0 + grain)), 0, 65535)
    data = counts.astype(np.uint16).reshape(np.asarray(backdrop.data).shape)
    tags = {**backdrop.tags, "field": f"{backdrop.tags.get('field', 'backdrop')}_{field}"}
    image = replace(backdrop, data=data, tags=tags)
    return Sample(f"field_{field:04d}", image, truth(scene))


def structures(relative: np.ndarray) -> np.ndarray:
    """Where an empty field is not empty, (row, column) bool.

    Parameters
    ----------
    relative
        (plane, row, column) light over that of the background. A structure has an edge: light
        departs from that around it by 40 % of the strongest departure, and by 10 %. What the
        edge encloses belongs to it. Shadows without an edge do not.
    """
    light = np.log(relative)
    around = ndimage.gaussian_filter(light, (0, *2 * (SHADOW * min(light.shape[1:]),)))
    departure = np.abs(light - around).max(axis=0)
    marked = departure > max(0.4 * float(departure.max()), 0.1)
    return ndimage.binary_fill_holes(ndimage.binary_closing(np.pad(marked, 3), iterations=2))[
        3:-3, 3:-3
    ]


def beside(scene: Scene, blocked: np.ndarray) -> Scene:
    """The scene without the cells that are covered by `blocked`, (row, column) bool."""
    kept = []
    for cell in scene.cells:
        box, mask = visible(cell.body.mask, cell.corner, scene.margin, scene.shape)
        under = np.count_nonzero(mask & blocked[box[0] : box[2], box[1] : box[3]])
        if under <= COVERED * max(np.count_nonzero(mask), 1):
            kept.append(cell)
    return replace(scene, cells=tuple(kept))
