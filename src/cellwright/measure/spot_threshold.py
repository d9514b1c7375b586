"""Which spots are signals: a threshold per channel from the responses themselves.

Noise has very many weak maxima whose number falls as ``exp(-b v**2)`` with the response v (peaks
of a smooth Gaussian field); signals have few strong ones. The tail of the noise is fitted on the
weaker spots and gives the least threshold, which one in a thousand of its maxima passes. From
there the threshold moves up into the valley before the signals, if there is one.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import ndimage

from cellwright.measure.spots import FLOOR

#: with fewer spots than this the noise is taken to be Gaussian, and its tail is not fitted
_LEAST_SPOTS = 200
_FALSE = 1e-3
_GAUSSIAN = 5.5
_LEAST, _MOST = 4.0, 12.0
_BINS = 40
_FEW_SIGNALS = 20


@dataclass(frozen=True, slots=True, eq=False)
class Threshold:
    """The threshold of one channel and what it was chosen by.

    Parameters
    ----------
    value
        Responses above it are signals, in standard deviations of the noise.
    least
        Where the noise ends: what it could have been at least.
    edges, counts
        Histogram of the responses; edges grow by equal factors.
    given
        Whether somebody set it by hand.
    """

    value: float
    least: float
    edges: np.ndarray
    counts: np.ndarray
    given: bool = False


def signal_threshold(values: np.ndarray, *, given: float | None = None) -> Threshold:
    """Threshold between noise and signals.

    Parameters
    ----------
    values
        Responses of all spots of a channel in the nuclei, in standard deviations of the noise.
    given
        A threshold set by hand, taken as it is.

    Returns
    -------
    Threshold
        4 at least.
    """
    values = np.asarray(values, float)
    values = values[values > 0]
    top = max(float(values.max(initial=0.0)), 4 * _GAUSSIAN)
    edges = np.geomspace(1.0, top * 1.001, 61)
    counts = np.histogram(values, edges)[0]
    least = _noise_end(values)
    if given is not None:
        return Threshold(float(given), least, edges, counts, True)
    return Threshold(_valley(values, least), least, edges, counts)


def _noise_end(values: np.ndarray) -> float:
    """Response that one in a thousand maxima of the noise passes."""
    values = values[values >= FLOOR]
    if len(values) < _LEAST_SPOTS:
        return _GAUSSIAN
    square, floor = np.sort(values) ** 2, FLOOR**2
    # Signals are among the values, so the first guess is made of the weaker ones alone; what lies
    # above the guess is then left out, until the guess stays.
    spread = (square[int(0.3 * len(square))] - floor) / -np.log(0.7)
    for _ in range(20):
        end = floor + spread * -np.log(_FALSE)
        kept = square[: np.searchsorted(square, end)]
        before, spread = spread, (kept[len(kept) // 2] - floor) / np.log(2.0)
        if abs(spread - before) < 1e-3 * before:
            break
    return float(np.clip(np.sqrt(floor + spread * -np.log(_FALSE)), _LEAST, _MOST))


def _valley(values: np.ndarray, least: float) -> float:
    """The emptiest place between the end of the noise and the middle of the signals."""
    signals = values[values > least]
    if len(signals) < _FEW_SIGNALS:
        return least
    high = float(np.median(signals))
    edges = np.geomspace(least, max(high, 1.05 * least), _BINS + 1)
    counts = np.histogram(signals, edges)[0].astype(float)
    smooth = ndimage.gaussian_filter1d(counts, 2.0, mode="nearest")
    lowest = np.flatnonzero(smooth <= smooth.min() + 0.02 * smooth.max())
    run = lowest[: int(np.argmax(np.diff(lowest, append=lowest[-1] + 2) > 1)) + 1]
    at = float(run.mean())
    return float(np.exp(np.interp(at + 0.5, np.arange(_BINS + 1), np.log(edges))))
