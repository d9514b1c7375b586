"""Heads codec: hand-made maps, cells from nuclei, round trips of simulated fields."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.codecs.heads import HEADS, HeadsCodec, borders
from cellwright.codecs.seeds import distance_seeds, with_seeds_everywhere
from cellwright.evaluate.match import match
from cellwright.geometry import from_masks
from cellwright.synth import simulate_field
from cellwright.types import InputError, Instances

BOTH = ("cell", "nucleus")
VARIANTS = [
    ("cytoplasm",),
    ("cytoplasm", "nuclei"),
    ("cytoplasm", "border", "background"),
    HEADS,
]


def labelled(masks: list[np.ndarray], classes: list[int]) -> Instances:
    found = from_masks(masks)
    return Instances(found.shape, found.boxes, found.masks, None, classes, BOTH)


def disc(shape: tuple[int, int], row: float, col: float, radius: float) -> np.ndarray:
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, cols - col) <= radius


def square(side: int, r0: int, r1: int, c0: int, c1: int) -> np.ndarray:
    mask = np.zeros((side, side), bool)
    mask[r0:r1, c0:c1] = True
    return mask


def test_maps_by_hand() -> None:
    truth = labelled([square(12, 2, 9, 2, 9), square(12, 4, 7, 4, 7)], [0, 1])
    maps = HeadsCodec(BOTH, HEADS).encode(truth)
    assert list(maps) == list(HEADS)
    assert maps["cytoplasm"].sum() == 49
    assert maps["nuclei"].sum() == 9
    assert maps["background"].sum() == 144 - 49
    assert maps["border"].sum() == 49 - 9
    assert maps["border"][0, 4:7, 4:7].sum() == 0
    assert all(m.dtype == torch.float32 for m in maps.values())


def test_a_nucleus_is_part_of_no_background_and_of_no_cytoplasm_of_its_own() -> None:
    alone = labelled([square(8, 2, 5, 2, 5)], [1])
    maps = HeadsCodec(BOTH, HEADS).encode(alone)
    assert maps["cytoplasm"].sum() == 0
    assert maps["background"].sum() == 64 - 9


def test_borders_show_in_an_overlap_and_not_at_the_frame() -> None:
    a, b = square(20, 5, 15, 0, 12), square(20, 5, 15, 8, 20)
    edge = borders(from_masks([a, b]), width=2)
    assert edge[10, [0, 1, 18, 19]].max() == 0
    assert edge[10, [10, 11]].min() == 1
    assert edge[10, [8, 9]].min() == 1
    assert edge[10, [5, 14]].max() == 0
    assert borders(from_masks([np.ones((6, 6), bool)]), width=2).sum() == 0


def test_a_border_leaves_a_small_cell_its_middle() -> None:
    for side in (2, 3, 5):
        mask = square(9, 2, 2 + side, 2, 2 + side)
        edge = borders(from_masks([mask]), width=2) > 0
        assert not (edge & ~mask).any()
        assert (mask & ~edge).any()


def test_a_nucleus_that_the_frame_cuts_may_be_small() -> None:
    left, right = square(40, 10, 30, 0, 8), square(40, 10, 30, 8, 30)
    cut, speck = square(40, 18, 21, 0, 1), square(40, 12, 15, 25, 26)
    truth = labelled([left, right, cut, square(40, 16, 22, 16, 22), speck], [0, 0, 1, 1, 1])
    codec = HeadsCodec(BOTH, ("cytoplasm", "nuclei"))
    back = codec.decode(codec.encode(truth))
    assert back.classes.tolist() == [0, 0, 1, 1]
    assert sorted(back[back.classes == 1].areas.tolist()) == [3, 36]


def test_the_nucleus_of_seed_2723_is_cut_to_three_pixels() -> None:
    truth = simulate_field(
        seed=2723, shape=(128, 128), cells=5, overlap=0.0, diameter=10, nuclei=True
    ).instances
    codec = HeadsCodec(BOTH, HEADS)
    back = codec.decode(codec.encode(truth))
    assert match(truth[truth.classes == 0], back[back.classes == 0], [0.7])[0].fn == 0


@pytest.mark.parametrize("heads", VARIANTS, ids=len)
@settings(max_examples=6, deadline=None)
@given(seed=st.integers(0, 10_000), cells=st.integers(0, 10))
def test_cells_that_do_not_touch_come_back(heads, seed: int, cells: int) -> None:
    truth = simulate_field(
        seed=seed, shape=(128, 128), cells=cells, overlap=0.0, diameter=10, nuclei=True
    ).instances
    codec = HeadsCodec(BOTH, heads)
    back = codec.decode(codec.encode(truth))
    ours, theirs = back[back.classes == 0], truth[truth.classes == 0]
    counts = match(theirs, ours, [0.7])[0]
    assert counts.fn <= cells // 10
    if "nuclei" in heads:
        nuclei = match(truth[truth.classes == 1], back[back.classes == 1], [0.7])[0]
        assert nuclei.fn <= cells // 10
        assert counts.fp == 0


def test_nuclei_tell_cells_apart_that_the_distance_does_not() -> None:
    shape = (30, 60)
    left, right = np.zeros(shape, bool), np.zeros(shape, bool)
    left[5:25, 5:20], right[5:25, 20:55] = True, True
    truth = labelled([left, right, disc(shape, 15, 12, 4), disc(shape, 15, 28, 4)], [0, 0, 1, 1])
    codec = HeadsCodec(BOTH, HEADS)
    back = codec.decode(codec.encode(truth))
    assert back.classes.tolist() == [0, 0, 1, 1]
    assert match(truth[:2], back[:2], [0.9])[0].tp == 2
    joined = HeadsCodec(BOTH).decode(codec.encode(truth))
    assert match(truth[:2], joined, [0.9])[0].tp < 2


@pytest.mark.parametrize("heads", [("cytoplasm", "nuclei"), HEADS], ids=len)
def test_one_nucleus_is_one_cell_whatever_its_shape(heads: tuple[str, ...]) -> None:
    shape = (40, 80)
    dumbbell = disc(shape, 20, 20, 14) | disc(shape, 20, 60, 14)
    dumbbell[18:23, 20:60] = True
    truth = labelled([dumbbell, disc(shape, 20, 20, 4)], [0, 1])
    codec = HeadsCodec(BOTH, heads)
    assert codec.decode(codec.encode(truth)).areas.tolist() == truth.areas.tolist()
    assert len(HeadsCodec(BOTH).decode(codec.encode(truth))) == 2


def test_borders_tell_cells_apart_that_the_distance_does_not() -> None:
    left, right = square(40, 10, 30, 6, 20), square(40, 10, 30, 20, 34)
    truth = labelled([left, right], [0, 0])
    codec = HeadsCodec(BOTH, ("cytoplasm", "border", "background"))
    back = codec.decode(codec.encode(truth))
    assert match(truth, back, [0.9])[0].tp == 2
    assert match(truth, HeadsCodec(BOTH).decode(codec.encode(truth)), [0.9])[0].tp < 2


def test_specks_of_nuclei_are_no_nuclei() -> None:
    shape = (40, 40)
    truth = labelled(
        [disc(shape, 20, 20, 14), disc(shape, 20, 20, 1), square(40, 2, 5, 2, 5)], [0, 1, 1]
    )
    codec = HeadsCodec(BOTH, ("cytoplasm", "nuclei"), min_nucleus_area=6)
    back = codec.decode(codec.encode(truth))
    assert back.classes.tolist() == [0, 1]
    assert back.areas[1] == 9


def test_nuclei_carry_the_number_of_their_cell() -> None:
    shape = (40, 90)
    masks = [disc(shape, 20, c, 14) for c in (20, 60)]
    nuclei = [disc(shape, 22, 63, 4), disc(shape, 18, 17, 4), disc(shape, 4, 86, 3)]
    truth = labelled([*masks, *nuclei], [0, 0, 1, 1, 1])
    codec = HeadsCodec(BOTH, ("cytoplasm", "nuclei"), min_area=60)
    back = codec.decode(codec.encode(truth))
    assert back.classes.tolist() == [0, 0, 1, 1, 1]
    assert [t.get("cell") for t in back.tags[:2]] == [0, 1]
    for number in range(2, 5):
        box, tags = back.boxes[number], back.tags[number]
        if box[1] > 75:
            assert tags == {}
        else:
            cell = back.boxes[tags["cell"]]
            assert (cell[:2] < box[:2]).all()
            assert (cell[2:] > box[2:]).all()


def test_a_nucleus_closes_the_gap_in_its_cell() -> None:
    shape = (40, 40)
    cell, nucleus = disc(shape, 20, 20, 15), disc(shape, 20, 20, 5)
    codec = HeadsCodec(BOTH, ("cytoplasm", "nuclei"))
    maps = codec.encode(labelled([cell, nucleus], [0, 1]))
    maps["cytoplasm"] = maps["cytoplasm"] * ~torch.from_numpy(nucleus)
    back = codec.decode(maps)
    assert back.areas.tolist() == [cell.sum(), nucleus.sum()]


def test_background_is_half_of_the_opinion() -> None:
    codec = HeadsCodec(heads=("cytoplasm", "background"), foreground=0.5)
    likely = torch.zeros(1, 20, 20)
    likely[:, 4:14, 4:14] = 0.7
    for background, cells in ((0.0, 1), (0.6, 1), (0.8, 0)):
        maps = {"cytoplasm": likely, "background": torch.full((1, 20, 20), background)}
        inside = (0.7 + 1 - background) / 2 > 0.5
        outside = (1 - background) / 2 > 0.5
        assert len(codec.decode(maps)) == cells == int(inside or outside)


def test_a_cell_without_nucleus_is_still_a_cell() -> None:
    shape = (40, 90)
    masks = [disc(shape, 20, c, 14) for c in (20, 60)]
    truth = labelled([*masks, disc(shape, 20, 20, 5)], [0, 0, 1])
    for heads in (("cytoplasm", "nuclei"), HEADS):
        codec = HeadsCodec(BOTH, heads)
        assert codec.decode(codec.encode(truth)).areas.tolist() == truth.areas.tolist()


def test_each_class_of_cells_has_its_cytoplasm() -> None:
    names = ("alive", "nucleus", "dead")
    shape = (40, 90)
    found = from_masks([disc(shape, 20, 20, 14), disc(shape, 20, 60, 14), disc(shape, 20, 60, 4)])
    truth = Instances(shape, found.boxes, found.masks, None, [0, 2, 1], names)
    codec = HeadsCodec(names, HEADS)
    assert codec.maps == {"cytoplasm": 2, "nuclei": 1, "border": 1, "background": 1}
    back = codec.decode(codec.encode(truth))
    assert back.classes.tolist() == [0, 2, 1]
    assert back.areas.tolist() == truth.areas.tolist()
    assert back.tags[2] == {"cell": 1}


@pytest.mark.parametrize("heads", VARIANTS, ids=len)
def test_no_cells(heads: tuple[str, ...]) -> None:
    codec = HeadsCodec(BOTH, heads)
    for shape in ((7, 5), (1, 1)):
        assert len(codec.decode(codec.encode(Instances.empty(shape, BOTH)))) == 0


@pytest.mark.parametrize(
    ("classes", "heads", "message"),
    [
        (("cell",), HEADS, "label the nuclei too"),
        (("nucleus",), ("cytoplasm", "nuclei"), "label the nuclei too"),
        (("cell",), ("border",), "cytoplasm and any of"),
        (("cell",), ("cytoplasm", "cytoplasm"), "each once"),
        (("cell",), ("cytoplasm", "overlap"), "each once"),
    ],
)
def test_what_is_refused(classes: tuple, heads: tuple, message: str) -> None:
    with pytest.raises(InputError, match=message):
        HeadsCodec(classes, heads)


def test_nuclei_alone_are_the_cells() -> None:
    codec = HeadsCodec(("nucleus",))
    found = from_masks([square(20, 3, 12, 3, 12)])
    truth = Instances(found.shape, found.boxes, found.masks, None, [0], ("nucleus",))
    assert codec.decode(codec.encode(truth)).areas.tolist() == [81]


def test_seeds_are_added_only_where_there_are_none() -> None:
    inside = square(30, 2, 12, 2, 12) | square(30, 16, 28, 16, 28)
    seeds = np.zeros((30, 30), int)
    seeds[3, 3], seeds[0, 0] = 4, 9
    more = with_seeds_everywhere(seeds, inside, smoothing=2.0)
    assert np.unique(more[:14, :14]).tolist() == [0, 4]
    assert (np.unique(more[14:, 14:]) > 4).sum() == 1
    assert distance_seeds(inside, smoothing=2.0)[0].max() == 2
