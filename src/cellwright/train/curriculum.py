"""Difficulty as a curriculum: training begins with easy images, harder ones join (P3, section 5).

P3 names the density and geometry of cells as what makes an image hard and leaves the schedule open;
the linear one is that of Bengio et al. 2009, Platanios et al. 2019 (arXiv 1903.09848, eq. 5).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from cellwright.evaluate.classes import cells_and_crowds
from cellwright.geometry import to_semantic
from cellwright.overlap import overlap_map
from cellwright.types import InputError, Instances, Sample


@dataclass(frozen=True, slots=True)
class Curriculum:
    """Which share of the images, the easiest first, is learnt from.

    Parameters
    ----------
    start
        Share of the images that the training begins with, above 0 to 1.
    until
        Share of the budget after which all images are in, above 0 to 1.

    Examples
    --------
    >>> half = Curriculum(0.2, 0.5)
    >>> [round(half.share(spent), 2) for spent in (0.0, 0.25, 0.5, 1.0)]
    [0.2, 0.6, 1.0, 1.0]
    """

    start: float = 0.2
    until: float = 0.5

    def __post_init__(self) -> None:
        for name in ("start", "until"):
            value = getattr(self, name)
            if not 0 < value <= 1:
                raise InputError(
                    f"curriculum {self.start:g} {self.until:g} came: the share of the images at "
                    "the start and the share of the budget until all are in, each above 0 to 1"
                )

    def share(self, spent: float) -> float:
        """Share of the images when `spent` of the budget is used, 0 to 1."""
        return min(1.0, self.start + (1 - self.start) * spent / self.until)

    def allowed(self, order: Sequence[int] | np.ndarray, spent: float) -> np.ndarray:
        """The images to draw from, at least one, of `order` from easy to hard."""
        count = max(1, int(np.ceil(round(self.share(spent) * len(order), 9))))
        return np.asarray(order[:count], dtype=np.int64)


def crowding(cells: Instances) -> tuple[float, float]:
    """How crowded an image is: share of it under cells, and share of that under two of one class.

    The first is the density of cells in units of their own size, so that small and large cells
    are comparable. A nucleus in its cell is no overlap.

    Examples
    --------
    >>> cells = Instances((1, 8), [[0, 0, 1, 3], [0, 2, 1, 4]], [np.ones((1, 3)), np.ones((1, 2))])
    >>> crowding(cells)
    (0.5, 0.25)
    """
    covered = int(to_semantic(cells).any(axis=0).sum())
    shared = np.zeros(cells.shape, dtype=bool)
    for number in np.unique(cells.classes):
        shared |= overlap_map(cells[cells.classes == number])
    return covered / (cells.shape[0] * cells.shape[1]), int(shared.sum()) / max(covered, 1)


def easiest_first(samples: Sequence[Sample]) -> np.ndarray:
    """Numbers of the samples from easy to hard.

    The difficulty is the mean of the ranks of density and overlap; of equal ones the first in
    the data set comes first.

    Parameters
    ----------
    samples
        With instances; a data set is asked for these only, not for its images.
    """
    of = getattr(samples, "instances", None)
    found = [of(i) if of else samples[i].instances for i in range(len(samples))]
    if any(cells is None for cells in found):
        raise InputError("images without labels have no difficulty; leave them out with --where")
    known = [cells_and_crowds(cells)[0] for cells in found if cells is not None]
    values = np.array([crowding(cells) for cells in known]).reshape(-1, 2)
    ranks = rankdata(values, axis=0).mean(axis=1)
    return np.argsort(ranks, kind="stable")
