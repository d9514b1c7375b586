"""A cell that another one crosses is one cell; round cells in a row stay apart."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.codecs.crossed import joined_ends
from cellwright.codecs.overlap_head import OverlapCodec
from cellwright.evaluate.match import match
from cellwright.geometry import from_masks
from cellwright.overlap import overlap_map
from cellwright.synth import simulate_field


def bar(degrees: float, *, length: float = 26, width: float = 5) -> np.ndarray:
    """A long ellipse through the middle of the frame."""
    rows, cols = np.mgrid[-30:31, -30:31]
    turn = np.deg2rad(degrees)
    along = cols * np.cos(turn) + rows * np.sin(turn)
    across = rows * np.cos(turn) - cols * np.sin(turn)
    return np.hypot(along / length, across / width) <= 1


@pytest.mark.parametrize("degrees", [90, 60, 130])
def test_two_crossing_cells_are_two(degrees: float) -> None:
    wanted = [bar(0), bar(degrees)]
    codec = OverlapCodec()
    found = codec.decode(codec.encode(from_masks(wanted)))
    assert len(found) == 2
    assert match(from_masks(wanted), found, [0.95])[0].tp == 2
    assert (overlap_map(found) == (wanted[0] & wanted[1])).mean() > 0.995


def test_round_cells_in_a_row_stay_three() -> None:
    rows, cols = np.mgrid[:41, :91]
    discs = [np.hypot(rows - 20, cols - c) <= r for c, r in ((20, 15), (43, 12), (66, 15))]
    shared = overlap_map(from_masks(discs))
    bridge = shared.copy()
    bridge[20, 35:52] = True  # both overlaps are one
    labels = np.zeros(shared.shape, int)
    for number, disc in enumerate(discs, start=1):
        labels[disc & (labels == 0)] = number
    np.testing.assert_array_equal(joined_ends(labels, bridge, contact=0.05), labels)


def test_nothing_to_join() -> None:
    labels = np.zeros((9, 12), int)
    none = np.zeros((9, 12), bool)
    np.testing.assert_array_equal(joined_ends(labels, none, contact=0.15), labels)
    labels[:, :4], labels[:, 4:8], labels[:, 8:] = 1, 2, 3
    np.testing.assert_array_equal(joined_ends(labels, none, contact=0.15), labels)
    np.testing.assert_array_equal(joined_ends(labels, ~none, contact=0.15), labels)


def test_simulated_spindles() -> None:
    codec = OverlapCodec()
    truth = [
        simulate_field(seed=s, shape=(192, 192), overlap=0.5, kind="spindle").instances
        for s in range(4)
    ]
    found = [codec.decode(codec.encode(t)) for t in truth]
    cells = sum(map(len, truth))
    whole = sum(match(t, f, [0.75])[0].tp for t, f in zip(truth, found, strict=True))
    assert sum(map(len, found)) <= 1.04 * cells
    assert whole >= 0.96 * cells
