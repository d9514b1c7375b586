"""The fast U-Net: shapes, stride, reach, size."""

from pathlib import Path

import pytest
import torch
from torch import nn

from cellwright.nets import bands
from cellwright.nets.fast_unet import FastUNet

DOCUMENT = Path(__file__).parents[2] / "docs/networks/unet_fast.md"


@pytest.mark.parametrize("shape", [(32, 32), (64, 96)])
def test_full_resolution(shape: tuple[int, int]) -> None:
    net = FastUNet(3, 2, widths=(4, 4, 8)).eval()
    assert net.stride == 8
    assert net(torch.zeros(2, 3, *shape)).shape == (2, 2, *shape)


def test_nothing_of_the_image_is_thrown_away_at_the_fold() -> None:
    net = FastUNet(1, 1, widths=(4,))
    image = torch.arange(16.0).reshape(1, 1, 4, 4)
    assert torch.equal(net.unfold(net.fold(image)), image)


def test_default_size() -> None:
    net = FastUNet(1, 3, widths=(24, 48, 64, 96, 96))
    total = sum(p.numel() for p in net.parameters())
    assert total == 568_180
    assert f"**{total:,}** parameters" in DOCUMENT.read_text(encoding="utf-8")
    assert net.stride == 32


@pytest.mark.parametrize("widths", [(4,), (4, 6), (4, 6, 8), (4, 6, 8, 8, 10)])
@pytest.mark.parametrize("shape", [(2, 1, 96, 64), (1, 3, 32, 160)])
def test_in_bands_of_any_height_the_maps_are_the_same(
    monkeypatch: pytest.MonkeyPatch, widths: tuple[int, ...], shape: tuple[int, ...]
) -> None:
    torch.manual_seed(0)
    net = FastUNet(shape[1], 3, widths=widths).eval()
    images = torch.randn(shape)
    with torch.inference_mode():
        expected = net(images).sigmoid()
        for pixels in (1, 16 * shape[0] * shape[3], 2**20):
            monkeypatch.setattr(bands, "BAND_PIXELS", pixels)
            found = net.probabilities(images)
            assert found.dtype == torch.float16
            torch.testing.assert_close(found.float(), expected, atol=1e-3, rtol=0)


def test_a_window_with_the_halo_of_prediction_sees_what_the_frame_shows() -> None:
    """No pixel reaches further than the default halo of 128."""
    torch.manual_seed(0)
    net = FastUNet(1, 1, widths=(2, 2, 2, 2, 2)).eval()
    for module in net.modules():
        if isinstance(module, nn.Conv2d):
            nn.init.constant_(module.weight, 0.1)
    image = torch.ones(1, 1, 512, 512, requires_grad=True)
    net(image)[0, 0, 256, 256].backward()
    rows = torch.nonzero(image.grad[0, 0].abs().sum(1)).flatten()
    assert len(rows)
    assert max(256 - int(rows.min()), int(rows.max()) - 256) <= 128


@pytest.mark.parametrize("widths", [(), (0, 4)])
def test_widths_that_cannot_be(widths: tuple[int, ...]) -> None:
    with pytest.raises(ValueError, match="positive number per level"):
        FastUNet(1, 1, widths=widths)
