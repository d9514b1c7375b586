"""Embeddings on disk."""

from __future__ import annotations

import dataclasses
import logging
import os
from pathlib import Path
from typing import Any

import pytest

from cellwright.label import sam
from cellwright.label.sam.cache import EmbeddingCache
from cellwright.types import Image

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture
def worker(sam2_folder: Path, tmp_path: Path) -> Any:
    """A segmenter with a cache."""
    return sam.build(sam2_folder, device="cpu", embedding_path=tmp_path / "cache")


def count_embeds(worker: Any, monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """A list that grows with each run of the image encoder."""
    runs: list[int] = []
    plain = type(worker.network).embed

    def counted(self: Any, pixels: Any) -> Any:
        runs.append(1)
        return plain(self, pixels)

    monkeypatch.setattr(type(worker.network), "embed", counted)
    return runs


def test_hits_are_bit_equal_and_run_nothing(
    worker: Any, picture: Image, cases: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = count_embeds(worker, monkeypatch)
    tiled = dataclasses.replace(worker, tile_shape=(50, 60))
    for one in (worker, tiled):
        first = one.embed(picture)
        before = len(runs)
        again = one.embed(picture)
        assert len(runs) == before
        assert again.shape == first.shape
        assert again.limits == first.limits
        for a, b in zip(first.tiles, again.tiles, strict=True):
            assert a.window == b.window
            assert all(torch.equal(x, y) for x, y in zip(a.features, b.features, strict=True))
        masks = [one.masks(e, [cases["both"]]) for e in (first, again)]
        assert (masks[0].masks[0] == masks[1].masks[0]).all()


def test_the_key_is_content_model_and_tiling(
    worker: Any, sam_folder: Path, picture: Image, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs = count_embeds(worker, monkeypatch)
    other = sam.build(sam_folder, device="cpu", embedding_path=worker.cache.folder)
    changed = picture.data.copy()
    changed[0, 5, 5] ^= 1
    renamed = Image(picture.data.copy(), "CYX", tags={"field": "b"})
    worker.embed(picture)
    worker.embed(renamed)
    assert len(runs) == 1
    worker.embed(Image(changed, "CYX"))
    other.embed(picture)
    dataclasses.replace(worker, tile_shape=(90, 120)).embed(picture)
    dataclasses.replace(worker, stretch=type(worker.stretch)(stretch="always")).embed(picture)
    assert len(runs) == 5
    assert len(list(worker.cache.folder.iterdir())) == 5


@pytest.mark.parametrize("harm", ["cut", "flip", "empty", "words"])
def test_damaged_files_are_computed_again_and_said(
    harm: str, worker: Any, picture: Image, caplog: pytest.LogCaptureFixture
) -> None:
    first = worker.embed(picture)
    (path,) = worker.cache.folder.iterdir()
    blob = bytearray(path.read_bytes())
    if harm == "flip":
        blob[-5] ^= 64
    damaged = {"cut": blob[: len(blob) // 2], "flip": blob, "empty": b"", "words": b"x" * 999}
    path.write_bytes(bytes(damaged[harm]))
    with caplog.at_level(logging.WARNING):
        again = worker.embed(picture)
    assert "damaged" in caplog.text
    assert torch.equal(first.tiles[0].features[-1], again.tiles[0].features[-1])
    caplog.clear()
    worker.embed(picture)
    assert "damaged" not in caplog.text


def test_what_was_used_longest_ago_leaves_first(worker: Any, picture: Image) -> None:
    images = [Image(picture.data.copy() + k, "CYX") for k in range(3)]
    for k, image in enumerate(images[:2]):
        worker.embed(image)
        for path in worker.cache.folder.iterdir():
            if path.stat().st_mtime > 1e6:
                os.utime(path, (k + 1, k + 1))
    size = next(worker.cache.folder.iterdir()).stat().st_size
    worker.embed(images[0])
    small = dataclasses.replace(worker, cache=EmbeddingCache(worker.cache.folder, int(2.5 * size)))
    small.embed(images[2])
    left = set(worker.cache.folder.iterdir())
    keys = [
        worker.cache.path(
            pixels=sam.model.view_of(i, worker.stretch).digest(),
            model=worker.network.digest,
            tiling=None,
        )
        for i in images
    ]
    assert left == {keys[0], keys[2]}


def test_a_folder_that_cannot_be_written_is_said_and_work_goes_on(
    worker: Any, picture: Image, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").write_text("x")
    stuck = dataclasses.replace(worker, cache=EmbeddingCache(tmp_path / "file"))
    with caplog.at_level(logging.WARNING):
        assert stuck.embed(picture).shape == picture.shape
    assert "could not be kept" in caplog.text
