"""Labelling by a promptable segmenter asked at every point of a grid."""

from __future__ import annotations

import logging

import numpy as np
import pytest

from cellwright.label.segmenters import segmenter
from cellwright.types import Image, InputError, Segmenter


def discs(planes: int = 1) -> Image:
    """Two bright discs on a dark ground, the same in every plane."""
    rows, columns = np.ogrid[:64, :64]
    frame = 20 + 100 * ((rows - 20) ** 2 + (columns - 20) ** 2 < 100)
    frame = frame + 100 * ((rows - 44) ** 2 + (columns - 42) ** 2 < 64)
    noise = np.random.default_rng(0).normal(0, 2, (64, 64))
    plane = (frame + noise).astype(np.float32)
    return Image(np.stack([plane] * planes), "ZYX") if planes > 1 else Image(plane)


@pytest.mark.parametrize("planes", [1, 3])
def test_cells_are_found_by_points_alone(planes: int) -> None:
    found = segmenter("prompted", prompts="region", points_per_side=8, max_size=600)
    assert isinstance(found, Segmenter)
    cells = found.segment(discs(planes))
    assert cells.shape == (64, 64)
    middles = (cells.boxes[:, :2] + cells.boxes[:, 2:]) / 2
    for centre in ((20, 20), (44, 42)):
        assert np.abs(middles - centre).max(axis=1).min() < 3


def test_thresholds_move_and_nothing_is_explained(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        none = segmenter("prompted", prompts="region", points_per_side=4, min_size=10**6)
        assert len(none.segment(discs())) == 0
    assert "smaller than 1000000 px" in caplog.text
    with pytest.raises(InputError, match="predicted_iou=2"):
        segmenter("prompted", prompts="region", predicted_iou=2)


def test_an_unknown_option_is_refused() -> None:
    with pytest.raises(InputError, match="sharpness"):
        segmenter("prompted", prompts="region", sharpness=1)
