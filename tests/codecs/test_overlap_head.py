"""Overlapping cells come back overlapping; a region goes to the cells it lies between."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.codecs.likelihood import overlap_likelihood
from cellwright.codecs.overlap_head import OverlapCodec
from cellwright.codecs.shared_regions import share
from cellwright.evaluate.match import match
from cellwright.evaluate.overlapped import overlap_region
from cellwright.geometry import from_masks
from cellwright.overlap import overlap_map
from cellwright.synth import simulate_field
from cellwright.train.tune import tune
from cellwright.types import InputError, Instances

NAMES = ("cell", "nucleus")


def disc(row: float, col: float, radius: float = 10, shape=(41, 81)) -> np.ndarray:
    rows, cols = np.mgrid[: shape[0], : shape[1]]
    return np.hypot(rows - row, cols - col) <= radius


def masks(cells: Instances) -> list[np.ndarray]:
    """Whole frames, in the order of their first column, then row."""
    found = []
    for (r0, c0, r1, c1), mask in zip(cells.boxes, cells.masks, strict=True):
        frame = np.zeros(cells.shape, bool)
        frame[r0:r1, c0:c1] = mask
        found.append(frame)
    return sorted(found, key=lambda m: np.argwhere(m)[:, ::-1].min(axis=0).tolist())


def same(found: Instances, wanted: list[np.ndarray]) -> bool:
    got = masks(found)
    return len(got) == len(wanted) and all(map(np.array_equal, got, wanted))


@pytest.mark.parametrize("heads", [("cytoplasm",), ("cytoplasm", "border", "background")])
def test_two_discs_over_one_another_come_back_whole(heads: tuple[str, ...]) -> None:
    wanted = [disc(20, 20), disc(20, 34)]
    codec = OverlapCodec(heads=heads)
    assert same(codec.decode(codec.encode(from_masks(wanted))), wanted)


def test_tuning_finds_a_threshold_between_probabilities_that_lie_close_together() -> None:
    truth = from_masks([disc(20, 20), disc(20, 34)])
    outputs = OverlapCodec().encode(truth)
    outputs["overlap"] = 0.21 + 0.06 * outputs["overlap"]

    @dataclass
    class Method:
        codec: OverlapCodec

        def with_codec(self, codec: OverlapCodec) -> Method:
            return Method(codec)

    class Seen:
        def cells(self, method: Method) -> Instances:
            return method.codec.decode(outputs)

    _, thresholds, score = tune(Method(OverlapCodec()), [Seen()], [truth])
    assert score == 1
    assert 0.21 < thresholds["overlap"] < 0.27


def test_touching_and_lone_discs_share_nothing() -> None:
    wanted = [disc(20, 12), disc(20, 33), disc(20, 60)]
    codec = OverlapCodec()
    found = codec.decode(codec.encode(from_masks(wanted)))
    assert same(found, wanted)
    assert not overlap_map(found).any()


def test_no_cells_and_one() -> None:
    for names, heads in [(("cell",), ("cytoplasm",)), (NAMES, ("cytoplasm", "nuclei"))]:
        codec = OverlapCodec(names, heads, "v4")
        targets = codec.encode(Instances.empty((7, 5), names))
        assert list(targets) == [*heads, "overlap", "likelihood"]
        assert all(t.shape == (1, 7, 5) for t in targets.values())
        assert len(codec.decode(targets)) == 0
    one = from_masks([disc(20, 20)])
    assert same(OverlapCodec().decode(OverlapCodec().encode(one)), [disc(20, 20)])


@pytest.mark.parametrize("kind", ["round", "mixed", "spindle", "lobed"])
def test_simulated_overlaps_come_back(kind: str) -> None:
    """Nearly all: a bent cell that another one crosses may come back as its two ends."""
    codec = OverlapCodec()
    cells = whole = 0
    shared = []
    for seed in range(4):
        truth = simulate_field(seed=seed, shape=(192, 192), overlap=0.5, kind=kind).instances
        found = codec.decode(codec.encode(truth))
        cells, whole = cells + len(truth), whole + match(truth, found, [0.75])[0].tp
        shared.append(overlap_region(truth, found)["f1"])
    assert whole >= 0.95 * cells
    assert min(shared) >= 0.9


@settings(max_examples=4, deadline=None)
@given(seed=st.integers(0, 10_000))
def test_with_nuclei_they_come_back_too(seed: int) -> None:
    truth = simulate_field(seed=seed, shape=(192, 192), overlap=0.5, nuclei=True).instances
    codec = OverlapCodec(NAMES, ("cytoplasm", "nuclei"))
    found = codec.decode(codec.encode(truth))
    for kind in (0, 1):
        part = [one[one.classes == kind] for one in (truth, found)]
        assert match(*part, [0.6])[0].tp >= 0.85 * len(part[0])
    cells = [one[one.classes == 0] for one in (truth, found)]
    assert overlap_region(*cells)["f1"] >= 0.85


def test_targets() -> None:
    cells = simulate_field(seed=4, shape=(64, 80), overlap=0.5, nuclei=True).instances
    codec = OverlapCodec(NAMES, ("cytoplasm", "nuclei"), "v3", 0.8)
    targets = codec.encode(cells)
    assert list(targets) == ["cytoplasm", "nuclei", "overlap", "likelihood"]
    assert list(codec.maps) == ["cytoplasm", "nuclei", "overlap"]
    whole = overlap_map(cells[cells.classes == 0])
    np.testing.assert_array_equal(targets["overlap"][0].numpy(), whole)
    wanted = overlap_likelihood(cells, "v3", high=0.8)
    np.testing.assert_array_equal(targets["likelihood"][0].numpy(), wanted)
    assert all(t.dtype == torch.float32 for t in targets.values())


def test_the_threshold_of_the_overlap() -> None:
    cells = from_masks([disc(20, 20), disc(20, 34)])
    targets = OverlapCodec().encode(cells)
    for level, area in [(0.31, overlap_map(cells).sum()), (0.29, 0)]:
        found = OverlapCodec().decode({**targets, "overlap": level * targets["overlap"]})
        assert overlap_map(found).sum() == area


def test_an_overlap_without_a_second_cell_changes_nothing() -> None:
    wanted = [disc(20, 20), disc(20, 60)]
    targets = OverlapCodec().encode(from_masks(wanted))
    for place in (disc(20, 27, 3), disc(20, 20, 11), disc(38, 40, 2)):
        targets["overlap"] = torch.from_numpy(place[None].astype(np.float32))
        assert same(OverlapCodec().decode(targets), wanted)


def test_a_cell_that_only_grazes_a_region_gets_nothing_of_it() -> None:
    left, right = disc(20, 20), disc(20, 34)
    shared = left & right
    grazing = np.zeros_like(left)
    grazing[8:13, 25:31] = True
    grazing &= ~left & ~right
    cells = from_masks([left & ~shared, right, grazing])
    found = share(cells, shared, contact=0.15)
    assert same(found, [left, right, grazing])
    assert overlap_map(share(cells, shared, contact=0.0))[shared].all()


def test_overlaps_that_run_together_are_divided_by_nearness() -> None:
    bars = [np.zeros((12, 40), bool) for _ in range(3)]
    bars[0][:, :16] = True
    bars[1][:, 10:30] = True
    bars[2][:, 24:] = True
    shared = overlap_map(from_masks(bars))
    bridge = shared.copy()
    bridge[5, 16:24] = True  # one pixel high: both overlaps become one region
    cut = [b & ~bridge for b in bars]
    cut[0] |= bridge  # whatever the watershed gave to one of them
    found = masks(share(from_masks(cut), bridge, contact=0.1))
    for k in (0, 1, 2):
        assert np.count_nonzero(found[k] ^ bars[k]) <= 8, k


def test_a_region_at_the_frame_and_boxes_that_grow() -> None:
    left, right = np.zeros((8, 20), bool), np.zeros((8, 20), bool)
    left[:, :12] = True
    right[:, 8:] = True
    shared = left & right
    found = share(from_masks([left & ~shared, right & ~shared]), shared, contact=0.15)
    assert same(found, [left, right])
    assert found.boxes.tolist() == [[0, 0, 8, 12], [0, 8, 8, 20]]


def test_scores_classes_and_tags_stay() -> None:
    left, right = disc(20, 20), disc(20, 34)
    cells = from_masks([left & ~right, right])
    cells = Instances(
        cells.shape, cells.boxes, cells.masks, [0.5, 0.75], [1, 0], ("a", "b"), ({"n": 1}, {"n": 2})
    )
    found = share(cells, left & right, contact=0.15)
    assert found.scores.tolist() == [0.5, 0.75]
    assert found.classes.tolist() == [1, 0]
    assert found.tags == ({"n": 1}, {"n": 2})
    assert same(found, [left, right])
    assert masks(cells)[0].sum() == (left & ~right).sum(), "what came is not changed"


def test_two_classes() -> None:
    discs = [disc(20, 20), disc(20, 34)]
    both = from_masks(discs)
    truth = Instances(both.shape, both.boxes, both.masks, None, [0, 1], ("alive", "dead"))
    codec = OverlapCodec(("alive", "dead"))
    found = codec.decode(codec.encode(truth))
    assert found.classes.tolist() == [0, 1]
    assert same(found, discs)


def test_bad_arguments() -> None:
    with pytest.raises(InputError, match="v0, v1, v2, v3, v4 or none"):
        OverlapCodec(likelihood="v9")
    with pytest.raises(InputError, match="ceiling"):
        OverlapCodec(ceiling=1.5)
    with pytest.raises(InputError, match="nuclei"):
        OverlapCodec(("cell",), ("cytoplasm", "nuclei"))
