"""How large is the cell under a click, and how large are cells of an image as a rule.

Around a place the best outline is looked for in frames of every size. The right size is certain
of its outline, its outline nearly fills the frame, and frames of other sizes agree with it.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.label.outline import Outlines, find_outlines
from cellwright.label.outline_tables import Frames

#: half sizes in pixels of the frames tried around a click
SIZES = 5.0 * np.sqrt(2.0) ** np.arange(10)
#: radius of an outline, relative to its frame, that speaks for the frame
FILLED = 0.9
#: weights of that, and of the frames that agree
WEIGHTS = (3.0, 0.3)
#: difference of log radius within which frames agree
ALIKE = 0.15
#: standard deviation of the log radius of the cells of an image
VARIETY = 0.8
#: squares of a side of the grid of places at which cells are looked for, and places used
GRID = 7
PROBES = 16


def sized_outlines(
    planes: tuple[np.ndarray, ...],
    points: np.ndarray,
    *,
    usual: float | None = None,
    learned: bool = True,
) -> tuple[Outlines, np.ndarray, np.ndarray]:
    """Outlines of every size about each point.

    Parameters
    ----------
    planes
        Of `cellwright.label.outline_tables.prompt_planes`.
    points
        (P, 2) float, (row, column).
    usual
        Usual radius of a cell in pixels, if it is known.
    learned
        See `find_outlines`.

    Returns
    -------
    outlines : Outlines
        P x S of them, point by point.
    merits : ndarray
        (P, S) float: how much speaks for each size.
    radii : ndarray
        (P, S) float: radius in pixels of the disc of the same area.
    """
    count, sizes = len(points), len(SIZES)
    halves = np.tile(np.repeat(SIZES[:, None], 2, axis=1), (count, 1))
    frames = Frames(np.repeat(points, sizes, axis=0), halves, np.zeros(count * sizes, bool))
    found = find_outlines(planes, frames, learned=learned)
    filled = np.sqrt((found.radii**2).mean(axis=1)).reshape(count, sizes)
    filled = np.maximum(filled, 1e-3)
    size = np.log(filled * SIZES)
    apart = (size[:, :, None] - size[:, None]) / ALIKE
    votes = np.exp(-(apart**2)).sum(axis=2) - 1
    merits = -found.doubt.reshape(count, sizes)
    merits += WEIGHTS[1] * votes - WEIGHTS[0] * np.log(filled / FILLED) ** 2
    if usual is not None:
        merits -= 0.5 * ((size - np.log(usual)) / VARIETY) ** 2
    return found, merits, np.exp(size)


def usual_radius(planes: tuple[np.ndarray, ...], *, learned: bool = True) -> float:
    """Usual radius in pixels of the cells of an image, from outlines at striking places.

    Places that differ most in intensity and texture from the median are tried, at most one per
    square of a grid; the better half of their outlines counts.
    """
    bright, rough = planes[2], planes[3]
    step = max(1, int(np.sqrt(bright.size / 1_000_000)))
    bright, rough = bright[::step, ::step], rough[::step, ::step]
    striking = np.abs(bright - np.median(bright)) + 0.3 * (rough - np.median(rough))
    striking = ndimage.gaussian_filter(striking, 3.0 / step)
    places, heights = [], []
    for rows in np.array_split(np.arange(striking.shape[0]), GRID):
        for cols in np.array_split(np.arange(striking.shape[1]), GRID):
            if not len(rows) or not len(cols):
                continue
            part = striking[rows[0] : rows[-1] + 1, cols[0] : cols[-1] + 1]
            row, col = np.unravel_index(int(part.argmax()), part.shape)
            places.append((step * float(rows[row]), step * float(cols[col])))
            heights.append(float(part[row, col]))
    best = np.argsort(heights, kind="stable")[::-1][:PROBES]
    _, merits, radii = sized_outlines(planes, np.array(places)[best], learned=learned)
    top = merits.argmax(axis=1)
    every = np.arange(len(top))
    better = np.argsort(-merits[every, top], kind="stable")[: (len(top) + 1) // 2]
    return float(np.median(radii[every, top][better]))
