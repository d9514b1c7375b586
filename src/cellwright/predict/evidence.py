"""What a method saw in a frame, kept so that its cells can be read with other thresholds."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from cellwright.codecs.centres import numbered_from, renumbered
from cellwright.predict.windows import placed
from cellwright.tiling.maps import MapStore
from cellwright.tiling.merge import merge
from cellwright.tiling.plan import Window
from cellwright.types import Instances

#: blocks in memory at a time
TOGETHER = 2


@dataclass(frozen=True, slots=True, eq=False)
class Maps:
    """The probabilities of a frame, (map channel, row, column)."""

    store: MapStore
    blocks: tuple[Window, ...]
    shape: tuple[int, int]

    def cells(self, method: Any) -> Instances:
        """Cells by the thresholds of `method`; two blocks at a time, on as many cores.

        Nuclei are tagged with the number of their cell in the frame.
        """
        parts, known = [], 0
        for window, found in zip(self.blocks, self._decoded(method), strict=True):
            parts.append((window, numbered_from(found, known)))
            known += len(found)
        if len(parts) == 1:
            return parts[0][1]
        whole = merge(parts)
        return renumbered(whole) if any("cell" in t for t in whole.tags) else whole

    def _decoded(self, method: Any) -> Iterator[Instances]:
        def decoded(window: Window) -> Instances:
            maps = torch.from_numpy(self.store.read(*window.slices))
            return placed(method.decode(maps), window.outer[:2], self.shape)

        workers = min(TOGETHER, len(self.blocks), torch.get_num_threads())
        if workers < 2:
            yield from map(decoded, self.blocks)
            return
        with ThreadPoolExecutor(workers) as pool:
            for k in range(0, len(self.blocks), workers):
                yield from pool.map(decoded, self.blocks[k : k + workers])

    def array(self) -> np.ndarray:
        """The whole frame as float32."""
        return self.store.read(slice(None), slice(None))

    def close(self) -> None:
        """Let go of the file on disk, if there is one."""
        self.store.__exit__(None, None, None)


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """All that might be a cell, window by window, in coordinates of the frame."""

    parts: tuple[tuple[Window, Instances], ...]

    def cells(self, method: Any) -> Instances:
        """Cells by the thresholds of `method`."""
        chosen = [(window, method.codec.select(found)) for window, found in self.parts]
        if len(chosen) == 1:
            return chosen[0][1]
        return method.codec.select(merge(chosen))

    def close(self) -> None:
        """Nothing is held but memory."""


Evidence = Maps | Candidates
