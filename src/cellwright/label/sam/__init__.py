"""The SAM family as promptable segmenters (Kirillov et al. 2023; Ravi et al. 2024).

Models are loaded from this machine only; `cellwright models fetch NAME` brings the published
ones. Nothing here loads torch before `build` is called.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from cellwright.label.sam.model import SamSegmenter


def build(
    name_or_path: str | Path = "sam-vit-b",
    *,
    device: str = "auto",
    precision: Literal["float32", "bfloat16", "float16"] = "float32",
    choice: str | int = "auto",
    channels: tuple[int | str, ...] | None = None,
    stretch: Literal["auto", "always", "never"] = "auto",
    percentiles: tuple[float, float] = (1.0, 99.8),
    tile_shape: tuple[int, int] | None = None,
    halo: tuple[int, int] = (64, 64),
    at_once: int | None = None,
    embedding_path: str | Path | None = None,
    cache_bytes: int = 20 * 2**30,
) -> SamSegmenter:
    """A promptable segmenter of the SAM family.

    Parameters
    ----------
    name_or_path
        A name of `cellwright.label.sam.weights.SAM_WEIGHTS`, the id of a model in the local cache
        of the Hugging Face hub, a folder in the format of `transformers`, or an original-format
        checkpoint (``sam_vit_b_01ec64.pth``, micro-SAM's ``vit_b.pt``).
    device, precision
        Where it computes. Matrix products in ``"bfloat16"`` take half to two thirds of the
        time on processors that have it, and are no longer equal to the reference.
    choice
        Which of the masks that a prompt may mean is taken, see `SamSegmenter`.
    channels, stretch, percentiles
        How the image becomes the 8-bit picture that SAM sees, see `Stretch`.
    tile_shape, halo
        Tiles of large frames and what is seen around them.
    at_once
        Prompts decoded together; None takes what is fast on the device.
    embedding_path, cache_bytes
        Folder in which embeddings are kept, and its size; None keeps none.

    Raises
    ------
    InputError
        If the model is unknown, not here (the message says how to get it), or damaged.
    """
    from cellwright.label.sam.cache import EmbeddingCache
    from cellwright.label.sam.load import load_network
    from cellwright.label.sam.model import SamSegmenter
    from cellwright.label.sam.network import Network
    from cellwright.label.sam.pixels import Stretch

    seen = Stretch(None if channels is None else tuple(channels), stretch, tuple(percentiles))
    network = Network(load_network(name_or_path), device=device, precision=precision)
    cache = None if embedding_path is None else EmbeddingCache(Path(embedding_path), cache_bytes)
    return SamSegmenter(
        network=network,
        stretch=seen,
        choice=choice,
        tile_shape=tile_shape,
        halo=halo,
        at_once=at_once,
        cache=cache,
    )
