"""Heads codec: cytoplasm, nuclei, border and background as maps; watershed back to cells.

Source: P4 4.2.2, 4.2.3 and 4.2: maps of the cell (cytoplasm), its nucleus, its border and the
background; cells by a watershed of the cytoplasm from the nuclei.
Where the thesis is silent: cytoplasm is the whole cell, its nucleus included (P4 Fig. 4.5 calls
gaps at the nucleus an error). The border lies inside the cell and is drawn for each cell, so
that it shows in overlaps too: with 2 pixels on each side, two cells that touch have a ridge
of 4 between them. Of 1 pixel, a warp or a pooling leaves nothing, and more would cover the small
cells of LIVECell (4 pixels); no border reaches further than half the depth of its cell.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from scipy import ndimage
from torch import Tensor

from cellwright.codecs.regions import paint, scored
from cellwright.codecs.seeds import distance_seeds, with_seeds_everywhere
from cellwright.types import InputError, Instances

HEADS = ("cytoplasm", "nuclei", "border", "background")
NUCLEUS = "nucleus"


@dataclass(frozen=True, slots=True)
class HeadsCodec:
    """One map for each head; cytoplasm has one for each class of cells.

    Parameters
    ----------
    class_names
        Names of the classes. "nucleus" is the nuclei, every other one is a class of cells
        (if there is no other, nuclei are the cells).
    heads
        Some of `HEADS`, in the order of the network's channels; cytoplasm is always one.
    border_width
        Pixels of a cell, from its outline inwards, that are its border.
    foreground
        Probability above which a pixel belongs to a cell. With a background head the
        probability is the mean of the cytoplasm and of what is not background.
    nuclei
        Probability above which a pixel belongs to a nucleus.
    border
        Probability above which a pixel of the border is no seed of a cell.
    smoothing
        Sigma in pixels applied to a distance before its maxima become seeds.
    min_area, min_nucleus_area
        Cells, and nuclei, of fewer pixels are left out. Nuclei at the frame, which cuts them, may
        be of any size: without its nucleus a cell is given to its neighbour.

    Raises
    ------
    InputError
        Heads that are unknown or twice, or nuclei without cells and nuclei among the classes.
    """

    class_names: tuple[str, ...] = ("cell",)
    heads: tuple[str, ...] = ("cytoplasm",)
    border_width: float = 2.0
    foreground: float = 0.5
    nuclei: float = 0.5
    border: float = 0.5
    smoothing: float = 2.0
    min_area: int = 15
    min_nucleus_area: int = 5

    #: settings tried on the tuning fold, by field
    grid: ClassVar[dict[str, tuple[float, ...]]] = {
        "foreground": (0.3, 0.4, 0.5, 0.6, 0.7),
        "nuclei": (0.3, 0.5, 0.7),
        "border": (0.3, 0.5, 0.7),
        "smoothing": (1.0, 2.0, 3.0),
        "min_area": (5, 15, 30),
    }

    def __post_init__(self) -> None:
        known = len(set(self.heads)) == len(self.heads) and set(self.heads) <= set(HEADS)
        if not known or "cytoplasm" not in self.heads:
            raise InputError(
                f"heads {', '.join(self.heads)} came: cytoplasm and any of "
                f"{', '.join(HEADS[1:])} are wanted, each once"
            )
        if "nuclei" in self.heads and not {NUCLEUS} < set(self.class_names):
            raise InputError(
                f"a nuclei head was asked for classes {', '.join(self.class_names)}: cells and "
                f'"{NUCLEUS}" are wanted; label the nuclei too, or take a method without that '
                "head (seunet-3head or seunet-1head)"
            )

    @property
    def cells(self) -> tuple[int, ...]:
        """Numbers of the classes that are cells."""
        found = tuple(k for k, name in enumerate(self.class_names) if name != NUCLEUS)
        return found or tuple(range(len(self.class_names)))

    @property
    def maps(self) -> dict[str, int]:
        """Names of the heads and the channels of each."""
        return {head: len(self.cells) if head == "cytoplasm" else 1 for head in self.heads}

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """A map (channel, row, column) float32 of 0 and 1 for each head."""
        whole = paint(instances, np.asarray)
        cells = instances[np.isin(instances.classes, self.cells)]
        make = {
            "cytoplasm": lambda: whole[list(self.cells)],
            "nuclei": lambda: whole[[self.class_names.index(NUCLEUS)]],
            "border": lambda: borders(cells, width=self.border_width)[None],
            "background": lambda: 1 - whole.max(axis=0, keepdims=True),
        }
        return {head: torch.from_numpy(make[head]()) for head in self.heads}

    def decode(self, outputs: Mapping[str, Tensor]) -> Instances:
        """Cells, then nuclei, from the probabilities of one image.

        With a nuclei head every cell and nucleus has the tag ``cell``: the cell's number in
        what is returned. A nucleus that lies in no cell that was kept has no such tag.
        """
        maps = {head: outputs[head].float().numpy() for head in self.heads}
        cytoplasm = maps["cytoplasm"]
        if "background" in maps:
            cytoplasm = (cytoplasm + 1 - maps["background"]) / 2
        likely, nuclei = cytoplasm > self.foreground, None
        if "nuclei" in maps:
            nuclei = self._nuclei(maps["nuclei"][0])
            # A nucleus is a part of its cell, of the class that is likeliest there.
            likely |= (nuclei > 0) & (np.arange(len(likely))[:, None, None] == likely_class(maps))
        edge = maps["border"][0] if "border" in maps else None
        parts = [
            scored(
                self._label(inside, nuclei, edge),
                probability,
                min_area=self.min_area,
                kind=kind,
                class_names=self.class_names,
            )
            for kind, inside, probability in zip(self.cells, likely, cytoplasm, strict=True)
        ]
        cells = Instances.concatenate(parts)
        return cells if nuclei is None else self._with_nuclei(cells, nuclei, maps["nuclei"][0])

    def _nuclei(self, probability: np.ndarray) -> np.ndarray:
        """Nuclei numbered from 1, (row, column); those that touch are told apart."""
        from skimage.segmentation import watershed

        inside = probability > self.nuclei
        seeds, depth = distance_seeds(inside, smoothing=self.smoothing)
        labels = watershed(-depth, seeds, mask=inside)
        small = np.bincount(labels.ravel()) < self.min_nucleus_area
        small[0] = False
        for line in (labels[0], labels[-1], labels[:, 0], labels[:, -1]):
            small[line] = False
        return np.where(small[labels], 0, labels)

    def _label(
        self, inside: np.ndarray, nuclei: np.ndarray | None, edge: np.ndarray | None
    ) -> np.ndarray:
        """Cells of one class, numbered from 1: a watershed from nuclei or from their middles."""
        from skimage.segmentation import watershed

        middle = inside if edge is None else inside & (edge <= self.border)
        seeds, _ = distance_seeds(middle, smoothing=self.smoothing)
        if nuclei is not None:
            seeds = nuclei
        seeds = with_seeds_everywhere(seeds, inside, smoothing=self.smoothing)
        depth = ndimage.gaussian_filter(
            ndimage.distance_transform_edt(inside).astype(np.float32), self.smoothing
        )
        # Where the border is known it is what separates; the depth breaks ties on its flats.
        relief = -depth if edge is None else edge - 0.1 * depth / max(float(depth.max()), 1.0)
        return watershed(relief, seeds, mask=inside)

    def _with_nuclei(
        self, cells: Instances, nuclei: np.ndarray, probability: np.ndarray
    ) -> Instances:
        """Cells and nuclei, tagged with the number of their cell."""
        kind = self.class_names.index(NUCLEUS)
        found = scored(nuclei, probability, min_area=1, kind=kind, class_names=self.class_names)
        owner = np.full(cells.shape, -1, dtype=np.int32)
        for number, ((r0, c0, r1, c1), mask) in enumerate(
            zip(cells.boxes, cells.masks, strict=True)
        ):
            owner[r0:r1, c0:c1][mask] = number
        tags: list[dict[str, int]] = [{"cell": number} for number in range(len(cells))]
        for (r0, c0, r1, c1), mask in zip(found.boxes, found.masks, strict=True):
            counts = np.bincount(owner[r0:r1, c0:c1][mask] + 1, minlength=1)
            counts[0] = 0
            tags.append({"cell": int(counts.argmax()) - 1} if counts.any() else {})
        both = Instances.concatenate([cells, found])
        return Instances(
            both.shape, both.boxes, both.masks, both.scores, both.classes, self.class_names, tags
        )


def likely_class(maps: Mapping[str, np.ndarray]) -> np.ndarray:
    """Number of the channel of cytoplasm that is largest, (row, column)."""
    return maps["cytoplasm"].argmax(axis=0)


def borders(cells: Instances, *, width: float) -> np.ndarray:
    """1 on the border of any cell, (row, column) float32.

    Parameters
    ----------
    cells
        May overlap: a border inside another cell is drawn too.
    width
        Pixels inwards from the outline, at most half of the cell's largest depth. Where the
        image's frame cuts a cell there is no border.
    """
    found = np.zeros(cells.shape, dtype=np.float32)
    rows, cols = cells.shape
    for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True):
        # Beyond the frame the cell goes on; beyond its box there is nothing of it.
        padded = np.pad(mask, 1, mode="edge")
        padded[0] &= r0 == 0
        padded[-1] &= r1 == rows
        padded[:, 0] &= c0 == 0
        padded[:, -1] &= c1 == cols
        if padded.all():
            continue
        depth = ndimage.distance_transform_edt(padded)[1:-1, 1:-1]
        view = found[r0:r1, c0:c1]
        view[mask & (depth <= min(width, depth.max() / 2))] = 1
    return found
