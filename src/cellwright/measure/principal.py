"""Principal components of rows of features: where data sets lie (P3, Figs 1 and 2)."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.types import InputError


@dataclass(frozen=True, slots=True)
class Principal:
    """Places along the components of most variance.

    Parameters
    ----------
    places
        (row, component) float64, centred; the component of most variance first.
    shares
        (component,) share of the whole variance that each explains.
    """

    places: np.ndarray
    shares: np.ndarray


def principal_components(features: np.ndarray, count: int = 2) -> Principal:
    """The rows of `features` on their `count` components of most variance.

    A component points to where the largest of its weights is positive, so that the same features
    give the same picture on every machine. Without variance all places are 0.

    Parameters
    ----------
    features
        (row, feature), finite; two rows at least.
    count
        Components; those beyond the number of rows or features are 0.

    Examples
    --------
    >>> found = principal_components(np.array([[0.0, 0.0], [1.0, 2.0], [2.0, 4.0]]))
    >>> found.places.round(3)[:, 0].tolist(), found.shares.round(3).tolist()
    ([-2.236, 0.0, 2.236], [1.0, 0.0])
    """
    rows = np.asarray(features, dtype=np.float64)
    if rows.ndim != 2 or len(rows) < 2:
        raise InputError(f"features of shape {rows.shape} came: two rows at least are wanted")
    if not np.isfinite(rows).all():
        raise InputError("features that are not finite came: look for such pixels in the images")
    centred = rows - rows.mean(axis=0)
    left, sizes, right = np.linalg.svd(centred, full_matrices=False)
    kept = min(count, len(sizes))
    signs = np.ones(len(sizes))
    for k in range(kept):
        signs[k] = 1.0 if right[k, np.argmax(np.abs(right[k]))] >= 0 else -1.0
    places = np.zeros((len(rows), count))
    places[:, :kept] = (left * sizes * signs)[:, :kept]
    whole = float((sizes**2).sum())
    shares = np.zeros(count)
    # Differences of the size of rounding are no variance.
    if whole > 1e-18 * max(float((rows**2).sum()), 1e-300):
        shares[:kept] = (sizes**2 / whole)[:kept]
    else:
        places[:] = 0.0
    return Principal(places, shares)
