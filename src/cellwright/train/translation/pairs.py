"""Pairs of pictures to learn a translation from, and crops of them."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor

#: source and target of one frame, (plane, row, column) float32 in about [-1, 1]
Pair = tuple[np.ndarray, np.ndarray]


class Pairs:
    """Frames with their source and target planes, read once and kept up to a number of bytes.

    Parameters
    ----------
    read
        Gives pair number `index`.
    shapes
        Rows and columns of each frame.
    memory_limit
        Bytes of pairs kept; further ones are read again at each use.
    """

    def __init__(
        self,
        read: Callable[[int], Pair],
        shapes: Sequence[tuple[int, int]],
        *,
        memory_limit: int = 4 * 2**30,
    ) -> None:
        self.read = read
        self.shapes = list(shapes)
        self._free = memory_limit
        self._kept: dict[int, Pair] = {}

    def __len__(self) -> int:
        return len(self.shapes)

    def __getitem__(self, index: int) -> Pair:
        if index in self._kept:
            return self._kept[index]
        pair = self.read(index)
        size = sum(a.nbytes for a in pair)
        if size <= self._free:
            self._free -= size
            self._kept[index] = pair
        return pair


def draw_batch(
    pairs: Pairs, size: tuple[int, int], *, count: int, seed: int, step: int
) -> tuple[Tensor, Tensor]:
    """Crops at random places, mirrored and turned by quarters: a function of seed and step alone.

    A frame is drawn in proportion to its area. Frames smaller than a crop are mirrored on.

    Returns
    -------
    tuple
        Sources and targets, (crop, plane, row, column) float32.
    """
    rng = np.random.default_rng([seed, step])
    areas = np.array([float(r * c) for r, c in pairs.shapes])
    chosen = rng.choice(len(pairs), count, p=areas / areas.sum())
    square = size[0] == size[1]
    crops = []
    for index in chosen.tolist():
        both = enlarged(np.concatenate(pairs[index]), size)
        row, column = (
            int(rng.integers(n - s + 1)) for n, s in zip(both.shape[1:], size, strict=True)
        )
        crop = both[:, row : row + size[0], column : column + size[1]]
        crop = np.rot90(crop, int(rng.integers(4)) if square else 2 * int(rng.integers(2)), (1, 2))
        crops.append(crop[:, :, ::-1] if rng.random() < 0.5 else crop)
    batch = torch.from_numpy(np.stack(crops))
    inputs = len(pairs[int(chosen[0])][0])
    return batch[:, :inputs], batch[:, inputs:]


def fixed_crops(pairs: Pairs, size: tuple[int, int], *, most: int) -> list[tuple[Tensor, Tensor]]:
    """Crops that cover every frame, in order; of more than `most` evenly chosen ones.

    Returns
    -------
    list
        Source and target of each, (plane, row, column) float32.
    """
    places = [
        (index, r, c)
        for index, (rows, columns) in enumerate(pairs.shapes)
        for r in _starts(rows, size[0])
        for c in _starts(columns, size[1])
    ]
    kept = np.linspace(0, len(places) - 1, min(most, len(places))).astype(int)
    crops = []
    for index, row, column in (places[k] for k in kept):
        source, target = (
            enlarged(part, size)[:, row : row + size[0], column : column + size[1]]
            for part in pairs[index]
        )
        crops.append((torch.from_numpy(source.copy()), torch.from_numpy(target.copy())))
    return crops


def _starts(length: int, size: int) -> list[int]:
    """Where crops begin along an axis: side by side, the last one at its end."""
    return [min(k, max(length - size, 0)) for k in range(0, length, size)]


def enlarged(planes: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """(plane, row, column), mirrored on at the end where it is smaller than `size`."""
    add = [(0, max(s - n, 0)) for n, s in zip(planes.shape[1:], size, strict=True)]
    return np.pad(planes, [(0, 0), *add], mode="symmetric") if any(a for _, a in add) else planes
