"""Embeddings on disk: found again by what they were made of, never by a name.

A file is keyed by the digest of the pixels shown (their stretch included), of the model with
its precision, and of the tiling. It is written whole or not at all and carries the hash of its
tensors; a damaged one is computed anew, and that is said.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import Tensor

from cellwright.formats.atomic import write_bytes
from cellwright.label.sam.embedding import SamEmbedding, Tile
from cellwright.tiling.plan import Window

log = logging.getLogger(__name__)

VERSION = 1
SUFFIX = ".embedding.safetensors"


@dataclass(frozen=True, slots=True)
class EmbeddingCache:
    """A folder of embeddings that stays below a size.

    Parameters
    ----------
    folder
        Made at the first write.
    limit
        Bytes; beyond them the files that were used longest ago are removed.
    """

    folder: Path
    limit: int = 20 * 2**30

    def path(self, *, pixels: str, model: str, tiling: tuple[int, ...] | None) -> Path:
        """Where the embedding of these pixels by this model lies."""
        key = json.dumps([VERSION, pixels, model, tiling])
        return Path(self.folder) / f"{hashlib.sha256(key.encode()).hexdigest()}{SUFFIX}"

    def get(
        self,
        compute: Callable[[], SamEmbedding],
        *,
        pixels: str,
        model: str,
        tiling: tuple[int, ...] | None,
    ) -> SamEmbedding:
        """The embedding on disk, or what `compute` gives, which is then written."""
        path = self.path(pixels=pixels, model=model, tiling=tiling)
        if path.is_file():
            try:
                found = read_embedding(path, model)
                os.utime(path)
                return found
            except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
                log.warning("%s is damaged (%s); the image is embedded again", path, error)
        found = compute()
        try:
            write_bytes(embedding_bytes(found), path)
        except OSError as error:
            log.warning("the embedding could not be kept in %s: %s", path.parent, error)
            return found
        self.shrink(keep=path)
        return found

    def shrink(self, *, keep: Path | None = None) -> int:
        """Remove what was used longest ago until the limit holds; the number removed."""
        files = []
        for path in Path(self.folder).glob(f"*{SUFFIX}"):
            try:
                facts = path.stat()
            except FileNotFoundError:
                continue
            files.append((path == keep, facts.st_mtime_ns, facts.st_size, path))
        whole, removed = sum(f[2] for f in files), 0
        for kept, _, size, path in sorted(files):
            if whole <= self.limit or kept:
                break
            path.unlink(missing_ok=True)
            whole, removed = whole - size, removed + 1
        return removed


def embedding_bytes(embedding: SamEmbedding) -> bytes:
    """`embedding` as a safetensors file with its hash."""
    tensors = {
        f"{t}.{f}": feature.contiguous()
        for t, tile in enumerate(embedding.tiles)
        for f, feature in enumerate(tile.features)
    }
    facts = {
        "shape": embedding.shape,
        "model": embedding.model,
        "limits": embedding.limits,
        "windows": [(tile.window.core, tile.window.outer) for tile in embedding.tiles],
        "features": len(embedding.tiles[0].features),
        "sha256": _digest(tensors),
    }
    return save(tensors, metadata={"embedding": json.dumps(facts)})


def read_embedding(path: Path, model: str) -> SamEmbedding:
    """The embedding in a file.

    Raises
    ------
    ValueError, KeyError, SafetensorError
        If it is damaged or of another model.
    """
    with safe_open(path, framework="pt") as file:
        facts = json.loads((file.metadata() or {})["embedding"])
        tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    if _digest(tensors) != facts["sha256"]:
        raise ValueError("its content does not have the hash it states")
    if facts["model"] != model:
        raise ValueError("it is of another model")
    tiles = tuple(
        Tile(
            Window(tuple(core), tuple(outer)),
            tuple(tensors[f"{t}.{f}"] for f in range(facts["features"])),
        )
        for t, (core, outer) in enumerate(facts["windows"])
    )
    limits = facts["limits"]
    return SamEmbedding(
        tuple(facts["shape"]),
        tiles,
        facts["model"],
        None if limits is None else tuple((low, high) for low, high in limits),
    )


def _digest(tensors: dict[str, Tensor]) -> str:
    found = hashlib.sha256()
    for name in sorted(tensors):
        value = tensors[name]
        found.update(f"{name}{value.dtype}{tuple(value.shape)}".encode())
        found.update(memoryview(value.contiguous().view(torch.uint8).numpy()).cast("B"))
    return found.hexdigest()
