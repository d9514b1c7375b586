"""The two widest levels of a `FastUNet` in bands of rows: the same maps with less memory and time.

At half the resolution the features of a frame of 15 megapixels take 360 MB per layer. Made whole,
each layer goes out to memory and comes back, in pages that the system must first clear; a band
stays in the processor's cache. Each pixel is the sum of the same products as in
`FastUNet.forward`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch
from torch import Tensor

from cellwright.nets.blocks import upsample

if TYPE_CHECKING:
    from cellwright.nets.fast_unet import FastUNet

#: pixels at half the resolution that a band has about
BAND_PIXELS = 3 * 2**16
#: rows of the widest level that are seen around a band, a multiple of 4: what the convolutions of
#: both levels reach
HALO = 4


def probabilities(net: FastUNet, images: Tensor) -> Tensor:
    """Sigmoid of the logits, float16 (image, outputs, row, column).

    Parameters
    ----------
    net
        In evaluation mode, of three levels or more.
    images
        (image, inputs, row, column); rows and columns are multiples of the network's stride.
    """
    count, _, rows, cols = images.shape
    half = rows // 2
    step = max(4, BAND_PIXELS // max(count * cols // 2, 1) // 4 * 4)
    bands = [(a, min(a + step, half)) for a in range(0, half, step)]
    second = _second(net, images, bands)
    deep = _deep(net, second)
    maps = torch.empty(count, net.head.out_channels // 4, rows, cols, dtype=torch.float16)
    # (image, output, row, row in fold, column, column in fold): the reverse of the fold
    folded = maps.view(count, -1, half, 2, cols // 2, 2)
    for a, b in bands:
        low, high = max(a - HALO, 0), min(b + HALO, half)
        fine = second[:, :, low // 2 : high // 2]
        x = net.join[1](upsample(net.carry[1](deep[:, :, low // 4 : high // 4])).add_(fine))
        x = net.join[0](upsample(net.carry[0](x)).add_(_stem(net, images, low, high)))
        logits = net.head(x[:, :, a - low : b - low]).float()
        seen = logits.sigmoid_().half().view(count, -1, 2, 2, b - a, cols // 2)
        folded[:, :, a:b] = seen.permute(0, 1, 4, 2, 5, 3)
    return maps


def _stem(net: FastUNet, images: Tensor, low: int, high: int) -> Tensor:
    """Rows `low` to `high` of the stem; the outermost lack what lies beyond them."""
    return net.stem(net.fold(images[:, :, 2 * low : 2 * high]))


def _second(net: FastUNet, images: Tensor, bands: list[tuple[int, int]]) -> Tensor:
    """The second level of the encoder, whole."""
    half = images.shape[2] // 2
    made: Tensor | None = None
    for a, b in bands:
        low = max(a - HALO, 0)
        x = net.down[0](_stem(net, images, low, min(b + HALO, half)))
        if made is None:
            size = (len(images), x.shape[1], half // 2, x.shape[3])
            made = torch.empty(size, dtype=x.dtype, memory_format=torch.channels_last)
        made[:, :, a // 2 : b // 2] = x[:, :, (a - low) // 2 : (b - low) // 2]
    assert made is not None
    return made


def _deep(net: FastUNet, second: Tensor) -> Tensor:
    """The third level of the decoder, from the second of the encoder."""
    skips = [net.down[1](second)]
    for block in net.down[2:]:
        skips.append(block(skips[-1]))
    x = skips.pop()
    for level in reversed(range(2, len(skips) + 2)):
        x = net.join[level](upsample(net.carry[level](x)).add_(skips.pop()))
    return x
