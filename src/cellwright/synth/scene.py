"""Where the cells of a field lie: single cells, touching cells and pairs that overlap.

A scene is laid out on a canvas that is larger than the field by a margin on each
side, so that cells are cut by the border as in a real picture. A cell's middle
always lies in the field.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from cellwright.synth.confluence import spread_out
from cellwright.synth.placement import Ground, visible
from cellwright.synth.shapes import (
    MIXED,
    SMALLEST_DIAMETER,
    SPREAD,
    Body,
    draw_body,
    kind_named,
)
from cellwright.types import InputError, Instances, Tag

COVERAGE = (0.12, 0.38)
#: share of a field up to which drawn cells can be laid out without overlap
PACKED = 0.6
TOUCHING = 0.35
PAIR_TRIES = 8
LAYOUTS = 4


@dataclass(frozen=True, slots=True, eq=False)
class Cell:
    """A body put on the canvas.

    Parameters
    ----------
    body
        Outline and thickness.
    corner
        (row, column) of the body's window on the canvas.
    depth
        Height of the cell's middle above the dish's mean focus, in micrometres.
    stain, nucleus_stain
        Fluorescence of the cell body and what the nucleus adds, relative to a mean cell.
    density
        Optical density of the cell relative to a mean cell.
    """

    body: Body
    corner: tuple[int, int]
    depth: float
    stain: float
    nucleus_stain: float
    density: float


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """Cells of one field; see the module's text for canvas and margin (pixels)."""

    shape: tuple[int, int]
    margin: int
    cells: tuple[Cell, ...]

    @property
    def canvas(self) -> tuple[int, int]:
        """Rows and columns of field and margins."""
        return self.shape[0] + 2 * self.margin, self.shape[1] + 2 * self.margin


def draw_scene(
    rng: np.random.Generator,
    *,
    shape: tuple[int, int],
    cells: int | None,
    overlap: float,
    max_shared: float,
    kind: str,
    diameter: float,
    spread: float = SPREAD,
    touching: float = TOUCHING,
    cluster: int = 1,
    coverage: float | None = None,
) -> Scene:
    """Lay out one field.

    Parameters
    ----------
    rng
        Source of every random number.
    shape
        Rows and columns of the field.
    cells
        How many; None draws a number that covers 12 to 38 % of the field.
    overlap
        Share of the cells that overlap another one. ``round(overlap * cells)`` cells are
        put in pairs (three in the last group if that number is odd; 1 becomes 2).
    max_shared
        Bound on the pixels two cells share, relative to the smaller of the two.
    kind
        One of `KINDS`, or ``"mixed"`` for any of them.
    diameter
        Mean diameter in pixels.
    spread
        Standard deviation of the logarithm of the diameter.
    touching
        Chance of a cell to be put beside another one on purpose.
    cluster
        Cells that lie together in one clump, of those that do not overlap; 1 for no clumps.
    coverage
        Share of the field that cells cover. As many are laid out as cover up to `PACKED` of it
        (unless `cells` says how many); then they spread until the share is reached, up to
        confluence. None leaves the drawn cells as they are.

    Raises
    ------
    InputError
        If the numbers make no sense, or `cells` were asked for and do not fit.
    """
    _check(shape, cells, overlap, max_shared, diameter)
    if cluster < 1:
        raise InputError(f"a cluster of {cluster} cells came: 1 or more are wanted")
    if coverage is not None and not 0.0 < coverage <= 1.0:
        raise InputError(f"coverage {coverage} came: a share above 0, up to 1, is wanted")
    names = MIXED if kind == "mixed" else (kind,)
    kinds = [kind_named(name) for name in names]
    largest = diameter * np.exp(3 * (spread - SPREAD))
    margin = int(np.ceil(1.4 * largest * max(k.elongation[1] for k in kinds) ** 0.5)) + 4
    wanted = cells
    if wanted is None:
        share = rng.uniform(*COVERAGE) if coverage is None else min(coverage, PACKED)
        wanted = round(share * shape[0] * shape[1] / (0.785 * diameter**2))
        wanted = max(wanted, 1)
    most = 0
    for _ in range(LAYOUTS if cells is not None else 10 * LAYOUTS):
        ground = Ground(shape, margin, max_shared)
        chosen = [
            draw_body(rng, kinds[int(rng.integers(len(kinds)))], diameter, spread=spread)
            for _ in range(wanted)
        ]
        paired = overlapping_cells(wanted, overlap)
        most = max(most, _lay_out(rng, ground, chosen, paired, touching, cluster))
        if len(ground.bodies) == wanted:
            places = zip(ground.bodies, ground.corners, strict=True)
            scene = Scene(shape, margin, tuple(dressed(rng, *place) for place in places))
            return scene if coverage is None else _covering(scene, coverage)
        if cells is None:
            wanted = max(1, int(0.85 * wanted))
    raise InputError(
        f"{wanted} cells of {diameter:.0f} pixels do not fit into a field of {shape[0]} x "
        f"{shape[1]} with overlap {overlap:g}: {most} did; take fewer or smaller cells, or a "
        "larger shape"
    )


def overlapping_cells(cells: int, overlap: float) -> int:
    """How many of `cells` overlap another one: never 1, since a single cell cannot."""
    count = round(overlap * cells)
    return min(count, cells) if count != 1 else 2 * (cells >= 2)


def truth(scene: Scene, *, nuclei: bool = False, alive: np.ndarray | None = None) -> Instances:
    """The exact masks of `scene`, cut at the border of the field and nowhere else.

    Cells come first, in the order of the scene, each with the tags ``cell`` (its number)
    and ``shared`` (share of its visible pixels that other cells cover as well). With
    `nuclei`, the visible nuclei follow as class ``"nucleus"`` with the ``cell`` they are of.
    With `alive`, (N,) bool, every cell and nucleus has the tag ``alive``.
    """
    covered = np.zeros(scene.shape, dtype=np.uint16)
    parts = [visible(c.body.mask, c.corner, scene.margin, scene.shape) for c in scene.cells]
    for box, mask in parts:
        covered[box[0] : box[2], box[1] : box[3]] += mask
    tags: list[dict[str, Tag]] = []
    for number, (box, mask) in enumerate(parts):
        twice = covered[box[0] : box[2], box[1] : box[3]][mask] > 1
        tags.append({"cell": number, "shared": round(float(twice.mean()), 4)})
    classes = [0] * len(parts)
    if nuclei:
        for number, c in enumerate(scene.cells):
            box, mask = visible(c.body.nucleus, c.corner, scene.margin, scene.shape)
            if mask.any():
                parts.append((box, mask))
                tags.append({"cell": number})
                classes.append(1)
    if alive is not None:
        tags = [{**t, "alive": bool(alive[int(t["cell"])])} for t in tags]
    return Instances(
        scene.shape,
        np.array([box for box, _ in parts], dtype=np.int64),
        tuple(mask for _, mask in parts),
        classes=np.array(classes, dtype=np.int64),
        class_names=("cell", "nucleus") if nuclei else ("cell",),
        tags=tuple(tags),
    )


def _lay_out(
    rng: np.random.Generator,
    ground: Ground,
    bodies: list[Body],
    overlapping: int,
    touching: float,
    cluster: int,
) -> int:
    """Put as many of `bodies` as go, overlapping ones first; the number put."""
    pairs = overlapping // 2
    for number in range(pairs):
        if not _put_pair(rng, ground, bodies[2 * number], bodies[2 * number + 1], touching):
            return len(ground.bodies)
    for body in bodies[2 * pairs : overlapping]:
        if not ground.attach(rng, body, list(range(len(ground.bodies))), overlapping=True):
            return len(ground.bodies)
    for number, body in enumerate(bodies[overlapping:]):
        inside = number % cluster
        clump = list(range(len(ground.bodies) - inside, len(ground.bodies)))
        if inside and ground.attach(rng, body, clump, overlapping=False):
            continue
        if not _put_single(rng, ground, body, touching if cluster == 1 else 0.0):
            break
    return len(ground.bodies)


def _covering(scene: Scene, coverage: float) -> Scene:
    """The same cells, spread until they cover `coverage` of the field."""
    frame = slice(scene.margin, -scene.margin)
    bodies, corners = spread_out(
        [c.body for c in scene.cells],
        [c.corner for c in scene.cells],
        scene.canvas,
        field=(frame, frame),
        coverage=coverage,
    )
    cells = (
        replace(cell, body=body, corner=corner)
        for cell, body, corner in zip(scene.cells, bodies, corners, strict=True)
    )
    return replace(scene, cells=tuple(cells))


def _put_pair(
    rng: np.random.Generator, ground: Ground, first: Body, second: Body, touching: float
) -> bool:
    for _ in range(PAIR_TRIES):
        if not _put_single(rng, ground, first, touching):
            return False
        if ground.attach(rng, second, [len(ground.bodies) - 1], overlapping=True):
            return True
        ground.lift()
    return False


def _put_single(rng: np.random.Generator, ground: Ground, body: Body, touching: float) -> bool:
    """Put `body` on free ground, beside another one with the chance `touching`."""
    everyone = list(range(len(ground.bodies)))
    near = bool(everyone) and rng.random() < touching
    return (
        (near and ground.attach(rng, body, everyone, overlapping=False))
        or ground.scatter(rng, body)
        or ground.attach(rng, body, everyone, overlapping=False)
    )


def dressed(rng: np.random.Generator, body: Body, corner: tuple[int, int]) -> Cell:
    """The cell of `body` on the canvas, with a height, a stain and a density of its own."""
    return Cell(
        body,
        corner,
        depth=float(rng.normal(0.0, 0.8)),
        stain=float(rng.lognormal(-0.04, 0.3)),
        nucleus_stain=float(rng.uniform(0.5, 1.3)),
        density=float(rng.lognormal(-0.02, 0.2)),
    )


def _check(
    shape: tuple[int, int],
    cells: int | None,
    overlap: float,
    max_shared: float,
    diameter: float,
) -> None:
    if len(shape) != 2 or min(shape) < 8:
        raise InputError(f"a field of {tuple(shape)} pixels came: two lengths of at least 8")
    if cells is not None and cells < 0:
        raise InputError(f"{cells} cells came: 0 or more are wanted")
    if not 0.0 <= overlap <= 1.0:
        raise InputError(f"overlap {overlap} came: the share of cells, from 0 to 1, is wanted")
    if not 0.02 <= max_shared <= 0.9:
        raise InputError(f"max_shared {max_shared} came: from 0.02 to 0.9 is wanted")
    if not diameter >= SMALLEST_DIAMETER:
        raise InputError(
            f"cells of {diameter:.3g} pixels came, at least {SMALLEST_DIAMETER:g} are wanted: "
            "take a larger diameter or a smaller pixel size"
        )
