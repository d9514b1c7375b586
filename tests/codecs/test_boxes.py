"""The box codec: masks pasted into their boxes only."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torchvision.models.detection.roi_heads import paste_masks_in_image

from cellwright.codecs.boxes import BoxCodec, paste
from cellwright.nets.roi_masks import corners, mask_targets
from cellwright.overlap import iou
from cellwright.synth import simulate_field
from cellwright.types import Instances


def dense(instances: Instances) -> np.ndarray:
    frames = np.zeros((len(instances), *instances.shape), bool)
    for frame, box, mask in zip(frames, instances.boxes, instances.masks, strict=True):
        frame[box[0] : box[2], box[1] : box[3]] = mask
    return frames


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), size=st.sampled_from([7, 14, 28]))
def test_equals_the_masks_of_torchvision(seed: int, size: int) -> None:
    make = torch.Generator().manual_seed(seed)
    start = torch.rand(12, 2, generator=make) * 48 - 3
    boxes = torch.cat([start, start + 4 + 30 * torch.rand(12, 2, generator=make)], dim=1)
    masks = torch.rand(12, 1, size, size, generator=make)
    theirs = paste_masks_in_image(masks, boxes, (50, 64))[:, 0].numpy()
    for mask, box, their in zip(masks, boxes, theirs, strict=True):
        place, inside = paste(
            mask[0].numpy(), box[[1, 0, 3, 2]].double().numpy(), (50, 64), whole_pixels=True
        )
        ours = np.zeros((50, 64), bool)
        ours[place[0] : place[2], place[1] : place[3]] = inside
        differ = ours != (their >= 0.5)
        assert np.abs(their[differ] - 0.5).max(initial=0) < 1e-4


def grids(truth: Instances, *, aligned: bool) -> dict[str, torch.Tensor]:
    """Perfect detections: the targets of the true boxes."""
    targets = BoxCodec().encode(truth)
    boxes = corners(targets["boxes"])
    masks = mask_targets(
        targets["crops"],
        targets["boxes"],
        boxes,
        torch.arange(len(truth)),
        size=28,
        frame=truth.shape,
        aligned=aligned,
    )
    return {
        "boxes": boxes,
        "labels": targets["classes"] + 1,
        "scores": torch.linspace(1, 0.6, len(truth)),
        "masks": masks[:, None],
    }


def test_cells_come_back_from_their_targets() -> None:
    truth = simulate_field(seed=4, shape=(128, 128), cells=16, overlap=0.5, diameter=7).instances
    back = BoxCodec().candidates(grids(truth, aligned=True), shape=truth.shape)
    own = np.diag(iou(truth, back).toarray())
    rounded = BoxCodec(whole_pixels=True).candidates(grids(truth, aligned=False), shape=truth.shape)
    theirs = np.diag(iou(truth, rounded).toarray())
    assert own.min() > 0.9
    assert own.mean() > 0.97 > theirs.mean() + 0.05


def test_the_padding_is_cut_and_what_lies_in_it_dropped() -> None:
    outputs = {
        "boxes": torch.tensor([[2.0, 1.0, 14.0, 9.0], [12.0, 12.0, 15.0, 15.0], [1, 1, 5, 5]]),
        "labels": torch.tensor([2, 1, 1]),
        "scores": torch.tensor([0.9, 0.8, 0.01]),
        "masks": torch.ones(3, 1, 28, 28),
    }
    codec = BoxCodec(("Alive", "Dead"))
    found = codec.candidates(outputs, shape=(10, 11), padded=(32, 32))
    assert found.shape == (10, 11)
    assert found.boxes.tolist() == [[1, 2, 9, 11]]
    assert found.classes.tolist() == [1]
    assert found.class_names == ("Alive", "Dead")
    assert found.masks[0].all()


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_no_detections(dtype: torch.dtype) -> None:
    outputs = {
        "boxes": torch.zeros(0, 4, dtype=dtype),
        "labels": torch.zeros(0, dtype=torch.int64),
        "scores": torch.zeros(0, dtype=dtype),
        "masks": torch.zeros(0, 1, 28, 28, dtype=dtype),
    }
    assert len(BoxCodec().decode(outputs, shape=(5, 7))) == 0


def test_masks_below_the_threshold_are_no_cells() -> None:
    outputs = {
        "boxes": torch.tensor([[1.0, 1.0, 9.0, 9.0]]),
        "labels": torch.tensor([1]),
        "scores": torch.tensor([0.9]),
        "masks": torch.full((1, 1, 14, 14), 0.4),
    }
    assert len(BoxCodec().candidates(outputs, shape=(10, 10))) == 0
    assert len(BoxCodec(foreground=0.3).candidates(outputs, shape=(10, 10))) == 1
