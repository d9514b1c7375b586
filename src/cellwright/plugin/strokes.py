"""What a person painted: the difference of two label maps, label by label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from cellwright.label.session.patch import Patch


@dataclass(frozen=True, slots=True)
class Stroke:
    """Pixels that a label got or lost.

    Parameters
    ----------
    number
        The label.
    patch
        The pixels.
    added
        Whether it got them.
    """

    number: int
    patch: Patch
    added: bool


def strokes(before: np.ndarray, after: np.ndarray, *, moved: bool = False) -> list[Stroke]:
    """Strokes that turn one label map into another, those that take pixels first.

    Parameters
    ----------
    before, after
        (row, column) labels; 0 is background.
    moved
        Whether a label also loses the pixels that another one got. Without, painting over a
        cell lets both have the pixels, and whether they may is for the overlap policy to say.
    """
    differs = before != after
    rows = np.flatnonzero(differs.any(axis=1))
    if not len(rows):
        return []
    columns = np.flatnonzero(differs.any(axis=0))
    box = int(rows[0]), int(columns[0]), int(rows[-1]) + 1, int(columns[-1]) + 1
    window = slice(box[0], box[2]), slice(box[1], box[3])
    was, now, differs = before[window], after[window], differs[window]
    lost = differs if moved else differs & (now == 0)
    found = []
    for labels, where, added in ((was, lost, False), (now, differs, True)):
        for number in np.unique(labels[where]).tolist():
            patch = Patch.of_crop(before.shape, box, where & (labels == number))
            if number and patch:
                found.append(Stroke(int(number), patch, added))
    return found
