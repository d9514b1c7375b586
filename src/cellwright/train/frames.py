"""Labelled frames with what crops of them are made of, prepared once and kept."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellwright.augment import Warp, intensity_range, normalise
from cellwright.evaluate.classes import cells_and_crowds
from cellwright.geometry.diameter import typical_diameter
from cellwright.label.background import covered, without
from cellwright.losses.ignored import IGNORE
from cellwright.types import InputError, Instances, Sample, Tag
from cellwright.zoo.method import Normalisation

#: a cell of which a crop shows fewer pixels is not learnt from
LEAST_PIXELS = 8


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """A normalised image with its targets, or with its cells where these are encoded per crop.

    Parameters
    ----------
    image
        (plane, row, column) float32.
    codec
        Encodes the cells of a crop.
    maps
        Targets by name, (channel, row, column) float16; empty where cells are encoded per crop.
    cells
        The cells, or None where `maps` hold the targets.
    whole
        Targets that belong to the frame as a whole, by name.
    diameter
        Typical diameter of its cells in pixels; None where there are none.
    """

    image: np.ndarray
    codec: Any
    maps: Mapping[str, np.ndarray]
    cells: Instances | None
    whole: Mapping[str, Tensor]
    diameter: float | None = None

    @property
    def nbytes(self) -> int:
        """Bytes of the pixels and targets."""
        masks = self.cells.masks if self.cells is not None else ()
        return self.image.nbytes + sum(a.nbytes for a in (*self.maps.values(), *masks))

    def crop(self, warp: Warp) -> tuple[np.ndarray, dict[str, Tensor]]:
        """Image (plane, row, column) and targets of a crop.

        Beyond the frame, maps are mirrored with the image; where cells are encoded per crop
        the image goes on in its median instead, as nothing tells whose a mirrored part is.
        """
        if self.cells is None:
            targets = {k: torch.from_numpy(warp.array(v)) for k, v in self.maps.items()}
            return warp.array(self.image), {**targets, **self.whole}
        outside = np.median(self.image[:, ::4, ::4], axis=(1, 2))
        cells = warp.instances(self.cells)
        cells = cells[cells.areas >= LEAST_PIXELS]
        targets = self.codec.encode(cells)
        return warp.array(self.image, outside=outside), {**targets, **self.whole}

    def count(self, warp: Warp) -> int:
        """Cells of which a crop shows anything; 0 where the targets are maps."""
        return 0 if self.cells is None else len(warp.instances(self.cells))


class Frames:
    """Labelled frames, prepared once and kept up to a number of bytes.

    Regions tagged ``iscrowd`` hide unknown cells. Where targets are maps, their pixels outside
    known cells are the target ``ignore``. Methods that draw each cell by itself cannot leave pixels
    out: they see drawn background there.

    Parameters
    ----------
    samples
        Samples with instances; read lazily.
    codec
        Encodes the instances: those of a whole frame if its targets are maps, those of each
        crop if it has `ragged` targets.
    normalisation
        Of the input.
    member_of
        Gives the number of the ensemble's member that learns from an image by its tags;
        None where there is no ensemble.
    memory_limit
        Bytes of frames and targets kept; further frames are read again at each use.
    """

    def __init__(
        self,
        samples: Sequence[Sample],
        *,
        codec: Any,
        normalisation: Normalisation,
        member_of: Callable[[Mapping[str, Tag]], int | None] | None = None,
        memory_limit: int = 4 * 2**30,
    ) -> None:
        self.samples = samples
        self.codec = codec
        self.normalisation = normalisation
        self.member_of = member_of
        self._free = memory_limit
        self._kept: dict[int, Frame] = {}

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int) -> Frame:
        """Frame number `index`."""
        if index in self._kept:
            return self._kept[index]
        frame = self._prepared(self.samples[index])
        if frame.nbytes <= self._free:
            self._free -= frame.nbytes
            self._kept[index] = frame
        return frame

    def _prepared(self, sample: Sample) -> Frame:
        if sample.instances is None:
            raise InputError(f"{sample.name} has no labels; label it or leave it out with --where")
        cells, unknown = cells_and_crowds(sample.instances)
        per_crop = bool(ragged_targets(self.codec))
        shown = without(sample.image, unknown, cells) if per_crop else sample.image
        planes = shown.stack()
        how = self.normalisation
        image = normalise(
            planes, *intensity_range(planes, low=how.low, high=how.high, kind=how.kind)
        )
        whole = self._whole(sample)
        size = typical_diameter(cells.areas)
        if per_crop:
            return Frame(image, self.codec, {}, cells, whole, size)
        encoded = self.codec.encode(cells)
        maps = {name: value.numpy().astype(np.float16) for name, value in encoded.items()}
        if len(unknown):
            maps[IGNORE] = (covered(unknown) & ~covered(cells))[None].astype(np.float16)
        return Frame(image, self.codec, maps, None, whole, size)

    def _whole(self, sample: Sample) -> dict[str, Tensor]:
        if self.member_of is None:
            return {}
        member = self.member_of(sample.image.tags)
        if member is None:
            raise InputError(
                f"{sample.name} belongs to no member of the ensemble (tags "
                f"{dict(sample.image.tags)}); leave it out with --where, or add a member for it"
            )
        return {"member": torch.tensor(member)}


def ragged_targets(codec: Any) -> tuple[str, ...]:
    """Names of the codec's targets that have one entry per cell; none for maps."""
    return tuple(getattr(codec, "ragged", ()))


def frame_shapes(samples: Sequence[Sample]) -> list[tuple[int, int]]:
    """Rows and columns of each sample, without reading pixels where the data set knows them."""
    shape = getattr(samples, "shape", None)
    if shape is not None:
        return [shape(i) for i in range(len(samples))]
    return [s.image.shape for s in samples]
