"""Training of translators: crops by seed and step, resumption, the best weights, pictures."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from cellwright.nets.pix2pix import Pix2PixGenerator
from cellwright.train.state import read_state
from cellwright.train.translation import fit as loop
from cellwright.train.translation.fit import FitBudget, fit
from cellwright.train.translation.learners import Adversarial, Regression
from cellwright.train.translation.pairs import Pairs, draw_batch, fixed_crops
from cellwright.train.translation.pictures import draw_curves, draw_examples
from cellwright.train.translation.statistics import settled
from cellwright.train.translation.watch import HeldOut
from cellwright.types import InputError
from cellwright.zoo.translator import Autoencoder


def pairs_of(shapes: list[tuple[int, int]], *, planes: int = 2) -> Pairs:
    """Sources that count pixels, targets that are twice that, and less than none."""

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        source = np.arange(np.prod(shapes[index]), dtype=np.float32).reshape(1, *shapes[index])
        return source, np.concatenate([2 * source, -source])[:planes]

    return Pairs(read, shapes)


def test_crops_are_pairs_and_follow_seed_and_step() -> None:
    pairs = pairs_of([(40, 50), (16, 90)])
    source, target = draw_batch(pairs, (16, 16), count=6, seed=1, step=3)
    assert (source.shape, target.shape) == ((6, 1, 16, 16), (6, 2, 16, 16))
    assert torch.equal(target[:, :1], 2 * source)
    assert torch.equal(target[:, 1:], -source)
    again = draw_batch(pairs, (16, 16), count=6, seed=1, step=3)[0]
    assert torch.equal(source, again)
    for other in ((2, 3), (1, 4)):
        crops = draw_batch(pairs, (16, 16), count=6, seed=other[0], step=other[1])[0]
        assert not torch.equal(crops, source)
    turned = {tuple(torch.diff(crop[0, :2, :2].flatten()).tolist()) for crop in source}
    assert len(turned) > 2


def test_small_frames_and_oblong_crops() -> None:
    pairs = pairs_of([(10, 12)])
    source, _ = draw_batch(pairs, (16, 32), count=3, seed=0, step=0)
    assert source.shape == (3, 1, 16, 32)
    assert set(np.unique(source)) == set(range(120))


def test_fixed_crops_cover_the_frames() -> None:
    crops = fixed_crops(pairs_of([(32, 40), (10, 10)]), (16, 16), most=100)
    assert [s.shape for s, _ in crops] == [(1, 16, 16)] * 7
    assert [int(s[0, 0, 0]) for s, _ in crops] == [0, 16, 24, 640, 656, 664, 0]
    assert len(fixed_crops(pairs_of([(32, 48)]), (16, 16), most=3)) == 3


def test_pairs_are_read_once_while_they_fit() -> None:
    count: list[int] = []

    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        count.append(index)
        return np.zeros((1, 8, 8), np.float32), np.zeros((1, 8, 8), np.float32)

    pairs = Pairs(read, [(8, 8)] * 2, memory_limit=600)
    for index in (0, 1, 0, 1):
        assert pairs[index][0].shape == (1, 8, 8)
    assert count == [0, 1, 1]


BUDGET = FitBudget(2, None, 4, 2, (32, 32), 1e-3, 5)


def learner_of(how: str) -> Any:
    torch.manual_seed(0)
    if how == "autoencoder":
        return Regression(Autoencoder(1, 1, widths=(4, 8)))
    return Adversarial(Pix2PixGenerator(1, 1, widths=(4, 8, 8)), channels=(1, 1), width=4)


def stripes() -> Pairs:
    def read(index: int) -> tuple[np.ndarray, np.ndarray]:
        rng = np.random.default_rng(index)
        source = np.sign(rng.normal(size=(1, 48, 48))).astype(np.float32)
        return source, -source

    return Pairs(read, [(48, 48)] * 3)


def run(how: str, folder: Path, *, budget: FitBudget = BUDGET, stop: int | None = None) -> Any:
    """Train; raise KeyboardInterrupt at step `stop`."""
    learner = learner_of(how)
    learn = learner.learn
    steps = 0

    def counted(*arguments: Any) -> dict[str, float]:
        nonlocal steps
        if stop is not None and steps == stop:
            raise KeyboardInterrupt
        steps += 1
        return learn(*arguments)

    learner.learn = counted

    def read(net: Any) -> dict[str, float]:
        # A function of the weights, as FID is, that differs from step to step.
        return {
            "fid": sum(float(p.detach().abs().sum()) for p in net.parameters()),
            "l1": 0.5,
        }

    outcome = fit(learner, stripes(), folder, budget=budget, read=read, device="cpu")
    return learner, outcome


@pytest.mark.parametrize("how", ["pix2pix", "autoencoder"])
def test_killed_and_resumed_is_as_never_killed(how: str, tmp_path: Path) -> None:
    whole, outcome = run(how, tmp_path / "a" / "state")
    with pytest.raises(KeyboardInterrupt):
        run(how, tmp_path / "b" / "state", stop=5)
    again, resumed = run(how, tmp_path / "b" / "state")
    assert outcome["step"] == resumed["step"] == 8
    for name, part in whole.parts.items():
        one, other = part.state_dict(), again.parts[name].state_dict()
        if "param_groups" in one:
            one, other = one["state"], other["state"]
            pairs = [(one[k][n], other[k][n]) for k in one for n in one[k]]
        else:
            pairs = [(one[k], other[k]) for k in one]
        assert pairs
        assert all(torch.equal(a, b) for a, b in pairs), name
    losses = [[{k: v for k, v in row.items() if k.startswith("train")} for row in o["rows"]]
              for o in (outcome, resumed)]  # fmt: skip
    assert losses[0] == losses[1]
    assert (tmp_path / "b" / "curves.csv").read_text().count("\n") == len(outcome["rows"]) + 1


def test_a_state_from_the_midst_of_an_epoch_goes_on_exactly(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(loop, "READINGS", 1)
    whole, outcome = run("pix2pix", tmp_path / "a" / "state")
    monkeypatch.setattr(loop, "SAVE_SECONDS", 0.0)
    with pytest.raises(KeyboardInterrupt):
        run("pix2pix", tmp_path / "b" / "state", stop=6)
    assert read_state(tmp_path / "b" / "state" / "last.safetensors")["fit"]["step"] == 6
    again, resumed = run("pix2pix", tmp_path / "b" / "state")
    one, other = whole.net.state_dict(), again.net.state_dict()
    assert all(torch.equal(one[k], other[k]) for k in one)
    assert outcome["rows"][-1]["train_loss"] == resumed["rows"][-1]["train_loss"]


def test_the_weights_of_the_least_fid_are_kept(tmp_path: Path) -> None:
    learner = learner_of("autoencoder")
    figures = iter([3.0, 1.0, 2.0, 5.0, 4.0, 9.0, 9.0, 9.0])
    seen: list[dict[str, torch.Tensor]] = []

    def read(net: Any) -> dict[str, float]:
        seen.append({k: v.clone() for k, v in net.state_dict().items()})
        return {"fid": next(figures), "l1": 0.0}

    outcome = fit(learner, stripes(), tmp_path / "state", budget=BUDGET, read=read, device="cpu")
    assert (outcome["best"]["fid"], outcome["best"]["step"]) == (1.0, 2)
    found = learner.net.state_dict()
    assert all(torch.equal(found[k], seen[1][k]) for k in found)
    assert not all(torch.equal(found[k], seen[2][k]) for k in found)
    assert not learner.net.training


def test_it_learns_to_invert(tmp_path: Path) -> None:
    budget = FitBudget(15, None, 4, 4, (32, 32), 1e-2, 0)
    rows = run("autoencoder", tmp_path / "state", budget=budget)[1]["rows"]
    assert rows[-1]["train_l1"] < 0.3 * rows[0]["train_l1"]


def test_a_training_that_falls_apart_says_so(tmp_path: Path) -> None:
    learner = learner_of("autoencoder")
    learner.learn = lambda *arguments: {"loss": float("nan")}
    with pytest.raises(InputError, match="nan at step 0.*--learning-rate"):
        fit(learner, stripes(), tmp_path / "s", budget=BUDGET, read=dict, device="cpu")


def test_a_state_of_another_network_is_refused(tmp_path: Path) -> None:
    run("autoencoder", tmp_path / "state")
    with pytest.raises(InputError, match="does not fit this training"):
        run("pix2pix", tmp_path / "state")


def test_settled_statistics_are_those_of_the_net_as_it_is() -> None:
    net = learner_of("pix2pix").net.train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    torch.manual_seed(4)
    kept = settled(net, stripes(), (32, 32), batch_size=4, seed=0, device="cpu")
    after = torch.rand(1)
    torch.manual_seed(4)
    assert torch.equal(torch.rand(1), after)
    assert net.training
    assert not kept.training
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert all(map(torch.equal, net.parameters(), kept.parameters()))
    crops = [draw_batch(stripes(), (32, 32), count=4, seed=2**31, step=k)[0] for k in range(16)]
    first = net.down[1][0]
    with torch.no_grad():
        seen = [first(torch.nn.functional.leaky_relu(net.down[0](c), 0.2)) for c in crops]
    means = torch.stack([s.mean(dim=(0, 2, 3)) for s in seen]).mean(dim=0)
    assert torch.allclose(kept.down[1][1].running_mean, means, atol=1e-6)
    again = settled(net, stripes(), (32, 32), batch_size=4, seed=0, device="cpu")
    assert all(torch.equal(a, b) for a, b in zip(kept.buffers(), again.buffers(), strict=True))


def test_minutes_are_a_budget_over_resumptions() -> None:
    budget = FitBudget(None, 2.0, 4, 2, (32, 32), 1e-3, 5)
    assert [budget.spent(10**6, s) for s in (0, 60, 180)] == [0, 0.5, 1]


def test_reading_leaves_the_training_as_it_was() -> None:
    held_out = HeldOut(stripes(), (32, 32), features="cells", seed=0)
    net = learner_of("pix2pix").net.train()
    before = {k: v.clone() for k, v in net.state_dict().items()}
    torch.manual_seed(3)
    first = held_out.read(net, "cpu")
    after = torch.rand(2)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(2), after)
    assert net.training
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())
    assert held_out.read(net, "cpu") == first
    assert set(first) == {"fid", "l1"}
    assert 0 < first["l1"] < 2


def test_one_crop_is_too_few_to_choose_by() -> None:
    with pytest.raises(InputError, match="FID needs two"):
        HeldOut(pairs_of([(32, 32)], planes=1), (32, 32), features="cells", seed=0)


def test_pictures_are_written(tmp_path: Path) -> None:
    rows = [{"step": 1, "seconds": 1.0, "train_l1": 0.5}, {"step": 2, "seconds": 2.0,
            "train_l1": 0.4, "held_out_fid": 3.0, "held_out_l1": 0.4}]  # fmt: skip
    draw_curves(rows, tmp_path / "c.png", features="cells")
    crop = tuple(np.zeros((n, 8, 8)) for n in (1, 2, 2))
    draw_examples([crop] * 2, tmp_path / "e.png", source=("phase",), target=("bright",))
    draw_examples([], tmp_path / "none.png", source=("phase",), target=("bright",))
    assert {p.name for p in tmp_path.iterdir()} == {"c.png", "e.png"}
