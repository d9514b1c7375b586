"""One data set of several: simulations, imports, and simulated cells in real empty fields.

The cells of every part are brought to one typical diameter, so that a model learns one size.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from cellwright.experiment.data_config import Joined, Simulate
from cellwright.experiment.simulated import pieces, simulated
from cellwright.formats.dataset import Dataset, DatasetWriter, open_dataset
from cellwright.geometry import resize
from cellwright.steps.result import Failure
from cellwright.types import Image, Sample

PARTS = "parts"


def join(
    parts: Sequence[Joined], output: Path, *, diameter: float | None = None, quiet: bool = False
) -> tuple[Failure, ...]:
    """Write the data set `output` of all `parts`; what failed to be imported is returned.

    A call that was stopped is finished by the same call. Images are told apart by the name of
    their part in front of theirs, and in the tag ``field``, by which a data set is split.
    """
    failed: list[Failure] = []
    with DatasetWriter(output) as writer:
        for part in parts:
            folder = output / PARTS / part.name
            for sample in _samples(part, folder, diameter, failed, quiet):
                for number in range(part.repeat):
                    one = named(sample, part.name, number)
                    if one.name not in writer.done:
                        writer.add(one)
    shutil.rmtree(output / PARTS)
    return tuple(failed)


def named(sample: Sample, part: str, number: int) -> Sample:
    """Copy `number` of a sample under the name and tags of its part."""
    tags = dict(sample.image.tags)
    tags |= {"source": part, "field": f"{part}_{tags.get('field', sample.name)}"}
    ending = f"_{number}" if number else ""
    image = replace(sample.image, tags=tags)
    return Sample(f"{part}_{sample.name}{ending}", image, sample.instances)


def rescaled(sample: Sample, scale: float) -> Sample:
    """Image and cells magnified by `scale`; at least one pixel is left."""
    if scale == 1:
        return sample
    shape = scaled_shape(sample.image, scale)
    cells = resize(sample.instances, shape) if sample.instances is not None else None
    return Sample(sample.name, _resized(sample.image, scale), cells)


def scaled_shape(image: Image, scale: float) -> tuple[int, int]:
    """Rows and columns of `image` magnified by `scale`."""
    rows, cols = (max(1, round(n * scale)) for n in image.shape)
    return rows, cols


def _samples(
    part: Joined, folder: Path, diameter: float | None, failed: list[Failure], quiet: bool
) -> Iterator[Sample]:
    scale = diameter / part.diameter if diameter and part.diameter else 1.0
    if part.import_ is None:
        assert part.simulate is not None
        simulated([part.simulate], folder, quiet=quiet)
    else:
        from cellwright.steps.import_images import import_images

        settings = part.import_.model_dump()
        failed += import_images(settings.pop("sources"), folder, **settings, quiet=quiet).failed
        if part.simulate is not None:
            yield from _in_empty_fields(part, part.simulate, open_dataset(folder), scale)
            return
    for sample in open_dataset(folder):
        yield rescaled(sample, scale)


def _in_empty_fields(
    part: Joined, simulate: Simulate, empty: Dataset, scale: float
) -> Iterator[Sample]:
    """Simulated cells in each empty field, each plane an image if the planes have names."""
    from cellwright.synth import Microscope
    from cellwright.synth.backdrop import simulate_on

    for index, name in enumerate(empty.names):
        backdrop = _resized(empty.image(index), scale)
        for number in range(simulate.fields):
            sample = simulate_on(
                backdrop,
                simulate.seed + index,
                number,
                cells=simulate.cells or 8,
                overlap=simulate.overlap,
                kind=simulate.kind,
                diameter=simulate.diameter,
                heights=part.heights,
                microscope=Microscope(pixel_size=simulate.pixel_size),
            )
            tags = {**sample.image.tags, "field": f"{name}_{number}"}
            sample = replace(sample, image=replace(sample.image, tags=tags))
            for piece in pieces(sample, simulate):
                yield replace(piece, name=f"{name}_{piece.name}")


def _resized(image: Image, scale: float) -> Image:
    from cellwright.plate.resize import resize_image

    return resize_image(image, scaled_shape(image, scale))
