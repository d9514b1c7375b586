"""The typical diameter of the cells of an image."""

from __future__ import annotations

import numpy as np


def typical_diameter(areas: np.ndarray) -> float | None:
    """Diameter in pixels of a disc as large as the cell that the middle pixel of all cells is of.

    Half of all pixels of cells lie in smaller cells, half in larger ones: debris and pieces of
    cells, many but small, hardly count. None of no cells.

    Examples
    --------
    >>> round(typical_diameter(np.array([100, 314, 20, 20])), 1)
    20.0
    """
    if not len(areas):
        return None
    areas = np.sort(areas)
    total = np.cumsum(areas)
    return float(np.sqrt(4 / np.pi * areas[np.searchsorted(total, total[-1] / 2)]))
