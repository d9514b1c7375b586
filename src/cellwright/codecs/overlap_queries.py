"""Query codec with the overlaps of the cells, and their likelihood, as further targets.

Source: Prytula 2023 (P4) 5.7.1: the overlap branch of SparseSEU-Net and its weight maps.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from cellwright.codecs.centres import cells_and_nuclei
from cellwright.codecs.instances import cell_targets
from cellwright.codecs.likelihood import MAPS, overlap_likelihood
from cellwright.codecs.queries import QueryCodec
from cellwright.overlap import overlap_map
from cellwright.types import InputError, Instances


@dataclass(frozen=True, slots=True)
class OverlapQueryCodec(QueryCodec):
    """A `QueryCodec` that also encodes the pixels under two cells or more.

    Parameters
    ----------
    likelihood
        A map of `cellwright.codecs.likelihood.MAPS`, or "none" for no such target.

    Raises
    ------
    InputError
        For an unknown map.
    """

    likelihood: str = "none"

    def __post_init__(self) -> None:
        if self.likelihood not in (*MAPS, "none"):
            raise InputError(
                f"map {self.likelihood!r} is not known; choose one of {', '.join(MAPS)} or none"
            )

    def encode(self, instances: Instances) -> dict[str, Tensor]:
        """The cells, ``overlap`` and, if wanted, ``likelihood``: (1, row, column) float32."""
        shared = overlap_map(cells_and_nuclei(instances)[0])
        found = cell_targets(instances)
        found["overlap"] = torch.from_numpy(shared[None].astype(np.float32))
        if self.likelihood != "none":
            found["likelihood"] = torch.from_numpy(overlap_likelihood(instances, self.likelihood))[
                None
            ]
        return found
