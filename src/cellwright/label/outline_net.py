"""The cost of an outline from its tables: a small network that comes with the package.

Some 44,000 coefficients, fitted by ``benchmarks/outline_cost.py`` to nuclei (BBBC038 stage 1,
train part), phase-contrast cells (Usiigaci, train part) and simulated fields. Its answer is the
negative log probability of the outline's radius in each direction. NumPy alone computes it, in a
few milliseconds per cell, so that nothing else has to be loaded.
"""

from __future__ import annotations

import hashlib
import io
from functools import cache
from importlib import resources

import numpy as np

from cellwright.types import InputError

Weights = dict[str, np.ndarray]

#: Of ``outline_cost.npz``; benchmarks/outline_cost.py prints it when it writes the file.
SHA256 = "d23feaba7dcbb70eb05b25b61bcb6556f43e4e1f70a74e0d4fac0cb7c79581de"
#: What the coefficients were fitted to, and their licence.
TRAINED_ON = "BBBC038 stage 1, train part (CC0); Usiigaci, train part (MIT); simulated fields"
LICENCE = "BSD-3-Clause"


@cache
def outline_weights() -> Weights:
    """Coefficients by layer: (rows, columns, in, out) kernels and (out,) offsets, float32.

    Raises
    ------
    InputError
        If the file is not the one that came with the package.
    """
    content = (resources.files("cellwright.label") / "outline_cost.npz").read_bytes()
    if hashlib.sha256(content).hexdigest() != SHA256:
        raise InputError("outline_cost.npz is damaged: install cellwright again")
    with np.load(io.BytesIO(content)) as stored:
        return {name: stored[name].astype(np.float32) for name in stored.files}


def radius_cost(tables: np.ndarray, weights: Weights | None = None) -> np.ndarray:
    """(N, A, R) cost of each radius, from (N, C, A, R) tables; A and R are multiples of 4."""
    weights = outline_weights() if weights is None else weights
    fine = np.ascontiguousarray(tables.transpose(0, 2, 3, 1), dtype=np.float32)
    fine = _relu(_layer(fine, weights, "a"))
    fine = fine + _relu(_layer(fine, weights, "b"))
    half = _relu(_layer(_halved(fine), weights, "c"))
    half = half + _relu(_layer(half, weights, "d"))
    coarse = _halved(half)
    coarse = coarse + _relu(_layer(coarse, weights, "e"))
    coarse = coarse + _relu(_layer(coarse, weights, "f"))
    half = half + _doubled(coarse)
    half = half + _relu(_layer(half, weights, "g"))
    fine = fine + _doubled(_layer(half, weights, "h"))
    fine = fine + _relu(_layer(fine, weights, "i"))
    score = _layer(fine, weights, "o")[..., 0]
    top = score.max(axis=2, keepdims=True)
    return top + np.log(np.exp(score - top).sum(axis=2, keepdims=True)) - score


def _layer(x: np.ndarray, weights: Weights, name: str) -> np.ndarray:
    """Convolution; directions go round, the first and the last radius repeat."""
    kernel, offset = weights[f"{name}.kernel"], weights[f"{name}.offset"]
    high, wide, _, out = kernel.shape
    count, rows, cols, _ = x.shape
    if high == wide == 1:
        return x @ kernel[0, 0] + offset
    x = np.pad(x, ((0, 0), (high // 2, high // 2), (0, 0), (0, 0)), mode="wrap")
    x = np.pad(x, ((0, 0), (0, 0), (wide // 2, wide // 2), (0, 0)), mode="edge")
    total = np.empty((count, rows, cols, out), np.float32)
    total[:] = offset
    for i in range(high):
        for j in range(wide):
            total += x[:, i : i + rows, j : j + cols] @ kernel[i, j]
    return total


def _relu(x: np.ndarray) -> np.ndarray:
    return np.maximum(x, 0, out=x)


def _halved(x: np.ndarray) -> np.ndarray:
    """Mean of blocks of 2 x 2."""
    count, rows, cols, depth = x.shape
    return x.reshape(count, rows // 2, 2, cols // 2, 2, depth).mean(axis=(2, 4))


def _doubled(x: np.ndarray) -> np.ndarray:
    """Every value twice along directions and radii."""
    return x.repeat(2, axis=1).repeat(2, axis=2)
