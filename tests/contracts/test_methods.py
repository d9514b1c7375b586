"""What every registered method must do: forward, backward, odd sizes, channels, save and load."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from cellwright.synth import simulate_field
from cellwright.types import Instances
from cellwright.zoo.builders import METHODS, build
from cellwright.zoo.checkpoint import ModelCard, load_model, save_model
from cellwright.zoo.method import DenseMethod

NAMES = [m.name for m in METHODS]
WIDTHS = (4, 8, 8)


@pytest.fixture(params=NAMES)
def method(request: pytest.FixtureRequest) -> DenseMethod:
    torch.manual_seed(0)
    return build(request.param, inputs=1, class_names=("cell",), widths=WIDTHS).eval()


def batch_of(method: DenseMethod, *truth: Instances) -> dict[str, torch.Tensor]:
    encoded = [method.codec.encode(t) for t in truth]
    return {k: torch.stack([e[k] for e in encoded]) for k in encoded[0]}


def test_names_are_unique_and_described() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(m.summary and m.paper and m.build.__doc__ for m in METHODS)


def test_losses_are_finite_and_reach_every_weight(method: DenseMethod) -> None:
    field = simulate_field(seed=1, shape=(64, 64), cells=4)
    image = torch.from_numpy(field.image.stack().astype(np.float32) / 65535)[None]
    method.train()
    losses = method.losses(image, batch_of(method, field.instances))
    total = torch.stack(list(losses.values())).sum()
    total.backward()
    assert torch.isfinite(total)
    assert all(v.ndim == 0 for v in losses.values())
    assert all(p.grad is not None and p.grad.isfinite().all() for p in method.net.parameters())


@pytest.mark.parametrize("cells", [0, 1])
def test_no_cell_and_one_cell(method: DenseMethod, cells: int) -> None:
    field = simulate_field(seed=2, shape=(64, 64), cells=cells)
    image = torch.zeros(1, 1, 64, 64)
    losses = method.losses(image, batch_of(method, field.instances))
    assert all(torch.isfinite(v) for v in losses.values())


@pytest.mark.parametrize("shape", [(64, 64), (61, 47), (5, 3), (1, 1)])
def test_any_size_gives_instances_of_that_size(method: DenseMethod, shape: tuple[int, int]) -> None:
    found = method.predict(torch.rand(2, 1, *shape))
    assert len(found) == 2
    assert all(isinstance(f, Instances) and f.shape == shape for f in found)


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("inputs", "classes"), [(2, ("cell",)), (4, ("cell", "nucleus"))])
def test_channels_and_classes(name: str, inputs: int, classes: tuple[str, ...]) -> None:
    method = build(name, inputs=inputs, class_names=classes, widths=WIDTHS).eval()
    found = method.predict(torch.rand(1, inputs, 32, 32))[0]
    assert found.class_names == classes


def test_batch_equals_single(method: DenseMethod) -> None:
    images = torch.rand(3, 1, 48, 48)
    with torch.inference_mode():
        together = method.probabilities(images)
        alone = torch.cat([method.probabilities(i[None]) for i in images])
    torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)


def test_save_and_load_give_equal_outputs(method: DenseMethod, tmp_path, request) -> None:
    name = request.node.callspec.params["method"]
    arguments = {"inputs": 1, "class_names": ["cell"], "widths": list(WIDTHS)}
    save_model(method, ModelCard(name, arguments, thresholds={"foreground": 0.3}), tmp_path)
    loaded, card = load_model(tmp_path)
    images = torch.rand(1, 1, 40, 40)
    with torch.inference_mode():
        assert torch.equal(loaded.probabilities(images), method.probabilities(images))
    assert loaded.codec.foreground == 0.3
    assert card.class_names == ("cell",)
    assert card.inputs == 1


def test_overfits_one_field() -> None:
    """A method that learns at all draws its training field after some steps."""
    from cellwright.evaluate.match import match

    torch.manual_seed(0)
    field = simulate_field(seed=3, shape=(64, 64), cells=5, overlap=0.0)
    image = torch.from_numpy(field.image.stack().astype(np.float32))
    image = ((image - image.min()) / (image.max() - image.min()))[None]
    method = build("unet-distance", widths=(8, 16, 32))
    targets = batch_of(method, field.instances)
    optimiser = torch.optim.AdamW(method.parameters(), lr=5e-3)
    for _ in range(60):
        loss = torch.stack(list(method.losses(image, targets).values())).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
    found = method.eval().predict(image)[0]
    counts = match(field.instances, found, [0.5])[0]
    assert counts.accuracy >= 0.8
