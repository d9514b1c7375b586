"""Cells of single planes linked through a stack and merged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.geometry import from_masks
from cellwright.label.plane_links import link_planes, merge_planes, numbered
from cellwright.overlap import iou
from cellwright.types import InputError, Instances

SHAPE = (40, 40)


def square(row, col, side=10, shape=SHAPE):
    mask = np.zeros(shape, bool)
    mask[row : row + side, col : col + side] = True
    return mask


def cells(*squares, **facts):
    return from_masks([square(*s) for s in squares], SHAPE, **facts)


NONE = Instances.empty(SHAPE)


def test_one_cell_drifts_through_the_stack():
    planes = [cells((2, 2)), cells((3, 2), (20, 20)), cells((4, 3), (20, 21))]
    assert link_planes(planes) == (((0, 0), (1, 0), (2, 0)), ((1, 1), (2, 1)))


def test_the_best_assignment_and_not_the_first_pair():
    # The left one overlaps both of the next plane; only if it leaves its best one go, both pair.
    planes = [cells((0, 0), (0, 3)), cells((0, 2), (0, 7))]
    assert link_planes(planes, iou=0.25) == (((0, 0), (1, 0)), ((0, 1), (1, 1)))


@pytest.mark.parametrize(("gap", "chains"), [(0, 2), (1, 1), (2, 1)])
def test_a_gap_of_one_plane(gap, chains):
    planes = [cells((2, 2)), NONE, cells((2, 3))]
    assert len(link_planes(planes, gap=gap)) == chains
    far = [cells((2, 2)), NONE, NONE, cells((2, 3))]
    assert len(link_planes(far, gap=gap)) == (1 if gap == 2 else 2)


def test_a_cell_that_goes_on_in_the_next_plane_leaves_gaps_alone():
    planes = [cells((2, 2)), cells((2, 4)), cells((2, 2), (2, 4))]
    assert link_planes(planes) == (((0, 0), (1, 0), (2, 1)), ((2, 0),))


def test_masks_of_a_merged_cell():
    planes = [cells((0, 0)), cells((0, 1)), cells((0, 2))]
    union, majority, sharp = (
        merge_planes(planes, mask=m, sharpness=[[1.0], [3.0], [2.0]])
        for m in ("union", "majority", "sharpest")
    )
    assert union.boxes.tolist() == [[0, 0, 10, 12]]
    assert majority.boxes.tolist() == sharp.boxes.tolist() == [[0, 1, 10, 11]]
    assert union.areas.tolist() == [120]
    assert dict(sharp.tags[0]) == {"z_first": 0, "z_last": 2, "z_best": 1, "z_count": 3}


def test_overlaps_are_kept():
    planes = [cells((5, 5)), cells((5, 5), (5, 11)), cells((5, 11))]
    merged = merge_planes(planes)
    assert merged.boxes.tolist() == [[5, 5, 15, 15], [5, 11, 15, 21]]
    assert iou(merged, merged).toarray()[0, 1] == pytest.approx(40 / 160)


def test_min_planes_leaves_out_what_is_seen_once():
    planes = [cells((0, 0), (20, 20)), cells((0, 0))]
    assert len(merge_planes(planes)) == 2
    assert merge_planes(planes, min_planes=2).boxes.tolist() == [[0, 0, 10, 10]]
    assert len(merge_planes(planes, min_planes=3)) == 0


def test_class_score_and_tags_of_a_merged_cell():
    def one(kind, score, **tags):
        return cells((0, 0), classes=[kind], scores=[score], class_names=("a", "b"), tags=[tags])

    planes = [one(0, 0.2, alive=False, who="x"), one(1, 0.4, alive=True, contrast=2.0), one(1, 0.9)]
    merged = merge_planes(planes, sharpness=[[9.0], [1.0], [2.0]])
    assert merged.classes.tolist() == [1]
    assert merged.scores[0] == pytest.approx(0.5)
    assert merged.tags[0]["alive"] is True
    assert (merged.tags[0]["contrast"], merged.tags[0]["who"]) == (2.0, "x")
    assert merged.tags[0]["z_best"] == 0


def test_masks_that_share_no_half_become_their_union():
    # 0-1 and 1-2 meet at IoU 1/3, no pixel is in two of three masks once the middle one is gone.
    planes = [cells((0, 0)), NONE, cells((0, 5))]
    merged = merge_planes(planes, iou=0.3, mask="majority")
    assert merged.boxes.tolist() == [[0, 0, 10, 15]]


def test_numbers_follow_the_chains():
    planes = [cells((2, 2)), cells((20, 20), (2, 2))]
    named = numbered(planes, link_planes(planes))
    assert [t["cell"] for t in named[1].tags] == [2, 1]
    assert named[0].tags[0]["cell"] == 1


def test_wrong_input_is_said():
    with pytest.raises(InputError, match="0 < iou"):
        link_planes([NONE], iou=0)
    with pytest.raises(InputError, match="at least one"):
        merge_planes([])
    with pytest.raises(InputError, match="unknown"):
        merge_planes([NONE], mask="mean")
    with pytest.raises(InputError, match="sharpness"):
        merge_planes([NONE], mask="sharpest")
    with pytest.raises(InputError, match="one list of classes"):
        merge_planes([NONE, replace(NONE, class_names=("x",))])
    assert len(merge_planes([NONE, NONE])) == 0


boxes = st.tuples(st.integers(0, 12), st.integers(0, 12), st.integers(4, 9))
stacks = st.lists(st.lists(boxes, max_size=5), min_size=1, max_size=5)


def as_planes(drawn):
    made = []
    for plane in drawn:
        one = cells(*plane)
        scores = [0.5 + 0.01 * (s % 40) for s in range(len(one))]
        made.append(replace(one, scores=np.array(scores)))
    return made


def told(merged, last=None):
    """What a merged set says, whatever its order; planes mirrored if `last` is given."""
    turn = (lambda z: z) if last is None else (lambda z: last - z)
    return sorted(
        (*box, mask.tobytes(), round(float(score), 5),
         *sorted((turn(t["z_first"]), turn(t["z_last"]))), t["z_count"])
        for box, mask, score, t in zip(
            merged.boxes.tolist(), merged.masks, merged.scores, merged.tags, strict=True
        )
    )  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(stacks, st.sampled_from(["union", "majority"]), st.integers(0, 2), st.floats(0.2, 0.8))
def test_the_direction_of_the_planes_does_not_matter(drawn, mask, gap, least):
    # Doubled masks of one plane cannot be told apart but by their order.
    planes = as_planes([list(dict.fromkeys(plane)) for plane in drawn])
    one = merge_planes(planes, iou=least, gap=gap, mask=mask)
    other = merge_planes(planes[::-1], iou=least, gap=gap, mask=mask)
    assert told(one) == told(other, last=len(planes) - 1)


@settings(max_examples=60, deadline=None)
@given(stacks, st.randoms(use_true_random=False))
def test_the_order_of_the_cells_of_a_plane_does_not_matter(drawn, random):
    planes = as_planes([list(dict.fromkeys(plane)) for plane in drawn])
    shuffled = [p[random.sample(range(len(p)), len(p))] for p in planes]
    assert told(merge_planes(planes, iou=0.2)) == told(merge_planes(shuffled, iou=0.2))


def test_equally_good_links_do_not_hang_on_the_order():
    # Both of the second plane meet the first at the same IoU and distance.
    around = [(10, 8), (10, 12)]
    one, other = (merge_planes([cells((10, 10)), cells(*a)]) for a in (around, around[::-1]))
    assert told(one) == told(other)
    assert len(one) == 2


@settings(max_examples=40, deadline=None)
@given(stacks, st.integers(0, 2))
def test_every_cell_is_in_one_chain(drawn, gap):
    planes = as_planes(drawn)
    chains = link_planes(planes, gap=gap)
    every = [at for chain in chains for at in chain]
    assert sorted(every) == [(z, i) for z, p in enumerate(planes) for i in range(len(p))]
    for chain in chains:
        steps = np.diff([z for z, _ in chain])
        assert ((steps >= 1) & (steps <= gap + 1)).all()
    union = np.zeros(SHAPE, bool)
    merged = merge_planes(planes, gap=gap)
    for (r0, c0, r1, c1), m in zip(merged.boxes, merged.masks, strict=True):
        union[r0:r1, c0:c1] |= m
    drawn_union = np.zeros(SHAPE, bool)
    for plane in drawn:
        for box in plane:
            drawn_union |= square(*box)
    assert (union == drawn_union).all()
