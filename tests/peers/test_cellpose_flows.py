"""Flows to cells and back by Cellpose's own dynamics, and its network in our loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

pytest.importorskip("cellpose", reason="the peer Cellpose is not installed")

from cellwright.evaluate.match import match
from cellwright.geometry import from_label_map
from cellwright.peers import packages
from cellwright.peers.cellpose_flows import FlowCodec, flows_of
from cellwright.synth import simulate_field
from cellwright.types import Instances

MAJOR = packages.version("cellpose")[0]
three = pytest.mark.skipif(MAJOR != 3, reason="Cellpose 4 has no CPnet; this needs Cellpose 3")


def answer(targets: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """What a perfect network says."""
    return {"flows": 5 * targets["flows"], "inside": 20 * targets["inside"] - 10}


def test_round_trip() -> None:
    field = simulate_field(1, shape=(96, 96), cells=8, overlap=0)
    codec = FlowCodec()
    targets = codec.encode(field.instances)
    found = codec.decode(answer(targets))
    assert match(field.instances, found, [0.9])[0].accuracy == 1
    assert targets["flows"].shape == (1, 2, 96, 96)
    length = targets["flows"].square().sum(dim=1).sqrt()
    assert length[targets["inside"] == 0].max() == 0
    assert length.max() <= 1 + 1e-5


def test_flows_point_to_the_middle_rows_first() -> None:
    labels = np.zeros((12, 30), np.int32)
    labels[2:11, 4:25] = 1
    flows = flows_of(labels)
    assert flows[0, 2, 14] > 0.5
    assert flows[0, 10, 14] < -0.5
    assert flows[1, 6, 5] > 0.5
    assert flows[1, 6, 23] < -0.5


def test_classes_have_their_own_flows() -> None:
    labels = np.zeros((24, 40), np.int32)
    labels[3:12, 3:15], labels[8:20, 20:34] = 1, 2
    two = from_label_map(labels)
    cells = Instances(two.shape, two.boxes, two.masks, None, [1, 0], ("cell", "nucleus"))
    codec = FlowCodec(("cell", "nucleus"))
    found = codec.decode(answer(codec.encode(cells)))
    assert sorted(found.classes.tolist()) == [0, 1]
    assert found.boxes[found.classes == 1].tolist() == [[3, 3, 12, 15]]


def test_nothing_gives_nothing() -> None:
    codec = FlowCodec()
    targets = codec.encode(Instances.empty((20, 24)))
    assert targets["flows"].shape == (1, 2, 20, 24)
    assert len(codec.decode(answer(targets))) == 0


def test_padding_is_cut_before_pixels_follow() -> None:
    field = simulate_field(2, shape=(64, 64), cells=4, overlap=0)
    codec = FlowCodec()
    outputs = answer(codec.encode(field.instances))
    found = codec.candidates(outputs, shape=(40, 50), padded=(64, 64))
    assert found.shape == (40, 50)


@pytest.mark.skipif(MAJOR == 3, reason="Cellpose 3 is installed")
def test_the_method_says_which_version_it_needs() -> None:
    from cellwright.zoo.builders import build

    with pytest.raises(packages.MissingPackage, match="Cellpose 3 is wanted.*pip install"):
        build("cellpose")


@three
def test_the_network_is_the_published_one() -> None:
    from cellwright.peers.cellpose_net import CellposeNet

    net = CellposeNet(2)
    assert sum(p.numel() for p in net.parameters() if p.requires_grad) == 6_600_843
    held = sum(v.numel() * v.element_size() for v in net.net.state_dict().values())
    assert held / 1e6 == pytest.approx(26.5, abs=0.15)  # the published file has 26.6 MB
    assert net.stride == 8
    assert sum(p.numel() for p in CellposeNet(1).parameters()) == 6_600_521


@three
def test_losses_are_those_of_the_package() -> None:
    from cellpose.train import _loss_fn_seg

    from cellwright.peers.cellpose_net import flow_losses

    torch.manual_seed(0)
    maps = torch.randn(2, 3, 16, 16)
    inside = (torch.rand(2, 1, 16, 16) > 0.5).float()
    flows = torch.randn(2, 2, 16, 16)
    label = torch.cat([inside, flows], dim=1).numpy()
    outputs = {"flows": maps[:, None, :2], "inside": maps[:, 2:]}
    ours = flow_losses(outputs, {"flows": flows[:, None], "inside": inside})
    theirs = _loss_fn_seg(label, maps, torch.device("cpu"))
    assert float(sum(ours.values())) == pytest.approx(float(theirs), rel=1e-5)


@three
def test_training_starts_from_published_weights(tmp_path: Path) -> None:
    from cellpose.resnet_torch import CPnet

    from cellwright.peers.cellpose_net import CellposeNet
    from cellwright.types import InputError

    torch.manual_seed(0)
    published = CPnet([2, 32, 64, 128, 256], 3, 3)
    published.save_model(tmp_path / "random")
    net = CellposeNet(1, weights=str(tmp_path / "random")).eval()
    image = torch.rand(1, 1, 32, 32)
    with torch.no_grad():
        theirs = published.eval()(torch.cat([image, torch.zeros_like(image)], dim=1))[0]
        ours = net(image)
    assert torch.equal(ours["flows"][:, 0], theirs[:, :2])
    two = CellposeNet(1, classes=2, weights=str(tmp_path / "random"))
    assert two(image)["inside"].shape == (1, 2, 32, 32)
    with pytest.raises(InputError, match="weights do not fit"):
        CellposeNet(1, widths=(4, 8), weights=str(tmp_path / "random"))
