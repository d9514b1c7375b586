"""SAM as a `PromptSegmenter`: embed an image once, then ask for many cells."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from torch import Tensor

from cellwright.label.prompt_check import checked
from cellwright.label.sam.embedding import SamEmbedding, Tile
from cellwright.label.sam.network import CHOICES, Choice, Network
from cellwright.label.sam.pixels import Stretch, View, input_size, network_input, view_of
from cellwright.label.sam.prompts import groups
from cellwright.label.sam.results import Drawn, Found, Prediction, Proposals
from cellwright.label.sam.upsample import Upsampling, upsampling
from cellwright.tiling.plan import Window, plan
from cellwright.types import Image, InputError, Instances, Prompts

if TYPE_CHECKING:
    from cellwright.label.sam.cache import EmbeddingCache

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class SamSegmenter:
    """A promptable segmenter of the SAM family; it keeps no image.

    Parameters
    ----------
    network
        The loaded model.
    stretch
        How pixels become the 8-bit picture that SAM sees.
    choice
        Which of the masks that a prompt may mean is taken: ``"auto"`` is the one with the best
        predicted IoU for a single point and the single mask for more; ``"best"``,
        ``"single"``, or 0, 1, 2 from part to whole.
    tile_shape, halo
        Rows and columns of a tile and of what is seen around it; None embeds the frame at once.
    at_once
        Prompts decoded together; None takes what is fast on the device.
    cache
        Embeddings on disk, or None.
    """

    network: Network
    stretch: Stretch = field(default_factory=Stretch)
    choice: Choice = "auto"
    tile_shape: tuple[int, int] | None = None
    halo: tuple[int, int] = (64, 64)
    at_once: int | None = None
    cache: EmbeddingCache | None = None

    def __post_init__(self) -> None:
        if self.choice not in CHOICES:
            raise InputError(f"choice {self.choice!r} is unknown; there are {CHOICES}")
        if self.at_once is not None and self.at_once < 1:
            raise InputError(f"at_once={self.at_once} came; at least 1 is wanted")

    def embed(self, image: Image) -> SamEmbedding:
        """Features of `image`, from the cache where they are there.

        Raises
        ------
        InputError
            If the image is no plane, or has more than three channels.
        """
        view = view_of(image, self.stretch)
        if self.cache is None:
            return self._compute(view)
        return self.cache.get(
            lambda: self._compute(view),
            pixels=view.digest(),
            model=self.network.digest,
            tiling=None if self.tile_shape is None else (*self.tile_shape, *self.halo),
        )

    def masks(self, embedding: SamEmbedding, prompts: Sequence[Prompts]) -> Instances:
        """One instance per prompt, in their order.

        A prompt that gives nothing has score 0 and a single pixel at its middle.

        Raises
        ------
        InputError
            If a prompt is outside of the image, or the embedding is of another model.
        """
        found, cut = Found(embedding.shape, len(prompts)), 0
        for index, tile, low, score in self._decode(embedding, prompts, (), self.choice):
            drawn = self._drawn(tile, low[0])
            found.put(index, drawn, float(score[0]), prompts[index])
            cut += drawn is not None and tile.cuts(drawn[0], embedding.shape)
        if cut:
            log.warning(
                "%d masks end where their tile does; a larger --halo shows all of them", cut
            )
        return found.instances()

    def predict(
        self,
        embedding: SamEmbedding,
        prompts: Sequence[Prompts],
        *,
        logits: Sequence[np.ndarray | None] = (),
    ) -> Prediction:
        """`masks` with low-resolution logits, given those of an earlier round or none.

        Parameters
        ----------
        embedding
            From `embed`.
        prompts
            One per cell; a refined prompt brings its earlier points along (see `refined`).
        logits
            For each prompt the logits of its earlier round, or None; empty for none at all.
        """
        found, kept = Found(embedding.shape, len(prompts)), [np.zeros((0, 0))] * len(prompts)
        for index, tile, low, score in self._decode(embedding, prompts, logits, self.choice):
            found.put(index, self._drawn(tile, low[0]), float(score[0]), prompts[index])
            kept[index] = low[0].numpy().copy()
        return Prediction(found.instances(), tuple(kept))

    def propose(
        self, embedding: SamEmbedding, prompts: Sequence[Prompts], *, offset: float = 1.0
    ) -> Proposals:
        """All masks that each prompt may mean, part to whole; empty ones are left out.

        Parameters
        ----------
        embedding
            From `embed`.
        prompts
            One per place.
        offset
            Stability is the number of pixels with logits above it over that above minus it.
        """
        drawn: list[tuple[int, int, tuple[Drawn, float, float]]] = []
        for index, tile, low, score in self._decode(embedding, prompts, (), None):
            for number, (logits, value) in enumerate(zip(low, score, strict=True)):
                mask = self._drawn(tile, logits)
                if mask is not None:
                    stability = self._upsampling(tile).stability(logits, offset)
                    drawn.append((index, number, (mask, float(value), stability)))
        drawn.sort(key=lambda d: d[:2])
        found = Found(embedding.shape, len(drawn))
        for place, (index, _, (mask, value, _)) in enumerate(drawn):
            found.put(place, mask, value, prompts[index])
        return Proposals(
            found.instances(),
            np.array([d[0] for d in drawn], dtype=np.int64),
            np.array([d[2][2] for d in drawn], dtype=np.float64),
        )

    def _compute(self, view: View) -> SamEmbedding:
        shape, side = view.image.shape, self.network.side
        if self.tile_shape is None:
            windows = [Window((0, 0, *shape), (0, 0, *shape))]
            if max(shape) > 2 * side:
                log.warning(
                    "a frame of %d x %d is shown to SAM at %d px: small cells vanish; use tiles",
                    *shape,
                    side,
                )
        else:
            windows = list(plan(shape, self.tile_shape, self.halo))
        square = self.network.square
        tiles = tuple(
            Tile(w, self.network.embed(network_input(view.rgb(w.slices), side, square=square)))
            for w in windows
        )
        return SamEmbedding(shape, tiles, self.network.digest, view.limits)

    def _decode(
        self,
        embedding: SamEmbedding,
        prompts: Sequence[Prompts],
        logits: Sequence[np.ndarray | None],
        choice: Choice | None,
    ) -> Iterator[tuple[int, Tile, Tensor, Tensor]]:
        """Index, tile, low-resolution logits and scores of each prompt, in any order."""
        if embedding.model != self.network.digest:
            raise InputError("the embedding was made by another model or precision; embed again")
        if logits and len(logits) != len(prompts):
            raise InputError(f"logits of {len(logits)} cells came for {len(prompts)} prompts")
        prompts = [checked(p, embedding.shape) for p in prompts]
        places = np.array([embedding.tile_of(p) for p in prompts], dtype=np.int64)
        for number in np.unique(places):
            tile = embedding.tiles[number]
            chosen = np.flatnonzero(places == number).tolist()
            parts = groups(
                [prompts[i] for i in chosen],
                [logits[i] if logits else None for i in chosen],
                tile,
                side=self.network.side,
                low=self.network.low,
                square=self.network.square,
                at_once=self.at_once or self.network.at_once,
            )
            for place, low, scores in self.network.decode(tile.features, parts, choice):
                yield chosen[place], tile, low, scores

    def _upsampling(self, tile: Tile) -> Upsampling:
        side, square = self.network.side, self.network.square
        used = input_size(tile.shape, side, square=square)
        return upsampling(tile.shape, used, side, self.network.low, square)

    def _drawn(self, tile: Tile, low: Tensor) -> Drawn | None:
        found = self._upsampling(tile).mask(low)
        if found is None:
            return None
        (r0, c0, r1, c1), mask = found
        top, left = tile.window.outer[:2]
        return (r0 + top, c0 + left, r1 + top, c1 + left), mask
