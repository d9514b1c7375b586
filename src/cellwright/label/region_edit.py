"""One click on a mask that contradicts it: change what the click is about, and only that."""

from __future__ import annotations

import numpy as np
from scipy import ndimage

from cellwright.classical.polar import paint_radii, star_radii
from cellwright.geometry import mask_box
from cellwright.label.outline import Clicks, Window, find_outlines
from cellwright.label.outline_tables import ANGLES, REACH, Frames, box_frames
from cellwright.types import Prompts

#: share of the distance to the old outline that is certainly wrong around a click: a click goes
#: to the middle of an error, which the old outline bounds on one side
SURE = 0.8
#: reach of a correction, as a multiple of that distance
NEAR = 5.0
#: frames that are not boxes reach this much beyond the mask
ROOM = 1.15
#: IoU of a mask with its star-shaped outline below which another centre is tried
STAR = 0.9
CROSS = np.ones((3, 3), bool)


def correct(
    planes: tuple[np.ndarray, ...],
    mask: np.ndarray,
    window: Window,
    prompt: Prompts,
    *,
    learned: bool = True,
) -> np.ndarray:
    """The mask with its last point put right.

    A positive click in a hole fills that hole. Any other click moves the outline: the new
    one is the cheapest given all clicks and the outline before, and of the difference only the
    piece under the click is taken over, and no more than `NEAR` times as far away as the click
    is from the old outline. Around the click at least a disc up to near the old outline changes.

    Parameters
    ----------
    planes
        Of the whole image, see `cellwright.label.outline_tables.prompt_planes`.
    mask
        (row, column) bool of `window`.
    window
        Where `mask` lies in the image.
    prompt
        Points in order, the last one contradicting the mask, and the box if there is one.
    learned
        See `cellwright.label.outline.find_outlines`.
    """
    origin = np.array(window[:2])
    at = np.rint(prompt.points).astype(int) - origin
    row, col = at[-1].tolist()
    sign = bool(prompt.signs[-1])
    if sign:
        holes, _ = ndimage.label(ndimage.binary_fill_holes(mask) & ~mask)
        if holes[row, col]:
            return mask | (holes == holes[row, col])
    changed = _disc(mask, at, prompt.signs)
    if mask.any():
        near = _square(mask.shape, row, col) <= (NEAR * _depth(mask, at, prompt.signs) + 2) ** 2
        changed |= near & _moved(planes, mask, window, prompt, learned=learned)
    changed &= ~mask if sign else mask
    pieces, _ = ndimage.label(changed, CROSS)
    changed = pieces == pieces[row, col]
    if sign:
        return _without_slits(mask, mask | changed, at[~prompt.signs])
    return _without_crumbs(mask, mask & ~changed, at[prompt.signs])


def insist(mask: np.ndarray, at: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """The mask with every clicked pixel as it was clicked."""
    mask = mask.copy()
    mask[at[:, 0], at[:, 1]] = signs
    return mask


def _moved(
    planes: tuple[np.ndarray, ...],
    mask: np.ndarray,
    window: Window,
    prompt: Prompts,
    *,
    learned: bool,
) -> np.ndarray:
    """Where the outline about the mask and the cheapest outline with the clicks differ."""
    frame, before, old = _frame(mask, window, prompt)
    clicks = Clicks(prompt.points, prompt.signs, before)
    new = find_outlines(planes, frame, [clicks], learned=learned).paint(0, window)
    return new ^ old


def _frame(
    mask: np.ndarray, window: Window, prompt: Prompts
) -> tuple[Frames, np.ndarray, np.ndarray]:
    """A frame for the mask, the radii of the mask in it, and what they paint."""
    tight = mask_box(mask)
    assert tight is not None
    box = np.array(tight, float) + np.tile(window[:2], 2)
    on = np.rint(prompt.points[prompt.signs])
    if len(on):
        box = np.concatenate(
            [np.minimum(box[:2], on.min(axis=0)), np.maximum(box[2:], on.max(axis=0) + 1)]
        )
    given = prompt.box
    if (
        given is not None
        and (box[:2] >= np.floor(given[:2])).all()
        and (box[2:] <= np.ceil(given[2:])).all()
    ):
        frame = box_frames(np.array([given]))
    else:
        loose = box_frames(box[None], tight=False)
        frame = Frames(loose.centres, loose.halves * ROOM + 0.5, loose.tight)
    best = _star(mask, window, frame)
    if best[0] >= STAR:
        return frame, best[1], best[2]
    depth = ndimage.distance_transform_edt(np.pad(mask, 1))[1:-1, 1:-1]
    deepest = np.array(np.unravel_index(int(depth.argmax()), depth.shape)) + window[:2]
    half = np.maximum(np.abs(box[:2] - deepest), np.abs(box[2:] - deepest))
    half = np.maximum((half + frame.halves[0]) / 2, 2.0)
    other = Frames(deepest[None].astype(float), half[None], np.zeros(1, bool))
    second = _star(mask, window, other)
    if second[0] > best[0]:
        return other, second[1], second[2]
    return frame, best[1], best[2]


def _star(mask: np.ndarray, window: Window, frame: Frames) -> tuple[float, np.ndarray, np.ndarray]:
    """IoU of the mask with its star-shaped outline in `frame`, the radii, what they paint."""
    row, col = frame.centres[0].tolist()
    high, wide = frame.halves[0].tolist()
    inside = (row - window[0], col - window[1])
    radii = star_radii(mask, inside, (high, wide), angles=ANGLES, reach=REACH)
    painted = paint_radii(radii, (row, col), (high, wide), window)
    shared = (painted & mask).sum() / max((painted | mask).sum(), 1)
    return float(shared), radii, painted


def _disc(mask: np.ndarray, at: np.ndarray, signs: np.ndarray) -> np.ndarray:
    """Pixels around the last click that are certainly wrong: nearer than the old outline."""
    row, col = at[-1].tolist()
    square = _square(mask.shape, row, col)
    disc = square <= max(SURE * _depth(mask, at, signs), 0.5) ** 2
    for r, c in at[signs != signs[-1]].tolist():
        disc &= square < _square(mask.shape, r, c)
    return disc


def _depth(mask: np.ndarray, at: np.ndarray, signs: np.ndarray) -> float:
    """Distance of the last click to the old outline in pixels."""
    row, col = at[-1].tolist()
    other = mask if signs[-1] else ~mask
    return float(np.sqrt(_square(mask.shape, row, col)[other].min())) if other.any() else 1.0


def _square(shape: tuple[int, ...], row: int, col: int) -> np.ndarray:
    """Squared distance of every pixel to one of them."""
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return (rows - row) ** 2 + (cols - col) ** 2


def _without_crumbs(before: np.ndarray, after: np.ndarray, on: np.ndarray) -> np.ndarray:
    """`after` without the pieces that a cut has just parted from the cell."""
    pieces, count = ndimage.label(after, CROSS)
    if count < 2 or count <= ndimage.label(before, CROSS)[1]:
        return after
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    keep = areas >= areas.max() / 2
    keep[pieces[on[:, 0], on[:, 1]]] = True
    keep[0] = False
    return keep[pieces]


def _without_slits(before: np.ndarray, after: np.ndarray, off: np.ndarray) -> np.ndarray:
    """`after` without the holes that have just been closed in, unless they were clicked away."""
    holes, count = ndimage.label(ndimage.binary_fill_holes(after) & ~after)
    if not count:
        return after
    keep = np.zeros(count + 1, bool)
    keep[0] = True
    keep[np.unique(holes[ndimage.binary_fill_holes(before) & ~before])] = True
    keep[holes[off[:, 0], off[:, 1]]] = True
    return after | ~keep[holes]
