"""Fréchet distance between two sets of features, what FID is made of.

Source: Heusel et al. 2017, "GANs trained by a two time-scale update rule converge to a local Nash
equilibrium", arXiv 1706.08500, Eq. 6; computed by torchmetrics (Apache-2.0).
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.types import InputError


def frechet(first: Any, second: Any) -> float:
    """``|m1 - m2|^2 + tr(C1 + C2 - 2 (C1 C2)^0.5)`` of the means and covariances of features.

    0 where both sets have the same mean and covariance. The figure of few samples is too large,
    by more the fewer they are (Chong, Forsyth 2020, arXiv 1911.07023): compare figures of equal
    numbers only, and use many more samples than there are features where you can.

    Parameters
    ----------
    first, second
        (sample, feature) arrays with the same features; two samples at least of each.

    Returns
    -------
    float
        Not negative.

    Raises
    ------
    InputError
        For fewer samples, other features, or values that are not finite.

    Examples
    --------
    >>> a = np.array([[0.0], [2.0]])
    >>> round(frechet(a, a + 3), 6)
    9.0
    """
    one, other = (np.asarray(a, dtype=np.float64) for a in (first, second))
    if one.ndim != 2 or other.ndim != 2 or one.shape[1] != other.shape[1]:
        raise InputError(
            f"features of shapes {one.shape} and {other.shape} came: (sample, feature) with the "
            "same features is wanted"
        )
    if min(len(one), len(other)) < 2 or not one.shape[1]:
        raise InputError(
            f"{len(one)} and {len(other)} samples of {one.shape[1]} features came: two samples "
            "of one feature at least are wanted; cut more crops"
        )
    if not (np.isfinite(one).all() and np.isfinite(other).all()):
        raise InputError("features that are not finite came: look for such pixels in the images")
    import torch
    from torchmetrics.image.fid import FrechetInceptionDistance

    class Same(torch.nn.Module):
        """What comes in are features already."""

        num_features = one.shape[1]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return x

    # About their common mean: sums of squares lose fewer digits there.
    middle = np.concatenate([one, other]).mean(axis=0)
    metric = FrechetInceptionDistance(Same(), normalize=True).set_dtype(torch.float64)
    metric.update(torch.from_numpy(one - middle), real=True)
    metric.update(torch.from_numpy(other - middle), real=False)
    return max(float(metric.compute()), 0.0)
