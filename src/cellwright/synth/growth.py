"""One field over time: cells move, grow and divide; every cell keeps its number.

A cell is born with half the area that it divides with. Its diameter follows its age,
``d = D * sqrt((1 + age) / 1.5)`` with age from 0 to 1, so that `D` is the mean size. The last
sixth of its life it has a waist; then its two halves become its daughters.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np

from cellwright.synth.optics import Microscope
from cellwright.synth.paint import draw_texture
from cellwright.synth.picture import Streams, modalities_of, picture
from cellwright.synth.placement import visible
from cellwright.synth.scene import Scene, dressed, truth
from cellwright.synth.shapes import SPREAD, Body, draw_body, kind_named
from cellwright.types import InputError, Sample

#: age from which on a cell has a waist
WAIST = 5 / 6
#: least distance of two cells, in sums of their radii, and how often they are pushed apart
ROOM, PUSHES = 0.85, 12
#: cells at first, as a share of the field that they cover
FIRST_COVERAGE = 0.1
TEXTURE, LIFE, SHAPE = 1, 30, 31


@dataclass(frozen=True, slots=True, eq=False)
class Living:
    """A cell at one time.

    Parameters
    ----------
    track, parent
        Its number and that of the cell it came from; -1 for none.
    middle
        (row, column) in pixels of the field; may lie outside.
    age, cycle
        Share of its life that is over, and time points from birth to division.
    """

    track: int
    parent: int
    middle: np.ndarray
    age: float
    cycle: float


@dataclass(frozen=True, slots=True)
class Population:
    """What all cells of a field have in common; see `simulate_growth`, `size` in pixels."""

    seed: int
    field: int
    kind: str
    size: float
    spread: float
    cycle: float
    motion: float

    def body(self, cell: Living) -> Body:
        """The cell at its age: its own random numbers, another diameter."""
        kind = kind_named("dividing" if cell.age >= WAIST else self.kind)
        return draw_body(self.random(cell, 0), kind, self.diameter(cell), spread=self.spread)

    def diameter(self, cell: Living) -> float:
        """Mean diameter at its age, in pixels."""
        return float(self.size * np.sqrt((1.0 + cell.age) / 1.5))

    def random(self, cell: Living, part: int) -> np.random.Generator:
        """Random numbers of one cell, the same at all times."""
        key = (self.field, SHAPE, cell.track, part)
        return np.random.default_rng(np.random.SeedSequence(self.seed, spawn_key=key))

    def life(self, rng: np.random.Generator) -> float:
        """Time points from the birth of a cell to its division."""
        return float(self.cycle * rng.lognormal(-0.02, 0.2))


def simulate_growth(
    seed: int = 0,
    field: int = 0,
    *,
    times: int = 12,
    cells: int | None = None,
    cycle: float = 10.0,
    motion: float = 0.15,
    shape: tuple[int, int] = (256, 256),
    planes: int = 1,
    modality: str = "phase",
    kind: str = "round",
    diameter: float = 16.0,
    spread: float = SPREAD,
    nuclei: bool = False,
    microscope: Microscope | None = None,
) -> Iterator[Sample]:
    """Simulate field number `field` of the dish `seed` at `times` time points.

    The same arguments give the same bytes, and a longer call begins with those of a shorter one.

    Parameters
    ----------
    seed, field
        Both 0 or more.
    times
        Time points, at least 1.
    cells
        At the first time point; None is as many as cover a tenth of the field.
    cycle
        Mean time points from birth to division.
    motion
        Standard deviation of a cell's way between two time points, in diameters.
    shape, planes, modality, kind, diameter, spread, nuclei, microscope
        As of `cellwright.synth.simulate_field`; the kind is one, not ``"mixed"``.

    Yields
    ------
    Sample
        One per time point, with the tag ``time``; cells have the tags ``track`` and ``parent``
        (-1 for those that were there at first).

    Raises
    ------
    InputError
        If an argument makes no sense.
    """
    microscope = microscope or Microscope()
    modalities = modalities_of(modality)
    if times < 1 or not cycle >= 2 or motion < 0:
        raise InputError(
            f"{times} times, a cycle of {cycle:g} and motion {motion:g} came: at least 1 time, "
            "a cycle of 2 or more time points and motion of 0 or more are wanted"
        )
    kind_named(kind)
    size = diameter / microscope.pixel_size
    rows, cols = int(shape[0]), int(shape[1])
    every = Population(seed, field, kind, size, spread, cycle, motion)
    rng = Streams(seed, field).of(LIFE)
    if cells is None:
        cells = max(1, round(FIRST_COVERAGE * rows * cols / (0.785 * size**2)))
    alive = [
        Living(n, -1, rng.random(2) * (rows, cols), float(rng.random()), every.life(rng))
        for n in range(cells)
    ]
    born = cells
    # room for the longest cells: a spindle of four times its width
    margin = int(np.ceil(4.0 * size * np.exp(3 * spread))) + 4
    texture = draw_texture(
        Streams(seed, field).of(TEXTURE),
        (rows + 2 * margin, cols + 2 * margin),
        pixel_size=microscope.pixel_size,
        diameter=size,
    )
    for time in range(times):
        if time:
            alive, born = _step(rng, every, alive, born)
        alive = _apart(every, alive)
        streams = Streams(seed, field, time)
        scene, tracks = _scene(every, alive, (rows, cols), margin)
        image = picture(
            scene,
            texture,
            streams,
            modalities=modalities,
            planes=planes,
            diameter=diameter,
            microscope=microscope,
        )
        tags = {"field": field, "modality": modality, "seed": seed, "time": time}
        found = truth(scene, nuclei=nuclei)
        named = tuple(
            {**t, "track": tracks[int(t["cell"])].track, "parent": tracks[int(t["cell"])].parent}
            for t in found.tags
        )
        name = f"field_{field:04d}_t{time:03d}"
        yield Sample(name, replace(image, tags=tags), replace(found, tags=named))


def _step(
    rng: np.random.Generator, every: Population, alive: list[Living], born: int
) -> tuple[list[Living], int]:
    """All cells one time point later, and how many were born so far."""
    later: list[Living] = []
    for cell in alive:
        middle = cell.middle + rng.normal(0.0, every.motion * every.size, 2)
        age = cell.age + 1.0 / cell.cycle
        if age < 1.0:
            later.append(replace(cell, middle=middle, age=age))
            continue
        # the two halves of the mother, along her long axis
        half = _long_half(every.body(cell))
        for sign in (-1.0, 1.0):
            place = middle + sign * half
            later.append(Living(born, cell.track, place, 0.0, every.life(rng)))
            born += 1
    return later, born


def _apart(every: Population, alive: list[Living]) -> list[Living]:
    """The same cells, pushed apart where they would lie on each other."""
    if len(alive) < 2:
        return alive
    middles = np.array([c.middle for c in alive])
    radii = 0.5 * np.array([every.diameter(c) for c in alive])
    room = ROOM * (radii[:, None] + radii[None, :])
    for _ in range(PUSHES):
        way = middles[:, None] - middles[None, :]
        away = np.maximum(np.hypot(way[..., 0], way[..., 1]), 1e-6)
        lacking = np.clip(room - away, 0.0, None)
        np.fill_diagonal(lacking, 0.0)
        if not lacking.any():
            break
        middles = middles + (0.4 * (lacking / away)[..., None] * way).sum(axis=1)
    return [replace(c, middle=m) for c, m in zip(alive, middles, strict=True)]


def _long_half(body: Body) -> np.ndarray:
    """(row, column) from the middle of a cell to that of one half of it."""
    places = np.argwhere(body.mask).astype(float)
    values, vectors = np.linalg.eigh(np.cov((places - places.mean(axis=0)).T))
    return np.asarray(vectors[:, -1] * np.sqrt(values[-1]))


def _scene(
    every: Population, alive: list[Living], shape: tuple[int, int], margin: int
) -> tuple[Scene, list[Living]]:
    """What the field shows, and which cell each of its cells is."""
    shown, tracks = [], []
    for cell in alive:
        if (cell.middle < -0.5 * margin).any() or (cell.middle >= np.add(shape, margin / 2)).any():
            continue
        body = every.body(cell)
        corner = np.floor(cell.middle + margin - 0.5 * np.array(body.mask.shape)).astype(int)
        place = (int(corner[0]), int(corner[1]))
        if visible(body.mask, place, margin, shape)[1].any():
            shown.append(dressed(every.random(cell, 1), body, place))
            tracks.append(cell)
    return Scene(shape, margin, tuple(shown)), tracks
