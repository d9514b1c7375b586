"""What tells cells from background in an image: their brightness or their texture."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

FOREGROUNDS = ("auto", "bright", "dark", "texture")


def guess_foreground(image: np.ndarray) -> str:
    """``"bright"``, ``"dark"`` or ``"texture"``, judged by the histogram.

    Fluorescence has a narrow dark background and a long bright tail, an absorbing
    stain the reverse; phase contrast and bright field spread to both sides of the
    background. The tails are measured from the mode of the smoothed image to its
    0.5 % and 99.5 % quantiles.

    Parameters
    ----------
    image
        (row, column) float.
    """
    smooth = ndimage.gaussian_filter(np.asarray(image, np.float32), 1.0)
    low, high = (float(q) for q in np.quantile(smooth, (0.005, 0.995)))
    if high <= low:
        return "bright"
    counts, edges = np.histogram(smooth, bins=64, range=(low, high))
    counts = ndimage.gaussian_filter1d(counts.astype(float), 1.5)
    mode = edges[int(counts.argmax())] + (edges[1] - edges[0]) / 2
    place = (mode - low) / (high - low)
    if place < 0.35:
        return "bright"
    return "dark" if place > 0.75 else "texture"
