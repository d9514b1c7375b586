"""A whole simulated field: scene, optics and camera, with the exact truth."""

from __future__ import annotations

from dataclasses import replace

from cellwright.synth.optics import Microscope
from cellwright.synth.paint import draw_texture
from cellwright.synth.picture import Streams, modalities_of, picture
from cellwright.synth.scene import TOUCHING, draw_scene, truth
from cellwright.synth.shapes import SPREAD
from cellwright.synth.vitality import Vitality, draw_alive
from cellwright.types import InputError, Sample

# Numbers of the streams of random numbers; those of pictures are in `cellwright.synth.picture`.
SCENE, TEXTURE, ALIVE = 0, 1, 4


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
    cluster: int = 1,
    coverage: float | None = None,
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
        (differential interference contrast), several of them joined by ``+`` as channels of
        that order, such as ``"phase+brightfield"``, or ``"both"``: ``brightfield+fluorescence``.
    kind
        One of `cellwright.synth.KINDS` (``"round"``, ``"oval"``, ``"spindle"``, ``"lobed"``,
        ``"rod"``, ``"dividing"``, ``"flat"``, ``"stellate"``), or ``"mixed"``: any of the first
        four.
    diameter
        Mean diameter of a cell in micrometres.
    spread
        Standard deviation of the logarithm of the diameter: with 0.14 nine in ten cells lie
        within a factor of 1.6, with 0.35 within one of 3.2.
    touching
        Chance of a cell to be put beside another one on purpose.
    cluster
        Cells that lie together in one clump; 1 for no clumps.
    coverage
        Share of the field that cells cover in the end, up to 1: confluence. See
        `cellwright.synth.scene.draw_scene`.
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
    modalities = modalities_of(modality)
    if seed < 0 or field < 0:
        raise InputError(f"seed {seed} and field {field} came: 0 or more is wanted")
    streams = Streams(seed, field)
    size = diameter / microscope.pixel_size
    scene = draw_scene(
        streams.of(SCENE),
        shape=(int(shape[0]), int(shape[1])),
        cells=cells,
        overlap=overlap,
        max_shared=max_shared,
        kind=kind,
        diameter=size,
        spread=spread,
        touching=touching,
        cluster=cluster,
        coverage=coverage,
    )
    texture = draw_texture(
        streams.of(TEXTURE), scene.canvas, pixel_size=microscope.pixel_size, diameter=size
    )
    alive = None
    if vitality is not None:
        alive = draw_alive(streams.of(ALIVE), len(scene.cells), vitality.dead)
    image = picture(
        scene,
        texture,
        streams,
        modalities=modalities,
        planes=planes,
        diameter=diameter,
        microscope=microscope,
        vitality=vitality,
        alive=alive,
    )
    image = replace(image, tags={"field": field, "modality": modality, "seed": seed})
    return Sample(f"field_{field:04d}", image, truth(scene, nuclei=nuclei, alive=alive))
