"""Prediction without normalisations gives the maps of the network with them."""

import pytest
import torch
from torch import nn

from cellwright.nets.fast_unet import FastUNet
from cellwright.nets.folded_norm import without_norms
from cellwright.nets.unet import UNet


@pytest.mark.parametrize("net", [FastUNet(2, 3, widths=(4, 8, 8)), UNet(2, 3, widths=(4, 8))])
def test_same_maps(net: nn.Module) -> None:
    torch.manual_seed(0)
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            nn.init.uniform_(module.weight, 0.5, 2)
            nn.init.normal_(module.bias)
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
    folded = without_norms(net)
    image = torch.randn(1, 2, 32, 48)
    with torch.inference_mode():
        torch.testing.assert_close(folded(image), net.eval()(image), rtol=1e-4, atol=1e-4)
    assert not any(isinstance(m, nn.BatchNorm2d) for m in folded.modules())


def test_the_network_itself_is_left_as_it_was() -> None:
    net = FastUNet(1, 1, widths=(4, 8)).train()
    without_norms(net)
    assert net.training
    assert any(isinstance(m, nn.BatchNorm2d) for m in net.modules())


def test_a_norm_elsewhere_stays() -> None:
    net = nn.Sequential(nn.Conv2d(1, 2, 1), nn.ReLU(), nn.BatchNorm2d(2))
    assert isinstance(without_norms(net)[2], nn.BatchNorm2d)
