"""Overlap codec: the maps of the cells and one of their overlaps, back to overlapping cells.

Source: Prytula 2023 (P4) 4.3 and 5.4: a head of its own for the pixels under two cells or more,
with a threshold of 0.3 "to target the low confidence problem".
Where the thesis is silent: it scores the overlap map alone and leaves open how cells come from
it. In ours overlaps part the cells as borders do, since a pixel under two cells is the middle
of neither; the two ends of a cell that another one crosses are joined where they are nearly
convex together; then each predicted overlap is given to all the cells it lies between.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import ClassVar

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from cellwright.codecs.centres import cells_and_nuclei
from cellwright.codecs.crossed import joined_ends
from cellwright.codecs.heads import HeadsCodec
from cellwright.codecs.likelihood import MAPS, overlap_likelihood
from cellwright.codecs.peaks import prominent_basins
from cellwright.codecs.regions import scored
from cellwright.codecs.seeds import with_seeds_everywhere
from cellwright.codecs.shared_regions import share
from cellwright.overlap import overlap_map
from cellwright.types import InputError, Instances


@dataclass(frozen=True, slots=True)
class OverlapCodec:
    """The maps of `HeadsCodec` and one of overlaps; their likelihood as a further target.

    Parameters
    ----------
    class_names
        Names of the classes, as of `HeadsCodec`.
    heads
        Heads of the cells; the overlap comes after them.
    likelihood
        A map of `cellwright.codecs.likelihood.MAPS`, or "none" for no such target.
    ceiling
        Highest value of that map, above 0.1 and at most 1.
    overlap
        Probability from which on a pixel lies under two cells.
    contact
        Share of an overlap's surroundings that a cell must have to own the overlap.
    prominence
        Logarithm of the ratio by which the depth at a cell's middle must exceed that of the pass
        to its neighbour; without a nuclei head only.
    smoothing
        Sigma in pixels of the smoothing of that depth.
    foreground, nuclei, border, border_width, min_area
        As of `HeadsCodec`.

    Raises
    ------
    InputError
        An unknown map, a ceiling out of its range, or heads that `HeadsCodec` refuses.
    """

    class_names: tuple[str, ...] = ("cell",)
    heads: tuple[str, ...] = ("cytoplasm",)
    likelihood: str = "none"
    ceiling: float = 0.9
    overlap: float = 0.3
    contact: float = 0.15
    prominence: float = 0.25
    smoothing: float = 1.0
    foreground: float = 0.5
    nuclei: float = 0.5
    border: float = 0.5
    border_width: float = 2.0
    min_area: int = 15

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "foreground": (0.3, 0.4, 0.5, 0.6, 0.7),
        # What the focal loss leaves of an overlap's probability lies close together at 0.2 to 0.3.
        "overlap": (0.1, 0.15, 0.2, 0.22, 0.24, 0.26, 0.28, 0.3, 0.35, 0.4, 0.5),
        "prominence": (0.1, 0.15, 0.25, 0.35, 0.5),
        "smoothing": (0.7, 1.0, 2.0, 3.0),
        "contact": (0.05, 0.15, 0.25),
        "min_area": (5, 15, 30),
    }

    def __post_init__(self) -> None:
        if self.likelihood not in (*MAPS, "none"):
            raise InputError(
                f"map {self.likelihood!r} is not known; choose one of {', '.join(MAPS)} or none"
            )
        if not 0.1 < self.ceiling <= 1:
            raise InputError(f"ceiling {self.ceiling} came; above 0.1 and at most 1 is wanted")
        HeadsCodec(self.class_names, self.heads)

    @property
    def cells(self) -> HeadsCodec:
        """The codec of the heads other than the overlap."""
        return HeadsCodec(
            self.class_names,
            self.heads,
            border_width=self.border_width,
            foreground=self.foreground,
            nuclei=self.nuclei,
            border=self.border,
            min_area=self.min_area,
        )

    @property
    def maps(self) -> dict[str, int]:
        """Names of the heads and the channels of each."""
        return {**self.cells.maps, "overlap": 1}

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """A map (channel, row, column) float32 for each head, and ``likelihood`` if wanted."""
        overlap = overlap_map(cells_and_nuclei(instances)[0])
        found = self.cells.encode(instances)
        found["overlap"] = torch.from_numpy(overlap[None].astype(np.float32))
        if self.likelihood != "none":
            values = overlap_likelihood(instances, self.likelihood, high=self.ceiling)
            found["likelihood"] = torch.from_numpy(values[None])
        return found

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Overlapping cells, then nuclei, from the probabilities of one image.

        Overlaps lie inside cells: what the overlap head says of the background does not count.
        """
        inside = outputs["cytoplasm"].float().numpy().max(axis=0) > self.foreground
        shared = inside & (outputs["overlap"][0].float().numpy() >= self.overlap)
        edge = shared
        if "border" in self.heads:
            edge = shared | (outputs["border"][0].float().numpy() > self.border)
        found = (
            self._from_nuclei(outputs, edge)
            if "nuclei" in self.heads
            else self._from_depth(outputs, edge, shared)
        )
        return share(found, shared, contact=self.contact)

    def _from_nuclei(self, outputs: Mapping[str, Tensor], edge: np.ndarray) -> Instances:
        """Cells and nuclei of the heads' own codec, with overlaps as borders."""
        border = torch.from_numpy(edge[None].astype(np.float32))
        heads = tuple(dict.fromkeys((*self.heads, "border")))
        return replace(self.cells, heads=heads, border=0.5).decode({**outputs, "border": border})

    def _from_depth(
        self, outputs: Mapping[str, Tensor], edge: np.ndarray, shared: np.ndarray
    ) -> Instances:
        """Cells from the middles of what is neither overlap nor border."""
        cytoplasm = outputs["cytoplasm"].float().numpy()
        if "background" in self.heads:
            cytoplasm = (cytoplasm + 1 - outputs["background"].float().numpy()) / 2
        return Instances.concatenate(
            scored(
                self._label(probability > self.foreground, edge, shared),
                probability,
                min_area=self.min_area,
                kind=kind,
                class_names=self.class_names,
            )
            for kind, probability in zip(self.cells.cells, cytoplasm, strict=True)
        )

    def _label(self, inside: np.ndarray, edge: np.ndarray, shared: np.ndarray) -> np.ndarray:
        """Cells of one class, numbered from 1."""
        from skimage.segmentation import watershed

        middle = inside & ~edge
        depth = ndimage.distance_transform_edt(middle).astype(np.float32)
        depth = ndimage.gaussian_filter(depth, self.smoothing) * middle
        # Equal differences of a logarithm are equal ratios: small cells are parted as large ones.
        seeds = prominent_basins(np.log1p(depth), middle, prominence=self.prominence, least=0)
        seeds = with_seeds_everywhere(seeds, inside, smoothing=self.smoothing)
        pieces = watershed(-ndimage.distance_transform_edt(inside), seeds, mask=inside)
        return joined_ends(pieces, shared & inside, contact=self.contact)
