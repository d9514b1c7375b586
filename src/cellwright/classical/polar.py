"""Closed outlines around a centre: polar sampling, the cheapest closed path, painting.

A cell that is star-convex about a centre is one radius per direction. Around the centre the
image is read along rays; the outline is the closed path through the (direction, radius) table
whose summed cost is least, found by dynamic programming (the "intelligent scissors" of Mortensen
and Barrett, 1995, closed in polar coordinates). Radii are relative to the half sizes of a frame,
so that the ellipse inscribed in the frame has radius 1 in every direction and the work for a cell
does not depend on its size. Many cells go through together: the first axis is the cell.
"""

from __future__ import annotations

import numpy as np
from scipy import ndimage


def sample_rays(
    plane: np.ndarray,
    centres: np.ndarray,
    halves: np.ndarray,
    *,
    angles: int,
    radii: np.ndarray,
) -> np.ndarray:
    """Values of `plane` along rays, linear between pixels; beyond the plane its edge repeats.

    Parameters
    ----------
    plane
        (row, column) float array.
    centres, halves
        (N, 2) float: centre in pixel coordinates (a pixel's centre is a whole number) and half
        height and width of each frame, in pixels.
    angles
        Number of directions; direction 0 points along the columns, then towards larger rows.
    radii
        (R,) radii relative to the half sizes.

    Returns
    -------
    ndarray
        (N, angles, R) float32.
    """
    turn = 2 * np.pi * np.arange(angles) / angles
    rows = centres[:, :1, None] + halves[:, :1, None] * np.sin(turn)[None, :, None] * radii
    cols = centres[:, 1:, None] + halves[:, 1:, None] * np.cos(turn)[None, :, None] * radii
    at = np.stack([rows.ravel(), cols.ravel()])
    values = ndimage.map_coordinates(plane, at, order=1, mode="nearest", output=np.float32)
    return values.reshape(rows.shape)


def closed_paths(cost: np.ndarray, *, jump: int = 1, bend: float = 0.0) -> np.ndarray:
    """The cheapest closed path of each cost table.

    Parameters
    ----------
    cost
        (N, A, R) float: cost of passing direction a at radius index r; no NaN. Use a large
        finite number where the path must not pass.
    jump
        Largest change of the index from one direction to the next.
    bend
        Cost of a change by one index; grows with its square.

    Returns
    -------
    ndarray
        (N, A) int64 radius index per direction; also the last and the first differ by no more
        than `jump`, except where forbidden costs leave no such path.

    Notes
    -----
    The path is followed over two turns and the middle one is kept, which closes it (exactly so
    whenever the best path of the long strip repeats itself, in practice almost always).

    Examples
    --------
    >>> table = np.ones((1, 8, 5)); table[0, :, 3] = 0
    >>> closed_paths(table).tolist()
    [[3, 3, 3, 3, 3, 3, 3, 3]]
    """
    count, angles, size = cost.shape
    steps = np.arange(-jump, jump + 1)
    pay = (bend * steps**2).astype(np.float32)[:, None, None]
    cost = np.ascontiguousarray(cost.transpose(1, 0, 2), dtype=np.float32)
    came = np.zeros((2 * angles, count, size), np.int8)
    padded = np.full((count, size + 2 * jump), np.inf, np.float32)
    total = cost[0]
    for turn in range(1, 2 * angles):
        padded[:, jump : jump + size] = total
        choice = np.stack([padded[:, jump + s : jump + s + size] for s in steps]) + pay
        pick = choice.argmin(axis=0)
        total = np.take_along_axis(choice, pick[None], axis=0)[0] + cost[turn % angles]
        came[turn] = steps[pick]
    at = total.argmin(axis=1)
    path = np.empty((count, angles), np.int64)
    every = np.arange(count)
    first = angles // 2
    for turn in range(2 * angles - 1, first - 1, -1):
        if turn < first + angles:
            path[:, turn % angles] = at
        at = at + came[turn, every, at]
    return path


def paint_radii(
    radii: np.ndarray,
    centre: tuple[float, float],
    half: tuple[float, float],
    window: tuple[int, int, int, int],
) -> np.ndarray:
    """Pixels inside an outline given by its radius per direction.

    Parameters
    ----------
    radii
        (A,) float, relative to the half sizes; linear between directions.
    centre, half
        As one row of those of `sample_rays`.
    window
        Half-open ``(row0, col0, row1, col1)`` of the pixels wanted.

    Returns
    -------
    ndarray
        (row1 - row0, col1 - col0) bool.
    """
    mask = np.zeros((window[2] - window[0], window[3] - window[1]), dtype=bool)
    # The window may be the whole image; nothing is inside beyond the longest radius.
    most = np.max(radii, initial=0) * np.array(half) + 1
    low = np.clip(np.floor(centre - most), window[:2], window[2:]).astype(int)
    high = np.clip(np.ceil(centre + most) + 1, low, window[2:]).astype(int)
    rows, cols = (slice(a, b) for a, b in zip(low - window[:2], high - window[:2], strict=True))
    mask[rows, cols] = _inside(radii, centre, half, (*low.tolist(), *high.tolist()))
    return mask


def _inside(
    radii: np.ndarray,
    centre: tuple[float, float],
    half: tuple[float, float],
    window: tuple[int, int, int, int],
) -> np.ndarray:
    """Which pixels of `window` lie inside."""
    row0, col0, row1, col1 = window
    down = (np.arange(row0, row1) - centre[0])[:, None] / half[0]
    along = (np.arange(col0, col1) - centre[1])[None, :] / half[1]
    place = np.arctan2(down, along) % (2 * np.pi) * (len(radii) / (2 * np.pi))
    low = place.astype(np.int64)
    part = place - low
    low %= len(radii)
    limit = radii[low] * (1 - part) + radii[(low + 1) % len(radii)] * part
    return down * down + along * along <= limit * limit


def star_radii(
    mask: np.ndarray,
    centre: tuple[float, float],
    half: tuple[float, float],
    *,
    angles: int,
    reach: float,
    samples: int = 192,
) -> np.ndarray:
    """Radii of the outline about `centre` that agrees best with `mask`.

    In each direction the radius is where most pixels within are set and most beyond are not,
    weighted by the area they stand for; 0 where nothing is set.

    Parameters
    ----------
    mask
        (row, column) bool.
    centre, half
        As one row of those of `sample_rays`, in pixels of `mask`.
    angles
        Number of directions.
    reach
        Largest radius.
    samples
        Steps along a direction.

    Returns
    -------
    ndarray
        (angles,) float64.
    """
    radii = np.arange(1, samples + 1) * (reach / samples)
    turn = 2 * np.pi * np.arange(angles)[:, None] / angles
    at = [centre[0] + half[0] * np.sin(turn) * radii, centre[1] + half[1] * np.cos(turn) * radii]
    inside = ndimage.map_coordinates(mask.astype(np.float32), at, order=1, cval=0.0) > 0.5
    gain = np.cumsum(np.where(inside, radii, -radii), axis=1)
    gain = np.pad(gain, ((0, 0), (1, 0)))
    return np.concatenate([[0.0], radii])[gain.argmax(axis=1)]


def stretch_to_frame(radii: np.ndarray, slack: np.ndarray, *, share: float = 0.5) -> np.ndarray:
    """Outlines pulled out towards frames that are known to fit them.

    On each of the four sides the gap between the outline and the frame is closed up to `slack`,
    and `share` of what is left of it; the outline follows linearly.

    Parameters
    ----------
    radii
        (N, A) float, relative to the half sizes of the frames.
    slack
        (N, 2) float: gap that is closed completely, relative to half height and half width.
    share
        Share of the rest of the gap, 0 to 1.

    Returns
    -------
    ndarray
        (N, A) float64.
    """
    angles = radii.shape[1]
    turn = 2 * np.pi * np.arange(angles) / angles
    moved = []
    for axis, way in ((0, np.sin(turn)), (1, np.cos(turn))):
        place = radii * way
        low, high = place.min(axis=1, keepdims=True), place.max(axis=1, keepdims=True)
        ends = []
        for end, side in ((low, -1.0), (high, 1.0)):
            gap = 1 - side * end
            near = np.minimum(np.maximum(gap, 0), slack[:, axis, None])
            ends.append(end + side * (near + share * (gap - near)))
        span = np.maximum(high - low, 1e-6)
        moved.append(ends[0] + (place - low) / span * (ends[1] - ends[0]))
    result = np.empty(radii.shape)
    for i, (down, along) in enumerate(zip(*moved, strict=True)):
        at = np.unwrap(np.arctan2(down, along))
        at = np.maximum.accumulate(at)
        far = np.hypot(down, along)
        three = np.concatenate([at - 2 * np.pi, at, at + 2 * np.pi])
        result[i] = np.interp(turn, three, np.tile(far, 3))
    return result
