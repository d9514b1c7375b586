"""What every registered method must do: forward, backward, odd sizes, channels, save and load."""

from __future__ import annotations

import inspect
from typing import Any

import numpy as np
import pytest
import torch

from cellwright.codecs.instances import RAGGED
from cellwright.synth import simulate_field
from cellwright.train.batches import collate
from cellwright.train.frames import Frames, ragged_targets
from cellwright.types import InputError, Instances, Sample
from cellwright.zoo.builders import METHODS, build, entry
from cellwright.zoo.checkpoint import ModelCard, load_model, save_model
from cellwright.zoo.method import DenseMethod, Normalisation

NAMES = [m.name for m in METHODS]
WIDTHS = (4, 8, 8)

#: a registered method without an entry here is built with small widths
SMALL: dict[str, dict[str, Any]] = {
    "unet-deep-ensemble": {"widths": WIDTHS, "members": {"a": 1, "b": 0}},
    "maskrcnn": {
        "backbone": "resnet18",
        "channels": 16,
        "hidden": 16,
        "proposals": 30,
        "detections": 10,
        "box_samples": 16,
    },
    "centermask-v19-slim-dw": {"channels": 16, "convs": 1, "detections": 10, "mask_boxes": 8},
    "centermask-v99": {
        "backbone": "v19-slim-dw",
        "channels": 16,
        "convs": 1,
        "detections": 10,
        "mask_boxes": 8,
    },
    "sparse-seunet": {"widths": WIDTHS, "queries": 8},
    "sparse-seunet-multilevel": {"widths": WIDTHS, "queries": 8},
    "sparse-seunet-overlap": {"widths": WIDTHS, "queries": 8},
    "sparse-seunet-objectness": {"widths": WIDTHS, "queries": 8},
    "iaunet": {"widths": WIDTHS, "queries": 8, "dim": 16, "heads": 2, "blocks": 3},
    "yolov8-seg": {"detections": 10},
    "yolov5-seg": {"detections": 10},
}

#: methods that learn nuclei too: the class must be there
NEED_NUCLEI = ("seunet-4channel", "seunet-2head", "seunet-4head")


def small(name: str) -> dict[str, Any]:
    """Options of the small form of method `name`."""
    return dict(SMALL.get(name, {"widths": WIDTHS}))


def classes(name: str) -> tuple[str, ...]:
    """Class names the method can be built with."""
    return ("cell", "nucleus") if name in NEED_NUCLEI else ("cell",)


@pytest.fixture(params=NAMES)
def name(request: pytest.FixtureRequest) -> str:
    return request.param


def made(name: str, **more: Any) -> Any:
    """The small form of a method with fresh weights; skipped where a peer is not installed."""
    torch.manual_seed(0)
    arguments = {"inputs": 1, "class_names": classes(name), **small(name), **more}
    try:
        return build(name, **arguments).eval()
    except InputError as error:
        if "pip install" in str(error):
            pytest.skip(str(error))
        raise


def field(name: str, *, cells: int = 4, seed: int = 1, overlap: float = 0.5) -> Sample:
    nuclei = "nucleus" in classes(name)
    return simulate_field(
        seed=seed, shape=(64, 64), cells=cells, overlap=overlap if cells > 1 else 0, nuclei=nuclei
    )


def batch_of(method: Any, *samples: Sample) -> tuple[torch.Tensor, dict[str, Any]]:
    """Images and targets as a training would make them of whole frames."""
    member_of = (lambda tags: 0) if hasattr(method, "member_of") else None
    frames = Frames(samples, codec=method.codec, normalisation=Normalisation(), member_of=member_of)
    crops = []
    for number in range(len(frames)):
        frame = frames[number]
        maps = {k: torch.from_numpy(v).float() for k, v in frame.maps.items()}
        encoded = maps if frame.cells is None else method.codec.encode(frame.cells)
        crops.append((torch.from_numpy(frame.image), {**encoded, **frame.whole}))
    return collate(crops, ragged=ragged_targets(method.codec))


def total(losses: dict[str, torch.Tensor]) -> torch.Tensor:
    return torch.stack(list(losses.values())).sum()


def outputs(method: Any, images: torch.Tensor) -> list[torch.Tensor]:
    """What the network says, as tensors to compare."""
    with torch.inference_mode():
        if isinstance(method, DenseMethod):
            return [method.probabilities(images)]
        found = method.candidates(images)
    return [torch.tensor([len(f), *f.areas.tolist(), *f.scores.tolist()]) for f in found]


def test_names_are_unique_and_described() -> None:
    assert len(set(NAMES)) == len(NAMES)
    assert all(m.summary and m.paper and m.build.__doc__ for m in METHODS)
    assert set(SMALL) <= set(NAMES)


def test_every_option_has_a_default_and_a_name_of_its_own(name: str) -> None:
    parameters = inspect.signature(entry(name).build).parameters
    assert {"inputs", "class_names"} <= set(parameters)
    assert all(p.kind is p.KEYWORD_ONLY for p in parameters.values())
    assert all(p.default is not p.empty for p in parameters.values())


def test_an_unknown_option_is_named() -> None:
    with pytest.raises(InputError, match="has no option colour; it has .*widths"):
        build("unet-bce", colour=3)


def test_losses_are_finite_and_reach_every_weight(name: str) -> None:
    method = made(name).train()
    images, targets = batch_of(method, field(name), field(name, seed=2))
    losses = method.losses(images, targets)
    total(losses).backward()
    assert all(v.ndim == 0 and torch.isfinite(v) for v in losses.values())
    trained = [(n, p) for n, p in method.net.named_parameters() if p.requires_grad]
    others = "members.1" if hasattr(method, "member_of") else None
    unreached = [n for n, p in trained if p.grad is None and not (others and n.startswith(others))]
    assert trained
    assert not unreached
    assert all(p.grad.isfinite().all() for _, p in trained if p.grad is not None)


@pytest.mark.parametrize("cells", [0, 1])
@pytest.mark.parametrize("training", [True, False])
def test_no_cell_and_one_cell(name: str, cells: int, training: bool) -> None:
    method = made(name).train(training)
    losses = method.losses(*batch_of(method, field(name, cells=cells), field(name, seed=3)))
    assert all(torch.isfinite(v) for v in losses.values())
    alone = made(name)
    losses = alone.losses(*batch_of(alone, field(name, cells=cells)))
    assert all(torch.isfinite(v) for v in losses.values())


def test_unknown_cells_teach_nothing(name: str) -> None:
    """What a region tagged ``iscrowd`` hides, one cell or another or none, makes no difference."""
    method, sample = made(name), field(name)
    cells = sample.instances
    whole = np.ones(cells.shape, bool)
    crowd = Instances(cells.shape, [(0, 0, 64, 64)], [whole], class_names=cells.class_names)
    hidden = [
        Instances(c.shape, c.boxes, c.masks, None, c.classes, c.class_names, tags)
        for c in (crowd, Instances.concatenate([crowd, cells]))
        for tags in [({"iscrowd": True},) * len(c)]
    ]
    batches = [batch_of(method, sample.with_instances(one)) for one in hidden]
    with torch.no_grad():
        one, two = (method.losses(*batch) for batch in batches)
    assert all(torch.equal(one[k], two[k]) and torch.isfinite(one[k]) for k in one)
    if isinstance(method, DenseMethod):
        assert float(total(one)) == pytest.approx(0, abs=1e-5)
    else:
        assert len(batches[0][1]["boxes"][0]) == 0


def test_more_cells_than_it_can_answer(name: str) -> None:
    method = made(name)
    capacity = getattr(method.codec, "capacity", None)
    if not capacity:
        pytest.skip("answers any number of cells")
    options = inspect.signature(entry(name).build).parameters
    few = made(name, **{"queries" if "queries" in options else "detections": 3})
    assert few.codec.capacity == 3
    losses = few.losses(*batch_of(few, field(name, cells=6)))
    assert torch.isfinite(total(losses))
    assert len(few.predict(torch.rand(1, 1, 64, 64))[0]) <= 3


def test_losses_without_training_are_the_same_twice(name: str) -> None:
    """The validation loss must not depend on chance, nor change the network."""
    method = made(name)
    before = {k: v.clone() for k, v in method.net.state_dict().items()}
    batch = batch_of(method, field(name))
    with torch.no_grad():
        one, two = method.losses(*batch), method.losses(*batch)
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert all(torch.equal(v, before[k]) for k, v in method.net.state_dict().items())
    assert not method.training


@pytest.mark.parametrize("shape", [(64, 64), (61, 47), (5, 3), (1, 1)])
def test_any_size_gives_instances_of_that_size(name: str, shape: tuple[int, int]) -> None:
    found = made(name).predict(torch.rand(2, 1, *shape))
    assert len(found) == 2
    assert all(isinstance(f, Instances) and f.shape == shape for f in found)


@pytest.mark.parametrize("inputs", [2, 3, 4])
def test_channels(name: str, inputs: int) -> None:
    method = made(name, inputs=inputs)
    assert method.predict(torch.rand(1, inputs, 64, 64))[0].shape == (64, 64)


def test_two_classes(name: str) -> None:
    two = classes(name) if len(classes(name)) == 2 else ("alive", "dead")
    method = made(name, class_names=two)
    assert method.predict(torch.rand(1, 1, 64, 64))[0].class_names == two
    sample = field(name)
    cells = sample.instances
    if "nucleus" not in two:
        kinds = np.arange(len(cells)) % 2
        cells = Instances(cells.shape, cells.boxes, cells.masks, None, kinds, two)
    losses = method.losses(*batch_of(method, sample.with_instances(cells)))
    assert torch.isfinite(total(losses))


def test_batch_equals_single(name: str) -> None:
    method = made(name)
    images = torch.rand(3, 1, 64, 64)
    if isinstance(method, DenseMethod):
        with torch.inference_mode():
            together = method.probabilities(images)
            alone = torch.cat([method.probabilities(i[None]) for i in images])
        torch.testing.assert_close(together, alone, rtol=1e-4, atol=1e-5)
        return
    together, alone = method.candidates(images), [method.candidates(i[None])[0] for i in images]
    for one, other in zip(together, alone, strict=True):
        assert abs(len(one) - len(other)) <= max(1, 0.02 * len(one))
        assert abs(int(one.areas.sum()) - int(other.areas.sum())) <= 0.02 * one.areas.sum() + 8


def test_save_and_load_give_equal_outputs(name: str, tmp_path) -> None:
    method = made(name)
    arguments = {"inputs": 1, "class_names": list(classes(name)), **small(name)}
    first, values = next(iter(type(method.codec).grid.items()))
    other = next(v for v in values if v != getattr(method.codec, first))
    save_model(method, ModelCard(name, arguments, thresholds={first: other}), tmp_path)
    loaded, card = load_model(tmp_path)
    images = torch.rand(1, 1, 40, 40)
    for one, two in zip(outputs(loaded, images), outputs(method, images), strict=True):
        assert torch.equal(one, two)
    assert getattr(loaded.codec, first) == other
    assert card.class_names == classes(name)
    assert card.inputs == 1
    assert not loaded.training


def test_targets_of_single_cells_are_crops(name: str) -> None:
    """No target has cells x rows x columns of the frame."""
    method = made(name)
    if not ragged_targets(method.codec):
        pytest.skip("its targets are maps")
    assert set(ragged_targets(method.codec)) >= set(RAGGED)
    encoded = method.codec.encode(field(name).instances)
    assert encoded["crops"].shape[0] == len(encoded["boxes"]) == 4
    assert encoded["crops"].shape[1] < 48
