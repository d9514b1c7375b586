"""Spotiflow: a clear line without it, and its output mapped to ours with a stand-in."""

import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from cellwright.measure.signals import count_signals
from cellwright.peers import spotiflow
from cellwright.peers.packages import MissingPackage
from cellwright.synth.fish import simulate_fish


def test_without_the_package_one_line_says_how(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(spotiflow, "find_spec", lambda name: None)
    with pytest.raises(MissingPackage, match=r"cellwright\[spots\].*--detector log"):
        spotiflow.spotiflow_spots([np.zeros((8, 8))])


def test_its_points_become_spots_and_signals(monkeypatch: pytest.MonkeyPatch) -> None:
    frame = simulate_fish(2, 0, shape=(220, 220), nuclei=8)
    planes = list(frame.sample.image.data[1:])
    signals, seen = frame.signals, []

    class Network:
        @classmethod
        def from_pretrained(cls, name):
            assert name == "general"
            return cls()

        def predict(self, plane, verbose=True):
            probe = len(seen)
            seen.append(plane.dtype)
            points = signals.places[signals.probe == probe]
            inside = ((points > 0) & (points < 219)).all(axis=1)
            return points[inside], SimpleNamespace(prob=np.full(inside.sum(), 0.9))

    model = ModuleType("spotiflow.model")
    model.Spotiflow = Network
    monkeypatch.setitem(sys.modules, "spotiflow", ModuleType("spotiflow"))
    monkeypatch.setitem(sys.modules, "spotiflow.model", model)
    found = spotiflow.spotiflow_spots(planes)
    assert seen == [np.float32] * 4
    assert found.light.shape == (len(found), 4)
    assert (found.score == 0.9).all()
    nuclei = frame.sample.instances
    counted = count_signals(
        planes, nuclei, merge=0.7, pixel_size=(0.1625, 0.1625), spots=found, trusted=True
    )
    whole = (nuclei.boxes[:, :2] > 0).all(1) & (nuclei.boxes[:, 2:] < 220).all(1)
    assert whole.any()
    assert (counted.counts == frame.counts)[whole].mean() > 0.95


def test_no_point_at_all(monkeypatch: pytest.MonkeyPatch) -> None:
    model = ModuleType("spotiflow.model")
    model.Spotiflow = SimpleNamespace(
        from_pretrained=lambda name: SimpleNamespace(
            predict=lambda plane, verbose: (np.zeros((0, 2)), SimpleNamespace())
        )
    )
    monkeypatch.setitem(sys.modules, "spotiflow", ModuleType("spotiflow"))
    monkeypatch.setitem(sys.modules, "spotiflow.model", model)
    assert len(spotiflow.spotiflow_spots([np.zeros((40, 40))])) == 0
