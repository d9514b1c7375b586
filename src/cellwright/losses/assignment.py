"""One-to-one assignment of queries to cells."""

from __future__ import annotations

import numpy as np
import torch
from scipy.optimize import linear_sum_assignment
from torch import Tensor


def hungarian(pairs: Tensor, *, maximise: bool = False) -> tuple[Tensor, Tensor]:
    """The one-to-one assignment of least total cost, or of most total similarity.

    P4 Eq. 4.12, solved by the Hungarian algorithm. P4 Eq. 4.10 takes the argmin of what it
    defines as a similarity (Eqs 4.11 and 4.13); that is a slip: ask for `maximise` there.

    Parameters
    ----------
    pairs
        (query, cell) cost of each pair, or its similarity; any device and dtype.
    maximise
        True where `pairs` holds similarities.

    Returns
    -------
    query, cell
        (pair,) int64 on the device of `pairs`, ordered by query; min(queries, cells) pairs.
        Where there are more cells than queries, the cells left over have none: those whose
        leaving costs least.

    Raises
    ------
    ValueError
        If `pairs` is not a matrix or holds a value that is not finite.

    Examples
    --------
    >>> [index.tolist() for index in hungarian(torch.tensor([[5.0, 1.0], [1.0, 0.0]]))]
    [[0, 1], [1, 0]]
    """
    if pairs.ndim != 2:
        raise ValueError(f"pairs of shape {tuple(pairs.shape)} came: (query, cell) is wanted")
    matrix = pairs.detach().to(device="cpu", dtype=torch.float64).numpy()
    if not np.isfinite(matrix).all():
        raise ValueError(
            "the pairs of queries and cells hold values that are not finite: "
            "the network's outputs have overflowed; lower the learning rate"
        )
    query, cell = linear_sum_assignment(matrix, maximize=maximise)
    return torch.from_numpy(query).to(pairs.device), torch.from_numpy(cell).to(pairs.device)
