"""Which cell a nucleus belongs to, in a frame and in one put together from blocks."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch

from cellwright.codecs.centres import numbered_from, renumbered
from cellwright.codecs.heads import HeadsCodec
from cellwright.geometry import from_masks
from cellwright.overlap import intersections
from cellwright.predict.evidence import Maps
from cellwright.synth import simulate_field
from cellwright.tiling.maps import MapStore
from cellwright.tiling.plan import plan
from cellwright.types import Instances

NAMES = ("cell", "nucleus")


def square(row: int, col: int, side: int) -> np.ndarray:
    frame = np.zeros((20, 40), dtype=bool)
    frame[row : row + side, col : col + side] = True
    return frame


def some(cells: list[np.ndarray], nuclei: list[np.ndarray], tags: list[dict]) -> Instances:
    found = from_masks([*cells, *nuclei])
    kinds = [0] * len(cells) + [1] * len(nuclei)
    return Instances(found.shape, found.boxes, found.masks, None, kinds, NAMES, tags)


def numbers(found: Instances) -> list[int | None]:
    return [t.get("cell") for t in found.tags]


def test_tags_are_raised_and_those_without_one_stay() -> None:
    one = some([square(2, 2, 8)], [square(4, 4, 3)], [{"cell": 0, "alive": True}, {}])
    assert numbered_from(one, 7).tags == ({"cell": 7, "alive": True}, {})
    assert numbered_from(from_masks([square(2, 2, 8)]), 7).tags == ()


def test_a_nucleus_keeps_its_cell_and_takes_the_nearest_where_that_is_gone() -> None:
    over = [square(2, 2, 10), square(2, 8, 10), square(2, 28, 8)]
    nuclei = [square(4, 8, 3), square(4, 30, 3), square(15, 20, 3)]
    tags = [{"cell": 5}, {"cell": 3}, {"cell": 4}, {"cell": 3}, {"cell": 9}, {"cell": 8}]
    assert numbers(renumbered(some(over, nuclei, tags))) == [0, 1, 2, 1, 2, None]


def test_no_cells_and_nothing() -> None:
    assert numbers(renumbered(some([], [square(2, 2, 3)], [{"cell": 4}]))) == [None]
    assert len(renumbered(Instances.empty((4, 5), NAMES))) == 0


@dataclass
class Decoder:
    """A method as far as maps are concerned."""

    codec: HeadsCodec

    def decode(self, maps: torch.Tensor) -> Instances:
        return self.codec.decode({n: maps[k : k + 1] for k, n in enumerate(self.codec.heads)})


@pytest.mark.parametrize("side", [64, 192])
def test_numbers_of_a_frame_read_in_blocks(side: int) -> None:
    """As of one block: every nucleus names the cell in which it lies, and no other is named so."""
    codec = HeadsCodec(NAMES, ("cytoplasm", "nuclei"))
    field = simulate_field(seed=3, shape=(192, 192), cells=25, nuclei=True, touching=0.3)
    targets = codec.encode(field.instances)
    maps = np.concatenate([targets[name].numpy() for name in codec.heads])
    blocks = tuple(plan((192, 192), (side, side), (32, 32)))
    with MapStore(maps.shape) as store:
        store.write(slice(0, 192), slice(0, 192), maps)
        found = Maps(store, blocks, (192, 192)).cells(Decoder(codec))
    nuclear = found.classes == 1
    assert nuclear.sum() >= 20
    cells = np.flatnonzero(~nuclear)
    assert [found.tags[k]["cell"] for k in cells] == cells.tolist()
    i, j, pixels = intersections(found, found)
    for k in np.flatnonzero(nuclear).tolist():
        mine = np.flatnonzero((j == k) & ~nuclear[i])
        assert found.tags[k]["cell"] == i[mine[pixels[mine].argmax()]]
