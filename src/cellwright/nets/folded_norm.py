"""Batch normalisation folded into the convolution before it, for prediction.

A trained normalisation is a factor and an offset for each channel, which the convolution's own
weights and bias can carry: the same maps up to rounding, with one pass over memory less.
"""

from __future__ import annotations

import copy
from itertools import pairwise

from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_eval


def without_norms(net: nn.Module) -> nn.Module:
    """A copy of `net` in evaluation mode whose normalisations behind convolutions are gone.

    Those inside an `nn.Sequential`, right behind their convolution, are folded; others stay.
    """
    net = copy.deepcopy(net).eval()
    for chain in [m for m in net.modules() if isinstance(m, nn.Sequential)]:
        for (before, convolution), (here, norm) in pairwise(list(chain.named_children())):
            if isinstance(convolution, nn.Conv2d) and isinstance(norm, nn.BatchNorm2d):
                chain._modules[before] = fuse_conv_bn_eval(convolution, norm)
                chain._modules[here] = nn.Identity()
    return net
