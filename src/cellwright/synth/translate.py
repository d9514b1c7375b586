"""Translation of a frame of any size, in tiles that overlap by half and leave no seam.

Three things would show where tiles meet. Padding at their borders: tiles are added with weights
that fall to nothing there (sin^2, which adds up to one at half a tile's distance). Statistics of
the tile itself: batch normalisation computes with those gathered in training, the same
everywhere. Noise: what dropout drops is drawn once for the grid of the frame, so that two tiles
drop the same features of the same place. P4 (4.4.2) cuts frames into tiles that do not overlap.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from cellwright.device import resolve
from cellwright.types import Image, InputError
from cellwright.zoo.channels import chosen
from cellwright.zoo.translator import TranslatorCard, load_network

#: inputs beyond this many times the trained range are cut, or one hot pixel would reach far
REACH = 3.0
#: pixels computed at once
TOGETHER = 2**20


@dataclass(frozen=True, slots=True)
class Translator:
    """A network with its card, ready to translate images.

    Parameters
    ----------
    net, card
        From `cellwright.zoo.translator.load_network`.
    device
        A torch device.
    """

    net: Any
    card: TranslatorCard
    device: str = "cpu"

    def apply(self, image: Image, seed: int = 0, *, tile: tuple[int, int] | None = None) -> Image:
        """The picture of `image` as the translator learnt to make it.

        Parameters
        ----------
        image
            With the source channels by name, or with nothing but them.
        seed
            Of the noise; the same seed gives the same picture, up to rounding by the device.
        tile
            Rows and columns of a tile, multiples of the stride of the network; those of the
            training crops by default.

        Returns
        -------
        Image
            Rows, columns, pixel size and tags of `image` (but its modality); dtype, axes and
            channels of the training targets.

        Raises
        ------
        InputError
            Other channels than it knows, a tile that its levels do not fit, or a negative seed.
        """
        if seed < 0:
            raise InputError(f"seed {seed} came: 0 or more is wanted")
        source = self._source(image)
        size = self.tile_shape(tile)
        made = np.empty((len(self.card.target_range), *image.shape), dtype=self.card.dtype)
        for rows, part in self._bands(source, size, seed):
            made[:, rows] = self._counts(part)
        return Image(
            made.reshape((*self.card.leading, *image.shape)),
            self.card.axes,
            image.pixel_size,
            () if self.card.target == ("all",) else self.card.target,
            {k: v for k, v in image.tags.items() if k != "modality"},
        )

    def _source(self, image: Image) -> Image:
        names, inputs = self.card.source, len(self.card.source_range)
        named = names[0] not in ("all", "masks") and set(names) <= set(image.channels)
        source = chosen(image, names) if named else image
        if source.planes == inputs and (named or not image.channels or names[0] == "all"):
            return source
        raise InputError(
            f"the image has {image.planes} planes (axes {image.axes}, channels "
            f"{', '.join(image.channels) or 'without names'}), the translator takes "
            f"{inputs}: {', '.join(names)}"
        )

    def tile_shape(self, tile: tuple[int, int] | None) -> tuple[int, int]:
        """Rows and columns of a tile: `tile`, or those of the training crops.

        Raises
        ------
        InputError
            If the network cannot halve them.
        """
        size, stride = tile or self.card.crop, self.net.stride
        if min(size) < stride or size[0] % stride or size[1] % stride:
            raise InputError(
                f"a tile of {size[0]} x {size[1]} came: multiples of {stride} are wanted, as the "
                f"network halves it; it was trained on {self.card.crop[0]} x {self.card.crop[1]}"
            )
        return int(size[0]), int(size[1])

    @torch.inference_mode()
    def _bands(
        self, source: Image, size: tuple[int, int], seed: int
    ) -> Iterator[tuple[slice, np.ndarray]]:
        """Finished rows of the frame, (output, row, column) in [-1, 1], from top to bottom."""
        frame = source.shape
        starts = [_starts(n, t) for n, t in zip(frame, size, strict=True)]
        whole = [s[-1] + t for s, t in zip(starts, size, strict=True)]
        noise = self._noise((whole[0], whole[1]), seed)
        ramp = [_ramp(t) for t in size]
        weight = torch.from_numpy(np.outer(*ramp)).to(self.device)
        across = np.zeros(whole[1], dtype=np.float32)
        for column in starts[1]:
            across[column : column + size[1]] += ramp[1]
        waiting = np.zeros((len(self.card.target_range), size[0], whole[1]), dtype=np.float32)
        down = np.zeros(size[0], dtype=np.float32)
        for number, row in enumerate(starts[0]):
            strip = self._strip(source, (row, size[0]), whole[1])
            for columns, tiles in self._row(strip, row, starts[1], size, noise):
                for column, made in zip(columns, (tiles * weight).cpu().numpy(), strict=True):
                    waiting[:, :, column : column + size[1]] += made
            down += ramp[0]
            last = number + 1 == len(starts[0])
            ready = size[0] if last else starts[0][number + 1] - row
            stop = min(row + ready, frame[0])
            done = waiting[:, : stop - row, : frame[1]]
            yield slice(row, stop), done / np.outer(down[: stop - row], across[: frame[1]])
            waiting = np.concatenate([waiting[:, ready:], np.zeros_like(waiting[:, :ready])], 1)
            down = np.concatenate([down[ready:], np.zeros(ready, dtype=np.float32)])

    def _strip(self, source: Image, rows: tuple[int, int], width: int) -> np.ndarray:
        """Rows (first, count) as the network knows them, mirrored on beyond the frame."""
        down = _mirrored(rows[0], rows[1], source.shape[0])
        first = int(down.min())
        part = source.stack((slice(first, int(down.max()) + 1), slice(None)))
        part = part[:, down - first][:, :, _mirrored(0, width, source.shape[1])]
        low, high = (np.array(v, np.float32) for v in zip(*self.card.source_range, strict=True))
        return np.clip(_scaled(part, low, high), -REACH, REACH)

    def _row(
        self,
        strip: np.ndarray,
        row: int,
        starts: list[int],
        size: tuple[int, int],
        noise: list[Tensor],
    ) -> Iterator[tuple[list[int], Tensor]]:
        """A row of tiles, several at a time, with where they begin."""
        together = max(1, TOGETHER // (size[0] * size[1]))
        for first in range(0, len(starts), together):
            columns = starts[first : first + together]
            cut = [strip[:, :, c : c + size[1]] for c in columns]
            shapes = self.net.noise_shapes(*size)
            kept = [
                torch.stack([_window(n, row, c, s, size) for c in columns])
                for n, s in zip(noise, shapes, strict=True)
            ]
            yield columns, self.net(torch.from_numpy(np.stack(cut)).to(self.device), kept).float()

    def _noise(self, whole: tuple[int, int], seed: int) -> list[Tensor]:
        """What dropout keeps, for the grid of the whole frame.

        It belongs to the place: row by row from generators of their own, columns before channels,
        so that neither the size of the frame nor that of the tiles changes it.
        """
        share = 1 - getattr(self.net, "dropout", 0.0)
        kept = []
        for layer, (channels, rows, columns) in enumerate(self.net.noise_shapes(*whole)):
            drawn = np.empty((rows, columns, channels), dtype=bool)
            for row in range(rows):
                random = np.random.default_rng([seed, layer, row])
                drawn[row] = random.random((columns, channels), dtype=np.float32) < share
            kept.append(torch.from_numpy(drawn).permute(2, 0, 1).to(self.device))
        return kept

    def _counts(self, planes: np.ndarray) -> np.ndarray:
        """Planes in [-1, 1] as intensities."""
        low, high = (np.array(v)[:, None, None] for v in zip(*self.card.target_range, strict=True))
        counts = (planes + 1) / 2 * (high - low) + low
        kind = np.dtype(self.card.dtype)
        if kind.kind in "iu":
            ends = np.iinfo(kind)
            counts = np.clip(np.rint(counts), ends.min, ends.max)
        return counts.astype(kind)


def load_translator(path: str | Path, device: str = "auto") -> Translator:
    """The translator of a folder that ``cellwright learn-translation`` wrote.

    Parameters
    ----------
    path
        The folder.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...

    Raises
    ------
    InputError
        If it is no such folder, damaged, or the device is not there.
    """
    where = resolve(device)
    net, card = load_network(Path(path))
    return Translator(net.to(where), card, where)


def _scaled(planes: np.ndarray, low: np.ndarray, high: np.ndarray) -> np.ndarray:
    """(plane, row, column) float32 with `low` at -1 and `high` at 1."""
    span = np.maximum(high - low, 1e-6)[:, None, None]
    return (2 * (planes.astype(np.float32) - low[:, None, None]) / span - 1).astype(np.float32)


def _mirrored(first: int, count: int, length: int) -> np.ndarray:
    """Places `first` and on of an axis that is mirrored, its ends twice, again and again."""
    place = np.arange(first, first + count) % (2 * length)
    return np.minimum(place, 2 * length - 1 - place)


def _starts(length: int, tile: int) -> list[int]:
    """Where tiles begin along an axis, half a tile apart, so that the last one reaches its end."""
    step = tile // 2
    return [k * step for k in range(max(1, -(-(length - tile) // step) + 1))]


def _ramp(tile: int) -> np.ndarray:
    """Weights along a tile: two of them, half a tile apart, add up to one."""
    return np.sin(np.pi * (np.arange(tile) + 0.5) / tile).astype(np.float32) ** 2


def _window(
    noise: Tensor, row: int, column: int, shape: tuple[int, int, int], size: tuple[int, int]
) -> Tensor:
    """The part of the frame's noise that a tile sees."""
    rows, columns = shape[1:]
    r, c = row * rows // size[0], column * columns // size[1]
    return noise[:, r : r + rows, c : c + columns]
