"""Each cell called normal, gain, deletion or CAC by a rule, or not called at all and why."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from cellwright.measure.fish_rule import CAC, DELETION, GAIN, NORMAL, Rule
from cellwright.measure.shapes import axes_of_ellipse, convex_area, moments
from cellwright.types import Instances

NOT_CALLED = "not called"
#: why a cell is not called, in words
AT_BORDER = "cut by the frame's border"
MERGED = "looks like two nuclei in one"
SMALL = "too small for a nucleus"
SILENT = "no signal of any probe"
#: area, relative to the median of the whole nuclei, from which a cell may be two, or is a piece
_TWO, _FAR_TWO, _SMALL_TWO, _PIECE = 1.45, 2.6, 1.1, 0.3
# Solidity below the usual that makes a waist: this many robust deviations, and at least so much.
_WAIST, _LEAST_WAIST = 4.0, 0.025
_LONG = 1.7
_FEW = 5


@dataclass(frozen=True, slots=True, eq=False)
class Forms:
    """Area and form of nuclei; every array is (N,).

    Parameters
    ----------
    area
        Pixels.
    solidity
        Area over convex area.
    elongation
        Long over short axis of the ellipse of the same moments.
    border
        Whether the nucleus touches the frame's border.
    """

    area: np.ndarray
    solidity: np.ndarray
    elongation: np.ndarray
    border: np.ndarray


def forms(nuclei: Instances) -> Forms:
    """Area and form of each nucleus."""
    found = np.ones((len(nuclei), 3))
    for i, mask in enumerate(nuclei.masks):
        if mask.any():
            _, _, rows, cols, mixed = moments(mask)
            long, short, _ = axes_of_ellipse(np.array([rows]), np.array([cols]), np.array([mixed]))
            area = np.count_nonzero(mask)
            found[i] = area, area / convex_area(mask), float(long[0] / max(short[0], 1e-9))
    boxes = nuclei.boxes
    border = (boxes[:, :2] == 0).any(axis=1) | (boxes[:, 2:] == nuclei.shape).any(axis=1)
    return Forms(found[:, 0], found[:, 1], found[:, 2], border)


def suspected_merges(found: Forms, counts: np.ndarray, rule: Rule) -> np.ndarray:
    """Whether each nucleus looks like two that were not separated.

    It is as large as two and has a waist, or it is long with about twice the signals of all probes;
    with a waist and twice the signals it may be smaller. Large and round with gains in some
    probes is no such case: that is how a CAC looks.

    Parameters
    ----------
    found
        Forms of all nuclei of the frame.
    counts
        (N, C) signals.
    rule
        Says what a gain is.

    Returns
    -------
    ndarray
        (N,) bool; all False where there are fewer than five whole nuclei to compare with.
    """
    whole = ~found.border
    if whole.sum() < _FEW:
        return np.zeros(len(found.area), bool)
    size = found.area / np.median(found.area[whole])
    usual = float(np.median(found.solidity[whole]))
    spread = 1.4826 * float(np.median(np.abs(found.solidity[whole] - usual)))
    waist = found.solidity < usual - max(_WAIST * spread, _LEAST_WAIST)
    doubled = (counts >= rule.gain_min).all(axis=1) & (counts.sum(axis=1) >= 3.5 * counts.shape[1])
    long = found.elongation > _LONG
    merged = (size > _TWO) & (waist | (doubled & long))
    merged |= (size > _FAR_TWO) & doubled
    return merged | ((size > _SMALL_TWO) & waist & doubled)


def call(
    counts: np.ndarray,
    found: Forms,
    rule: Rule,
    *,
    unreadable: Sequence[Sequence[str]] | None = None,
) -> tuple[list[str], list[str]]:
    """What each cell is.

    Parameters
    ----------
    counts
        (N, C) signals of each probe.
    found
        Forms of the nuclei.
    rule
        Thresholds and their order.
    unreadable
        N lists of what could not be read of a cell, such as ``"ch1 is saturated"``.

    Returns
    -------
    calls, reasons
        N calls, one of normal, gain, deletion, CAC, "not called"; N reasons, "" for a called
        cell.
    """
    merged = suspected_merges(found, counts, rule)
    whole = found.area[~found.border]
    usual = float(np.median(whole)) if len(whole) >= _FEW else 0.0
    calls, reasons = [], []
    for i, row in enumerate(counts.tolist()):
        bad = list(unreadable[i]) if unreadable is not None else []
        if found.border[i]:
            bad.append(AT_BORDER)
        elif found.area[i] < _PIECE * usual:
            bad.append(SMALL)
        elif merged[i]:
            bad.append(MERGED)
        elif not any(row):
            bad.append(SILENT)
        calls.append(NOT_CALLED if bad else call_of(row, rule))
        reasons.append("; ".join(bad))
    return calls, reasons


def call_of(counts: Sequence[int], rule: Rule) -> str:
    """The call of a cell with these signals per probe.

    Examples
    --------
    >>> from cellwright.measure.fish_rule import read_rule
    >>> rule = read_rule("four-colour")
    >>> [call_of(c, rule) for c in ([2, 2, 2, 2], [3, 2, 2, 2], [3, 4, 2, 1], [2, 1, 2, 2])]
    ['normal', 'gain', 'CAC', 'deletion']
    >>> call_of([2, 1, 2, 2], read_rule("katz2010"))
    'CAC'
    """
    gained = sum(n >= rule.gain_min for n in counts)
    lost = sum(n <= rule.loss_max for n in counts)
    fits = {
        CAC: 0 < rule.min_gained_probes <= gained or 0 < rule.min_lost_probes <= lost,
        GAIN: gained > 0,
        DELETION: lost > 0,
    }
    return next((name for name in rule.precedence if fits[name]), NORMAL)


@dataclass(frozen=True, slots=True)
class SampleTotal:
    """Calls of a sample and what they mean for it.

    Parameters
    ----------
    counts
        Cells by call, "not called" among them.
    volume_ul
        Microlitres of blood that the cells were in, None if unknown.
    per_100_ul
        CACs per 100 microlitres, None without a volume.
    flagged
        Whether the rule's cut-off is reached, None without a volume.
    sentence
        All this in words.
    """

    counts: dict[str, int]
    volume_ul: float | None
    per_100_ul: float | None
    flagged: bool | None
    sentence: str


def total(calls: Sequence[str], rule: Rule, volume_ul: float | None = None) -> SampleTotal:
    """Cells by call, CACs per 100 microlitres, and the cut-off in words."""
    names = (NORMAL, GAIN, DELETION, CAC, NOT_CALLED)
    counts = {name: sum(c == name for c in calls) for name in names}
    cacs = counts[CAC]
    noun = "CAC" if cacs == 1 else "CACs"
    limit = f"{rule.cutoff_cacs:g} per {rule.cutoff_ul:g} ul"
    if volume_ul is None:
        text = (
            f"{cacs} {noun}; without the volume of blood (--volume-ul) they cannot be compared "
            f"with the cut-off of {limit} (rule {rule.name})."
        )
        return SampleTotal(counts, None, None, None, text)
    density = 100.0 * cacs / volume_ul
    flagged = cacs / volume_ul >= rule.cutoff_cacs / rule.cutoff_ul * (1 - 1e-12)
    side = "at or above" if flagged else "below"
    text = (
        f"{cacs} {noun} in {volume_ul:g} ul, {density:.3g} per 100 ul: {side} the cut-off of "
        f"{limit} (rule {rule.name})."
    )
    return SampleTotal(counts, volume_ul, density, flagged, text)
