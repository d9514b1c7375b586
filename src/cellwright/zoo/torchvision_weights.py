"""Weights that torchvision publishes: fetched once, checked by the digits in their name.

The files are torchvision's (BSD-3-Clause). Our own code (BSD-3-Clause).
"""

from __future__ import annotations

import pickle
from pathlib import Path

import torch
from torch import Tensor

from cellwright.fetch import Weights, download
from cellwright.types import InputError


def published(record: Weights) -> dict[str, Tensor]:
    """The tensors of a file of torchvision's by name, downloaded unless it is in the cache.

    Parameters
    ----------
    record
        Its one file ends with the first digits of its SHA-256.

    Raises
    ------
    InputError
        It cannot be fetched or is damaged; the message says how to go on without.
    """
    file = record.files[0]
    otherwise = "or train from random weights: --option weights=none"
    try:
        fetched = download(file, record.folder)
    except InputError as error:
        raise InputError(f"{error}; put it into {record.folder}, {otherwise}") from error
    digits = Path(file.name).stem.rsplit("-", 1)[1]
    if not fetched.sha256.startswith(digits):
        raise InputError(
            f"{fetched.path} has the hash {fetched.sha256[:12]}..., its name says {digits}: it is "
            f"damaged or another file; delete it and try again, {otherwise}"
        )
    try:
        return dict(torch.load(fetched.path, map_location="cpu", weights_only=True))
    except (RuntimeError, EOFError, pickle.UnpicklingError) as error:
        raise InputError(f"{fetched.path} cannot be read: {error}; {otherwise}") from error


def for_inputs(kernels: Tensor, inputs: int) -> Tensor:
    """First kernels, (output, 3, row, column), for another number of input channels.

    Each channel gets the mean of the three, times 3 / inputs: a grey image in all channels
    is answered as before. Three channels keep their own.
    """
    if inputs == kernels.shape[1]:
        return kernels
    mean = kernels.mean(dim=1, keepdim=True) * (kernels.shape[1] / inputs)
    return mean.repeat(1, inputs, 1, 1)
