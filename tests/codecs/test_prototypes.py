"""Cells from boxes, coefficients and prototypes."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.codecs.prototypes import PrototypeCodec, places_between

SHAPE = (32, 40)


def outputs(boxes: list[list[float]], *, scores: list[float] | None = None) -> dict:
    """Prototype 0 is 1 everywhere, prototype 1 rises from left to right through column 20."""
    prototypes = torch.ones(2, 8, 10)
    prototypes[1] = (torch.arange(10) + 0.5) * 4 - 20
    count = len(boxes)
    return {
        "boxes": torch.tensor(boxes).reshape(-1, 4),
        "scores": torch.tensor(scores or [0.9] * count),
        "classes": torch.zeros(count, dtype=torch.int64),
        "coefficients": torch.tensor([[1.0, 0.0]] * count).reshape(-1, 2),
        "prototypes": prototypes,
    }


def test_a_constant_prototype_fills_the_box() -> None:
    found = PrototypeCodec().decode(outputs([[2.0, 3.0, 10.0, 12.0]]), shape=SHAPE)
    assert found.boxes.tolist() == [[2, 3, 10, 12]]
    assert found.masks[0].all()
    assert found.scores.tolist() == pytest.approx([0.9])


def test_boxes_grow_to_whole_pixels_and_end_at_the_image() -> None:
    found = PrototypeCodec().decode(outputs([[-3.0, 30.2, 4.1, 50.0]]), shape=SHAPE)
    assert found.boxes.tolist() == [[0, 30, 5, 40]]


def test_the_edge_of_a_mask_lies_where_the_maps_pass_zero() -> None:
    given = outputs([[0.0, 0.0, 32.0, 40.0]])
    given["coefficients"] = torch.tensor([[0.0, 1.0]])
    found = PrototypeCodec().decode(given, shape=SHAPE)
    assert found.boxes.tolist() == [[0, 20, 32, 40]]


def test_what_lies_outside_is_left_out() -> None:
    boxes = [[2.0, 3.0, 10.0, 12.0], [40.0, 3.0, 50.0, 12.0], [5.0, 5.0, 5.0, 9.0]]
    given = outputs(boxes)
    given["coefficients"] = torch.cat([given["coefficients"], torch.tensor([[-1.0, 0.0]])])
    given = {**given, "boxes": torch.tensor([*boxes, [1.0, 1.0, 9.0, 9.0]])}
    given["scores"], given["classes"] = torch.full((4,), 0.9), torch.zeros(4, dtype=torch.int64)
    assert len(PrototypeCodec().decode(given, shape=SHAPE)) == 1


def test_none_and_all_below_the_floor() -> None:
    assert len(PrototypeCodec().decode(outputs([]), shape=SHAPE)) == 0
    low = outputs([[2.0, 3.0, 10.0, 12.0]], scores=[0.01])
    assert len(PrototypeCodec().candidates(low, shape=SHAPE, padded=SHAPE)) == 0


def test_padding_is_cut() -> None:
    given = outputs([[2.0, 3.0, 30.0, 38.0]])
    found = PrototypeCodec().candidates(given, shape=(20, 25), padded=SHAPE)
    assert found.shape == (20, 25)
    assert found.boxes.tolist() == [[2, 3, 20, 25]]


def test_overlapping_cells_stay_up_to_a_mask_iou() -> None:
    given = outputs([[0.0, 0.0, 10.0, 10.0], [0.0, 2.0, 10.0, 12.0]], scores=[0.9, 0.8])
    assert len(PrototypeCodec(nms=0.7).decode(given, shape=SHAPE)) == 2  # IoU is 8 of 12
    assert len(PrototypeCodec(nms=0.6).decode(given, shape=SHAPE)) == 1


@settings(max_examples=15, deadline=None)
@given(st.integers(0, 1000))
def test_masks_are_those_of_maps_enlarged_as_a_whole(seed: int) -> None:
    rng = torch.Generator().manual_seed(seed)
    prototypes = torch.randn(3, 8, 10, generator=rng)
    coefficients = torch.randn(4, 3, generator=rng)
    corners = torch.rand(4, 2, generator=rng) * 15
    boxes = torch.cat([corners, corners + 3 + torch.rand(4, 2, generator=rng) * 15], dim=1)
    given = {
        "boxes": boxes,
        "scores": torch.full((4,), 0.9),
        "classes": torch.zeros(4, dtype=torch.int64),
        "coefficients": coefficients,
        "prototypes": prototypes,
    }
    found = PrototypeCodec().candidates(given, shape=SHAPE, padded=SHAPE)
    maps = torch.einsum("np,prc->nrc", coefficients, prototypes)
    whole = torch.nn.functional.interpolate(maps[None], SHAPE, mode="bilinear")[0] > 0
    expected = []
    for mask, box in zip(whole.numpy(), boxes.numpy(), strict=True):
        frame = np.zeros(SHAPE, dtype=bool)
        low = np.floor(np.clip(box[:2], 0, SHAPE)).astype(int)
        high = np.ceil(np.clip(box[2:], 0, SHAPE)).astype(int)
        window = slice(low[0], high[0]), slice(low[1], high[1])
        frame[window] = mask[window]
        if frame.any():
            expected.append(frame)
    drawn = []
    for mask, (r0, c0, r1, c1) in zip(found.masks, found.boxes, strict=True):
        frame = np.zeros(SHAPE, dtype=bool)
        frame[r0:r1, c0:c1] = mask
        drawn.append(frame)
    assert len(drawn) == len(expected)
    for a, b in zip(drawn, expected, strict=True):
        assert (a != b).sum() <= 1  # a logit of about 0 may round to either side


def test_weights_of_places_sum_to_one() -> None:
    for start, stop in ((0, 1), (0, 32), (30, 32)):
        assert places_between(start, stop, 4, 8)[1].sum(axis=1) == pytest.approx(1)
    assert places_between(0, 5, 5, 1)[1].tolist() == [[1.0]] * 5
