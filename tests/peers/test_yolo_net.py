"""The networks of ultralytics under our contract."""

from __future__ import annotations

import numpy as np
import pytest
import torch

pytest.importorskip("ultralytics", reason="the peer ultralytics is not installed")

from cellwright.codecs.instances import cell_targets
from cellwright.geometry import from_masks
from cellwright.peers.yolo_net import YoloNet, _batch, covered
from cellwright.synth import simulate_field
from cellwright.types import InputError, Instances


def targets(*fields: Instances) -> dict[str, list[torch.Tensor]]:
    each = [cell_targets(field) for field in fields]
    return {name: [one[name] for one in each] for name in ("boxes", "classes", "crops")}


def test_parameters_are_those_of_the_published_model() -> None:
    net = YoloNet("yolov8", inputs=3, classes=80)
    assert sum(p.numel() for p in net.parameters()) == 3_409_968  # published: 3.4 million
    assert [int(s) for s in net.model.model[-1].stride] == [8, 16, 32]


def test_yolov5_has_its_own_layers_under_the_head_of_yolov8() -> None:
    five, eight = (YoloNet(name).model.model for name in ("yolov5", "yolov8"))
    assert type(five[-1]) is type(eight[-1])
    assert {"C3", "SPPF"} <= {type(part).__name__ for part in five[:10]}
    assert {"C2f", "SPPF"} <= {type(part).__name__ for part in eight[:10]}


@pytest.mark.parametrize("wrong", [{"family": "yolov9"}, {"scale": "q"}])
def test_unknown_networks_are_named(wrong: dict[str, str]) -> None:
    with pytest.raises(InputError, match="yolov8, yolov5 of sizes n, s"):
        YoloNet(**wrong)


def test_boxes_are_those_of_the_package() -> None:
    torch.manual_seed(0)
    net = YoloNet(inputs=2, classes=2).eval()
    images = torch.rand(1, 2, 64, 96)
    with torch.inference_mode():
        (decoded, _), raw = net.model(images)
        ours = net._boxes(raw)[0]
    middle, size = decoded[0, :2].T, decoded[0, 2:4].T
    theirs = torch.cat([middle - size / 2, middle + size / 2], dim=1)
    assert torch.allclose(ours, theirs, atol=1e-3)


def test_the_share_that_cells_cover() -> None:
    mask = np.zeros((8, 12), dtype=bool)
    mask[1:5, 2:10] = True
    cells = cell_targets(from_masks([mask]))
    share = covered(cells["boxes"], cells["crops"], (8, 12))
    expected = mask.reshape(2, 4, 3, 4).mean(axis=(1, 3))
    assert share.shape == (1, 2, 3)
    assert share[0].numpy() == pytest.approx(expected)


def test_targets_are_handed_over_as_the_package_wants_them() -> None:
    """Boxes as middle and size over the image, columns first; cells of both images in a row."""
    mask = np.zeros((16, 32), dtype=bool)
    mask[4:8, 8:24] = True
    none, one = Instances.empty((16, 32)), from_masks([mask])
    batch = _batch(targets(none, one), (16, 32), torch.device("cpu"))
    assert batch["batch_idx"].tolist() == [1]
    assert batch["cls"].tolist() == [0]
    assert batch["bboxes"].tolist() == [[0.5, 0.375, 0.5, 0.25]]
    assert batch["masks"][0].nonzero().tolist() == [[1, 2], [1, 3], [1, 4], [1, 5]]


def test_losses_of_a_truth_given_as_prediction_are_lower() -> None:
    """The order of axes and images: the same cells elsewhere must cost more."""
    torch.manual_seed(0)
    net = YoloNet().train()
    fields = [simulate_field(s, shape=(96, 96), cells=5, overlap=0) for s in (1, 2)]
    images = torch.stack([torch.from_numpy(f.image.stack().astype(np.float32)) for f in fields])
    images = images / images.amax(dim=(1, 2, 3), keepdim=True)
    right = targets(*(f.instances for f in fields))
    optimiser = torch.optim.AdamW(net.parameters(), lr=2e-3)
    for _ in range(25):
        optimiser.zero_grad()
        loss = sum(net.losses(images, right).values())
        loss.backward()
        optimiser.step()
    with torch.no_grad():
        fitted = {k: float(v) for k, v in net.losses(images, right).items()}
        swapped = {k: float(v) for k, v in net.losses(images.flip(0), right).items()}
    assert fitted["mask"] < 0.7 * swapped["mask"]
    assert fitted["class"] < swapped["class"]


def test_evaluation_losses_repeat_and_leave_statistics() -> None:
    torch.manual_seed(0)
    net = YoloNet().eval()
    field = simulate_field(3, shape=(64, 64), cells=4)
    batch = torch.rand(1, 1, 64, 64), targets(field.instances)
    before = {k: v.clone() for k, v in net.state_dict().items()}
    with torch.no_grad():
        first, second = net.losses(*batch), net.losses(*batch)
    assert first == second
    assert all(torch.equal(before[k], v) for k, v in net.state_dict().items())


def test_an_image_without_cells_and_of_one_window() -> None:
    net = YoloNet().train()
    with torch.no_grad():
        losses = net.losses(torch.rand(1, 1, 32, 32), targets(Instances.empty((32, 32))))
    assert all(torch.isfinite(v) for v in losses.values())
    assert float(losses["mask"]) == 0


def test_what_importing_the_package_replaces_is_put_back() -> None:
    import subprocess
    import sys

    code = (
        "import numpy, torch, PIL.Image as I; a = (torch.save, I.open, numpy.get_printoptions());"
        "from cellwright.peers.packages import ultralytics; ultralytics();"
        "assert a == (torch.save, I.open, numpy.get_printoptions())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "AGPL-3.0" in done.stderr


@pytest.mark.parametrize(("family", "total"), [("yolov8", 3_263_523), ("yolov5", 2_760_275)])
def test_totals_and_shapes_are_those_of_the_document(family: str, total: int) -> None:
    net = YoloNet(family).eval()
    assert sum(p.numel() for p in net.parameters()) == total
    with torch.no_grad():
        raw = net._raw(torch.rand(1, 1, 256, 256))
    assert raw["boxes"].shape == (1, 64, 1344)
    assert raw["mask_coefficient"].shape == (1, 32, 1344)
    assert raw["proto"].shape == (1, 32, 64, 64)
    assert [tuple(level.shape[1:]) for level in raw["feats"]] == [
        (64, 32, 32),
        (128, 16, 16),
        (256, 8, 8),
    ]
