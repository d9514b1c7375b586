"""Easy images first: what is easy, and when the others join."""

from __future__ import annotations

import itertools
import json
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import nn

from cellwright import train
from cellwright.codecs.distance import DistanceCodec
from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.train.batches import Crops, CropSettings
from cellwright.train.curriculum import Curriculum, crowding, easiest_first
from cellwright.train.frames import Frames
from cellwright.train.learner import FitSettings, Learner
from cellwright.train.pace import Budget, Pace
from cellwright.train.schedule import StepSettings
from cellwright.types import Image, InputError, Instances, Sample
from cellwright.zoo.method import Normalisation


def cells(*boxes: tuple[int, int, int, int], classes: list[int] | None = None) -> Instances:
    """Full rectangles in a field of 10 x 10."""
    masks = [np.ones((b[2] - b[0], b[3] - b[1]), bool) for b in boxes]
    return Instances((10, 10), list(boxes), masks, classes=classes, class_names=("cell", "nucleus"))


FEW = cells((0, 0, 2, 2))
DENSE = cells((0, 0, 5, 5), (5, 5, 10, 10))
CROSSED = cells((0, 0, 5, 8), (0, 2, 5, 10))


def sample(found: Instances | None) -> Sample:
    return Sample("a", Image(np.zeros((10, 10), np.uint8)), found)


def test_crowding_is_cover_and_the_share_of_it_under_two() -> None:
    assert crowding(FEW) == (0.04, 0.0)
    assert crowding(DENSE) == (0.5, 0.0)
    assert crowding(CROSSED) == (0.5, 0.6)
    assert crowding(cells()) == (0.0, 0.0)


def test_a_nucleus_in_its_cell_is_no_overlap() -> None:
    assert crowding(cells((0, 0, 4, 4), (1, 1, 3, 3), classes=[0, 1])) == (0.16, 0.0)


def test_the_easiest_come_first_and_equals_stay_in_order() -> None:
    found = [sample(c) for c in (CROSSED, DENSE, cells(), FEW, DENSE)]
    assert easiest_first(found).tolist() == [2, 3, 1, 4, 0]
    assert easiest_first([]).tolist() == []
    with pytest.raises(InputError, match="without labels"):
        easiest_first([sample(None)])


@given(
    start=st.floats(0.01, 1),
    until=st.floats(0.01, 1),
    spent=st.lists(st.floats(0, 1), min_size=2, max_size=6),
    count=st.integers(1, 30),
)
def test_images_only_ever_join_until_all_are_in(start, until, spent, count) -> None:
    plan, order = Curriculum(start, until), np.arange(count)[::-1]
    sets = [set(plan.allowed(order, s).tolist()) for s in sorted(spent)]
    assert all(a <= b for a, b in itertools.pairwise(sets))
    assert all(sets)
    assert len(plan.allowed(order, until)) == count
    assert plan.allowed(order, 0)[0] == count - 1


def test_a_fifth_at_the_start_is_a_fifth() -> None:
    assert Curriculum(0.2, 0.5).allowed(range(10), 0.0).tolist() == [0, 1]
    assert len(Curriculum(0.2, 0.5).allowed(range(10), 0.25)) == 6


@pytest.mark.parametrize("values", [(0, 0.5), (0.2, 0), (1.2, 0.5), (0.2, 1.01)])
def test_shares_are_above_0_to_1(values: tuple[float, float]) -> None:
    with pytest.raises(InputError, match="above 0 to 1"):
        Curriculum(*values)


def frames() -> Frames:
    samples = [
        simulate_field(seed=s, shape=(64, 64), cells=n, diameter=8.0, overlap=0.0)
        for s, n in enumerate((8, 1, 4))
    ]
    return Frames(samples, codec=DistanceCodec(), normalisation=Normalisation())


def test_crops_come_of_the_allowed_frames_only() -> None:
    chosen = CropSettings((32, 32))
    some = Crops(frames(), settings=chosen, epoch=0, count=20, allowed=[1, 2])
    assert set(some.order.tolist()) == {1, 2}
    every = Crops(frames(), settings=chosen, epoch=0, count=20, allowed=[0, 1, 2])
    assert (
        every.order.tolist() == Crops(frames(), settings=chosen, epoch=0, count=20).order.tolist()
    )


@pytest.mark.parametrize(("epoch", "drawn"), [(0, {1}), (1, {1, 2}), (2, {0, 1, 2})])
def test_each_epoch_draws_from_those_that_are_in(
    epoch: int, drawn: set[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    budget = Budget(epochs=4)
    learner = Learner(
        nn.Identity(),
        train=frames(),
        fold=frames(),
        crops=CropSettings((32, 32)),
        settings=FitSettings(budget, crops_per_epoch=30, curriculum=Curriculum(0.1, 0.5)),
    )
    learner.method.codec = DistanceCodec()
    trainer = SimpleNamespace(
        callbacks=[Pace(budget, StepSettings())],
        current_epoch=epoch,
        strategy=SimpleNamespace(broadcast=lambda value: value),
    )
    monkeypatch.setattr(Learner, "trainer", trainer)
    assert set(learner.train_dataloader().dataset.order.tolist()) == drawn


def test_minutes_count_from_before_a_resumption() -> None:
    pace = Pace(Budget(minutes=1.0), StepSettings())
    pace.load_state_dict({"seconds": 30.0, "drops": 0, "best": 1.0, "waited": 0})
    assert pace.spent_before(99) == 0.5


def test_the_model_keeps_it(tmp_path: Path) -> None:
    fields = (simulate_field(seed=s, shape=(64, 64), cells=4) for s in range(3))
    write_dataset((Sample(f"f{n}", s.image, s.instances) for n, s in enumerate(fields)),
                  tmp_path / "data")  # fmt: skip
    arguments = {"options": {"widths": [4, 8]}, "epochs": 1, "crop": (32, 32), "quiet": True}
    train(tmp_path / "data", tmp_path / "m", curriculum=(0.5, 0.5), device="cpu", **arguments)
    card = json.loads((tmp_path / "m" / "model.json").read_text(encoding="utf-8"))
    assert card["provenance"]["options"]["curriculum"] == [0.5, 0.5]
    with pytest.raises(InputError, match="above 0 to 1"):
        train(tmp_path / "data", tmp_path / "n", curriculum=(0.5, 2), device="cpu", **arguments)
    assert not (tmp_path / "n").exists()
