"""The filter on hand-made cells: who is left out and why, second looks, background."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.geometry import from_label_map, from_masks
from cellwright.label.background import covered, crowd, without
from cellwright.label.looks import agreement, looks, mean_agreement
from cellwright.label.single_cell import judge, solidity
from cellwright.types import Image, InputError, Instances


def disc(row: int, col: int, radius: float, shape: tuple[int, int] = (120, 150)) -> np.ndarray:
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


def scene() -> tuple[np.ndarray, Instances]:
    masks = [disc(20, 20 + 30 * i, 9) for i in range(4)] + [
        disc(60, 20 + 30 * i, 9) for i in (0, 1)
    ]
    bar = np.zeros((120, 150), bool)
    bar[95:100, 10:140] = True
    masks += [disc(60, 90, 1), bar, disc(60, 120, 9)]
    plane = np.random.default_rng(0).normal(10, 1, (120, 150))
    for mask in masks[:-1]:
        plane[mask] += 100
    return plane, from_masks(masks, shape=plane.shape)


def test_reasons_of_a_speck_a_bar_and_nothing_bright() -> None:
    plane, cells = scene()
    judged = judge(plane, cells, {"moves": np.ones(9)})
    assert judged.reasons[:6] == ("",) * 6
    assert judged.reasons[6:] == ("too small", "too long", "weak edge")
    assert judged.kept.tolist() == [True] * 6 + [False] * 3


def test_the_lowest_agreement_is_the_reason() -> None:
    plane, cells = scene()
    first, second = np.ones(9), np.ones(9)
    first[0], second[1] = 0.2, 0.3
    judged = judge(plane, cells, {"moves": first, "disagrees": second})
    assert judged.reasons[:3] == ("moves", "disagrees", "")
    assert judged.consistency[:3] == pytest.approx([0.2**0.5, 0.3**0.5, 1])


def test_no_cells_and_cells_hidden_by_others() -> None:
    plane, cells = scene()
    assert judge(plane, cells[:0], {"moves": np.ones(0)}).reasons == ()
    twice = Instances.concatenate([cells, cells[:1]])
    assert len(judge(plane, twice, {"moves": np.ones(10)}).reasons) == 10


def test_solidity_of_an_l() -> None:
    cells = from_label_map(np.array([[1, 0], [1, 1]]))
    assert solidity(cells) == pytest.approx([3 / 3.5])


def test_looks_are_brought_back() -> None:
    labels = np.zeros((30, 41), int)
    labels[3:9, 4:15], labels[20:28, 30:41] = 1, 2
    image = Image(labels.astype(np.uint16))
    cells = from_label_map(labels)
    found = looks(lambda seen: from_label_map(np.asarray(seen.data).astype(int)), image)
    assert len(found) == 3
    assert mean_agreement(cells, found).tolist() == [1, 1]


def test_agreement_with_nobody() -> None:
    _, cells = scene()
    assert agreement(cells, cells[:0]).tolist() == [0] * 9
    assert agreement(cells[:0], cells).shape == (0,)


def test_a_dropped_cell_becomes_background_and_its_neighbour_stays() -> None:
    random = np.random.default_rng(1)
    plane = random.normal(100, 3, (120, 150))
    gone, stays = disc(60, 60, 10), disc(60, 82, 10)
    plane[gone | stays] += 400
    image = Image(plane.astype(np.uint16))
    parts = [from_masks([m], shape=plane.shape) for m in (gone, stays)]
    filled = np.asarray(without(image, *parts).data)
    assert filled.dtype == np.uint16
    assert filled[gone].mean() == pytest.approx(100, abs=2)
    assert 2 < filled[gone].std() < 5
    assert (filled[stays] == image.data[stays]).all()
    assert image.data[60, 60] > 400


def test_a_crowd_is_what_would_be_filled() -> None:
    plane = np.random.default_rng(1).normal(100, 3, (120, 150))
    gone, stays = (from_masks([m], shape=plane.shape) for m in (disc(60, 60, 10), disc(60, 82, 10)))
    region = crowd(gone, stays)
    assert [dict(t) for t in region.tags] == [{"iscrowd": True}]
    filled = np.asarray(without(Image(plane), gone, stays).data)
    assert np.array_equal(covered(region), filled != plane)
    assert len(crowd(gone[:0], stays)) == 0
    assert len(crowd(stays, stays)) == 1  # its rim is nobody's


def test_nothing_dropped_is_the_same_image_and_frames_must_fit() -> None:
    image = Image(np.zeros((5, 6)))
    none = Instances.empty((5, 6))
    assert without(image, none, none) is image
    with pytest.raises(InputError, match="came for"):
        without(image, Instances.empty((4, 6)), none)
