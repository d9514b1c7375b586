"""Which cells of a field are seen in which plane of its z-stack.

P2 (5.3) asks for ground truth in which each plane has just the cells that appear in it. A cell is
taken to be seen where its pixels hold detail (edges, texture) clearly above the noise of the
plane's background, and not much less than in the plane where the cell is sharpest.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from scipy import ndimage

from cellwright.measure.alive import channel_index
from cellwright.measure.cores import own_pixels
from cellwright.types import Image, InputError, Instances

_SMOOTHING = 1.0
_RIM = 2


def detail(plane: np.ndarray, instances: Instances) -> np.ndarray:
    """How much more detail than the background each cell shows in a plane.

    The mean of the squared gradient (Gaussian derivatives of 1 pixel) over the cell and 2 pixels
    around it, without the pixels of other cells, divided by that of the pixels between the
    cells, minus 1: 0 where nothing but noise is seen.

    Parameters
    ----------
    plane
        (row, column), any number type.
    instances
        Cells, seen in this plane or not.

    Returns
    -------
    ndarray
        (N,) float64, 0 or more. 0 for all cells of a plane that is flat.

    Raises
    ------
    InputError
        If shapes differ, or the cells leave no pixel between them.
    """
    if plane.shape != instances.shape:
        raise InputError(f"the plane is {plane.shape}, the cells are on {instances.shape}")
    if not len(instances):
        return np.zeros(0)
    energy = ndimage.gaussian_gradient_magnitude(plane.astype(np.float64), _SMOOTHING) ** 2
    covered = np.zeros(plane.shape, dtype=np.uint16)
    wide = [_widened(instances, i) for i in range(len(instances))]
    for window, mask in wide:
        covered[window] += mask
    between = energy[covered == 0]
    if not len(between):
        raise InputError("the cells cover the whole image: there is no background to compare with")
    # The squared gradient of noise is spread like exp(-x): mean = median / log 2.
    noise = float(np.median(between)) / np.log(2)
    if noise <= 0:
        noise = max(1e-6 * float(energy.max()), np.finfo(np.float64).tiny)
    own = own_pixels(instances, "whole")
    found = np.empty(len(instances))
    for i, (window, mask) in enumerate(wide):
        alone = mask & (covered[window] == 1)
        if np.count_nonzero(alone) < 0.1 * np.count_nonzero(mask):
            row0, col0, row1, col1 = instances.boxes[i].tolist()
            window, alone = (slice(row0, row1), slice(col0, col1)), own[i]
        found[i] = energy[window][alone].mean()
    return np.maximum(found / noise - 1, 0)


def seen_in_planes(
    image: Image,
    instances: Instances,
    *,
    channel: int | str | None = None,
    least: float = 0.5,
    share: float = 0.25,
) -> tuple[np.ndarray, np.ndarray]:
    """In which planes of a stack each cell of a full set is seen.

    Parameters
    ----------
    image
        z-stack, with several channels if `channel` says which; read plane by plane.
    instances
        All cells of the field.
    least
        Least `detail` of a visible cell.
    share
        Least detail relative to the plane where the cell has most; 0.25 is half the sharpness,
        as detail is a square. Raise it for shallower truth.

    Returns
    -------
    seen, details
        (N, plane) bool and float. A cell that is seen nowhere is False everywhere.

    Raises
    ------
    InputError
        If the image is no z-stack, of several time points, or of another shape.
    """
    if "Z" not in image.axes or image.size("T") > 1:
        raise InputError(f"an image of axes {image.axes} came: one z-stack is wanted")
    index = channel_index(image, channel)
    details = np.zeros((len(instances), image.size("Z")))
    for z in range(image.size("Z")):
        at = {"T": 0, "Z": z, "C": index}
        plane = np.asarray(image.data[tuple(at[axis] for axis in image.axes[:-2])])
        details[:, z] = detail(plane, instances)
    most = details.max(axis=1, keepdims=True, initial=0)
    return (details >= least) & (details >= share * most), details


def cells_by_plane(
    instances: Instances, seen: np.ndarray, details: np.ndarray | None = None
) -> tuple[Instances, ...]:
    """The cells of each plane, with the tag ``cell`` (number in the full set, from 1).

    Parameters
    ----------
    instances
        The full set.
    seen
        (N, plane) bool.
    details
        (N, plane) from `seen_in_planes`, to be kept as the tag ``detail``.
    """
    if seen.ndim != 2 or len(seen) != len(instances):
        raise InputError(
            f"seen of shape {seen.shape} came for {len(instances)} cells: (cell, plane) is wanted"
        )
    old: Sequence = instances.tags or ({},) * len(instances)
    made = []
    for z in range(seen.shape[1]):
        tags = [{**t, "cell": i + 1} for i, t in enumerate(old)]
        if details is not None:
            tags = [{**t, "detail": round(float(details[i, z]), 3)} for i, t in enumerate(tags)]
        made.append(replace(instances, tags=tuple(tags))[seen[:, z]])
    return tuple(made)


def _widened(instances: Instances, i: int) -> tuple[tuple[slice, slice], np.ndarray]:
    """A mask grown by the rim, with its window, cut at the frame."""
    row0, col0, row1, col1 = instances.boxes[i].tolist()
    mask = ndimage.binary_dilation(np.pad(instances.masks[i], _RIM), iterations=_RIM)
    top, left = max(0, row0 - _RIM), max(0, col0 - _RIM)
    bottom = min(instances.shape[0], row1 + _RIM)
    right = min(instances.shape[1], col1 + _RIM)
    cut = mask[top - row0 + _RIM : bottom - row0 + _RIM, left - col0 + _RIM : right - col0 + _RIM]
    return (slice(top, bottom), slice(left, right)), cut
