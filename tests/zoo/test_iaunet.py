"""IAUNet as a method: options, weights, learning, and the totals of docs/networks/iaunet.md."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn
from torchvision.models import resnet18

from cellwright.nets.encoders import ResNetEncoder
from cellwright.synth import simulate_field
from cellwright.types import InputError
from cellwright.zoo.iaunet import ENTRIES, ORIGINAL, iaunet, start_from

SMALL = {"widths": (4, 8, 8, 8), "dim": 8, "heads": 2, "queries": 12}
DOCUMENT = Path(__file__).parents[2] / "docs/networks/iaunet.md"


def parts(net: nn.Module) -> dict[str, int]:
    return {n: sum(p.numel() for p in part.parameters()) for n, part in net.named_children()}


def test_totals_are_those_of_the_document() -> None:
    text = DOCUMENT.read_text(encoding="utf-8")
    with torch.device("meta"):
        original = parts(iaunet(inputs=3, **ORIGINAL).net)
        ours = parts(iaunet().net)
        large = parts(iaunet(inputs=3, **{**ORIGINAL, "light": False, "start": "peaks"}).net)
    assert original == {
        "encoder": 23_508_032,
        "decoder": 6_193_852,
        "levels": 9_480_960,
        "start": 51_200,
        "norm": 512,
        "classes": 514,
        "kernel": 66_049,
    }
    for totals in (original, ours, large):
        assert f"{sum(totals.values()):,}" in text
        assert all(f"{n:,}" in text for n in totals.values() if n > 1000)


def test_shapes_are_those_of_the_document() -> None:
    with torch.device("meta"):
        net = iaunet(inputs=3, **ORIGINAL).net.eval()
        stages = net.encoder(torch.zeros(1, 3, 512, 512))
        levels, features = net.decoder(stages)
    sizes = [tuple(x.shape[1:]) for x in (*stages, *levels, features)]
    assert sizes == [
        (256, 128, 128), (512, 64, 64), (1024, 32, 32), (2048, 16, 16),
        (256, 16, 16), (256, 32, 32), (256, 64, 64), (256, 128, 128),
    ]  # fmt: skip
    text = DOCUMENT.read_text(encoding="utf-8")
    assert all(f"{c} x {r} x {w}" in text for c, r, w in sizes)


def test_every_choice_is_checked() -> None:
    for options, word in (
        ({"encoder": "vgg"}, "encoder=vgg"),
        ({"weights": "coco"}, "weights=coco"),
        ({"weights": "imagenet"}, "compact encoder has no published weights"),
    ):
        with pytest.raises(InputError, match=word):
            iaunet(**options)
    assert ENTRIES[0].name == "iaunet"
    assert (
        iaunet(queries=7, **{k: v for k, v in SMALL.items() if k != "queries"}).codec.capacity == 7
    )


def test_weights_of_torchvision_fill_the_encoder() -> None:
    torch.manual_seed(0)
    published = resnet18(weights=None).state_dict()
    encoder = ResNetEncoder(1, name="resnet18")
    start_from(published, encoder)
    state = encoder.body.state_dict()
    assert torch.equal(state["layer3.1.conv2.weight"], published["layer3.1.conv2.weight"])
    grey = published["conv1.weight"].sum(1, keepdim=True)
    torch.testing.assert_close(state["conv1.weight"], grey)
    del published["layer1.0.bn1.running_var"]
    with pytest.raises(InputError, match=r"layer1\.0\.bn1\.running_var"):
        start_from(published, encoder)
    with pytest.raises(InputError, match="another ResNet"):
        start_from(resnet18(weights=None).state_dict(), ResNetEncoder(1, name="resnet50"))


@pytest.mark.parametrize("more", [{}, {"start": "learned", "placed": False, "light": True}])
def test_losses_fall_and_reach_every_weight(more: dict[str, object]) -> None:
    torch.manual_seed(0)
    method = iaunet(**SMALL, **more).train()
    sample = simulate_field(seed=1, shape=(64, 64), cells=4, overlap=0.5)
    targets = {k: [v] for k, v in method.codec.encode(sample.instances).items()}
    image = torch.from_numpy(sample.image.data.astype("float32"))[None, None]
    image = image / image.max()
    learner = torch.optim.AdamW(method.parameters(), lr=5e-3)
    seen = []
    for _ in range(12):
        total = sum(method.losses(image, targets).values())
        learner.zero_grad()
        total.backward()
        assert all(p.grad is not None for p in method.parameters())
        learner.step()
        seen.append(float(total.detach()))
    assert seen[-1] < 0.7 * seen[0]
