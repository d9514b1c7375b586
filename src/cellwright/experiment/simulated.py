"""Simulated plates of a recipe: several kinds of cells in one data set, plane by plane."""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.experiment.data_config import Simulate
from cellwright.label.session.truth import ALIVE, DEAD, by_life
from cellwright.types import Image, InputError, Instances, Sample

PARTS = "parts"


def simulated(parts: Sequence[Simulate], output: Path, *, quiet: bool = False) -> None:
    """Write the data set `output` of all simulations in `parts`, one after the other.

    A call that was stopped is finished by the same call. Images of several simulations are
    told apart by the number of their simulation in front of their names, and in the tag
    ``field``, by which a data set is split.
    """
    from cellwright.formats.dataset import DatasetWriter
    from cellwright.steps.simulate import simulate

    if len(parts) == 1 and not any(getattr(parts[0], key) for key in Simulate.AFTER):
        simulate(output, **arguments(parts[0]), quiet=quiet)
        return
    first = parts[0]
    names = (ALIVE, DEAD) if first.vitality else ("cell", "nucleus") if first.nuclei else ("cell",)
    with DatasetWriter(output, class_names=names) as writer:
        for number, part in enumerate(parts):
            for sample in _fields(part, output / PARTS / str(number), quiet):
                if len(parts) > 1:
                    sample = _numbered(sample, number)
                for piece in pieces(sample, part):
                    if piece.name not in writer.done:
                        writer.add(piece)
    shutil.rmtree(output / PARTS)


def arguments(part: Simulate) -> dict[str, Any]:
    """What `cellwright.steps.simulate.simulate` is called with."""
    every = part.model_dump(exclude=set(Simulate.AFTER))
    if part.preset is None:
        return every
    told = part.model_fields_set | {"fields", "shape", "seed", "nuclei"}
    return {key: value for key, value in every.items() if key in told}


def _fields(part: Simulate, folder: Path, quiet: bool) -> Iterator[Sample]:
    """The fields of `part`, with their phase contrast as first channel if it is asked for."""
    from cellwright.formats.dataset import open_dataset
    from cellwright.steps.simulate import simulate

    simulate(folder / "fields", **arguments(part), quiet=quiet)
    fields = open_dataset(folder / "fields")
    if not part.with_phase:
        yield from fields
        return
    same = arguments(part) | {"modality": "phase", "planes": 1}
    simulate(folder / "phase", **same, quiet=quiet)
    for sample, phase in zip(fields, open_dataset(folder / "phase"), strict=True):
        yield replace(sample, image=_behind(phase.image, sample.image))


def _behind(phase: Image, bright: Image) -> Image:
    """The planes of `bright` as channels behind `phase`."""
    planes = bright.stack()
    names = ("phase", *(f"brightfield-{n}" for n in range(len(planes))))
    tags = {**bright.tags, "modality": "phase and brightfield"}
    data = np.concatenate([phase.stack(), planes])
    return replace(bright, data=data, axes="CYX", channels=names, tags=tags)


def pieces(sample: Sample, part: Simulate) -> Iterator[Sample]:
    """The images that `part` makes of a simulated field, all with the cells of the field."""
    image = replace(sample.image, tags={**sample.image.tags, **part.tags})
    cells = sample.instances
    if part.vitality and cells is not None:
        cells = _by_vitality(cells)
    for suffix, one in _planes(image, part.z):
        for ending, channel in _channels(one) if part.each_channel else (("", one),):
            yield Sample(f"{sample.name}{suffix}{ending}", channel, cells)


def _numbered(sample: Sample, number: int) -> Sample:
    """A field of simulation `number` under a name and a ``field`` tag of its own."""
    tags = {**sample.image.tags, "field": f"{number}_{sample.image.tags['field']}"}
    return Sample(f"{number}_{sample.name}", replace(sample.image, tags=tags), sample.instances)


def _by_vitality(cells: Instances) -> Instances:
    """Cells of the classes Alive and Dead, in this order; nuclei are left out."""
    named = by_life(cells[cells.classes == 0], "label")
    dead = np.asarray(named.class_names)[named.classes] == DEAD
    return replace(named, classes=dead.astype(np.int64), class_names=(ALIVE, DEAD))


def _planes(image: Image, names: Sequence[int]) -> Iterator[tuple[str, Image]]:
    if not names:
        yield "", image
        return
    if "Z" not in image.axes and len(names) > 1:
        raise InputError(f"{len(names)} planes are named, the image has the axes {image.axes}")
    for index, name in enumerate(names):
        tags = {**image.tags, "z": name}
        yield f"_z{name:02d}", replace(_taken(image, "Z", index), tags=tags)


def _channels(image: Image) -> Iterator[tuple[str, Image]]:
    if "C" not in image.axes:
        yield "", image
        return
    for index, name in enumerate(image.channels):
        tags = {**image.tags, "modality": name}
        yield f"_{name}", replace(_taken(image, "C", index), tags=tags)


def _taken(image: Image, axis: str, index: int) -> Image:
    """One plane or channel of an image; an image without the axis as it is."""
    if axis not in image.axes:
        return image
    data = np.take(image.data, index, axis=image.axes.index(axis))
    names = () if axis == "C" else image.channels
    return replace(image, data=data, axes=image.axes.replace(axis, ""), channels=names)
