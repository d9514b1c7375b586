"""Cells drawn plane by plane, linked through the stack and merged into one set.

P1 (6.2) draws the cells visible in each plane and combines them "to be a single mask dictionary";
P2 (4.1) combines its seven masks "into one general mask". Neither says how one cell is known
again: here by the IoU of its masks. Neighbouring planes are paired one to one (most pairs, then
the largest sum of IoU), then cells whose chain ends are paired across planes in which they were
missed. The result does not depend on the direction in which the planes are counted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from cellwright.evaluate.assign import assign
from cellwright.geometry import mask_box
from cellwright.overlap import intersections
from cellwright.types import InputError, Instances, Tag

MERGED_MASKS = ("union", "majority", "sharpest")
Chain = tuple[tuple[int, int], ...]
"""One cell through the stack: (plane, index of the cell there), planes ascending."""


def link_planes(
    planes: Sequence[Instances], *, iou: float = 0.5, gap: int = 1
) -> tuple[Chain, ...]:
    """The same cells in the planes of a stack.

    Parameters
    ----------
    planes
        Cells of each plane, on frames of one shape.
    iou
        Least IoU of two masks of one cell, in (0, 1].
    gap
        Planes in a row in which a cell may be missing and still be one; 0 for none.

    Returns
    -------
    tuple of Chain
        Every cell of every plane is in exactly one chain, with at most one cell per plane;
        ordered by first plane and index.

    Raises
    ------
    InputError
        If shapes differ or an argument makes no sense.
    """
    if not 0 < iou <= 1 or gap < 0:
        raise InputError(f"iou {iou} and gap {gap} came: 0 < iou <= 1 and gap >= 0 are wanted")
    after: dict[tuple[int, int], tuple[int, int]] = {}
    before: set[tuple[int, int]] = set()
    for step in range(1, gap + 2):
        for z in range(len(planes) - step):
            ends = [i for i in range(len(planes[z])) if (z, i) not in after]
            starts = [j for j in range(len(planes[z + step])) if (z + step, j) not in before]
            for i, j in _pairs(planes[z][ends], planes[z + step][starts], iou):
                one, other = (z, ends[i]), (z + step, starts[j])
                after[one] = other
                before.add(other)
    chains = []
    for z, cells in enumerate(planes):
        for i in range(len(cells)):
            if (z, i) not in before:
                chain = [(z, i)]
                while chain[-1] in after:
                    chain.append(after[chain[-1]])
                chains.append(tuple(chain))
    return tuple(chains)


def merge_planes(
    planes: Sequence[Instances],
    *,
    iou: float = 0.5,
    gap: int = 1,
    min_planes: int = 1,
    mask: str = "union",
    sharpness: Sequence[np.ndarray] | None = None,
) -> Instances:
    """One set of cells from those of every plane; masks of different cells may overlap.

    Parameters
    ----------
    planes, iou, gap
        As in `link_planes`; class names must agree.
    min_planes
        Cells seen in fewer planes are left out.
    mask
        ``"union"`` of a cell's masks; ``"majority"``: pixels in at least half of them;
        ``"sharpest"``: the mask of the plane in which the cell is sharpest.
    sharpness
        For each plane (N,) how sharp its cells are (`cellwright.label.plane_cells.detail`);
        needed for ``"sharpest"``.

    Returns
    -------
    Instances
        Ordered by box, then area. The class is the most frequent one, the score the mean. Tags
        are those of the sharpest mask (the largest, if nothing is known of sharpness), and
        ``z_first``, ``z_last``, ``z_best`` (planes from 0) and ``z_count``. A cell is ``alive``
        if it is so in any plane, its ``contrast`` the highest.

    Raises
    ------
    InputError
        If shapes or class names differ, or an argument makes no sense.
    """
    if mask not in MERGED_MASKS:
        raise InputError(f"mask {mask!r} is unknown; choose one of {', '.join(MERGED_MASKS)}")
    if not planes:
        raise InputError("no plane came: at least one is wanted")
    if mask == "sharpest" and sharpness is None:
        raise InputError("the sharpest mask was asked for: give the sharpness of the cells too")
    if len({cells.class_names for cells in planes}) > 1:
        raise InputError("only planes with one list of classes can be merged")
    boxes, masks, scores, classes, tags = [], [], [], [], []
    for chain in link_planes(planes, iou=iou, gap=gap):
        if len(chain) < min_planes:
            continue
        best = max(chain, key=lambda at: _rank(planes, sharpness, at))
        box, merged = _merged_mask(planes, (best,) if mask == "sharpest" else chain, mask)
        boxes.append(box)
        masks.append(merged)
        scores.append(float(np.mean([planes[z].scores[i] for z, i in chain])))
        classes.append(_class(planes, chain))
        tags.append(_tags(planes, chain, best))
    first = planes[0]
    made = Instances(
        first.shape,
        np.array(boxes, dtype=np.int64).reshape(-1, 4),
        tuple(masks),
        np.array(scores),
        np.array(classes),
        first.class_names,
        tuple(tags),
    )
    return made[np.lexsort((made.areas, *made.boxes.T[::-1]))] if len(made) else made


def numbered(planes: Sequence[Instances], chains: Sequence[Chain]) -> tuple[Instances, ...]:
    """The cells of each plane with the tag ``cell``, the same number for the same cell, from 1."""
    number = {at: n for n, chain in enumerate(chains, start=1) for at in chain}
    return tuple(
        replace(
            cells,
            tags=tuple(
                {**tags, "cell": number[z, i]}
                for i, tags in enumerate(cells.tags or ({},) * len(cells))
            ),
        )
        for z, cells in enumerate(planes)
    )


def _pairs(a: Instances, b: Instances, least: float) -> list[tuple[int, int]]:
    i, j, shared = intersections(a, b)
    value = shared / (a.areas[i] + b.areas[j] - shared)
    chosen = assign(i, j, value, least, prefer=_nearness(a, b, i, j))
    return list(zip(i[chosen].tolist(), j[chosen].tolist(), strict=True))


def _nearness(a: Instances, b: Instances, i: np.ndarray, j: np.ndarray) -> np.ndarray:
    """In (0, 1], for pairs of equal IoU: near ones of like size first; the same either way round.

    A small part that depends on the places alone settles what would be left to the order.
    """
    distance = np.abs(a.boxes[i] - b.boxes[j]).sum(axis=1)
    unlike = np.abs(a.areas[i] - b.areas[j])
    weights = np.array([1, 31, 977, 30011])
    places = (a.boxes[i] @ weights % 1009) * (b.boxes[j] @ weights % 1009) % 1009
    return 0.99 / (1 + distance + np.sqrt(unlike)) + 0.01 * places / 1009


def _rank(
    planes: Sequence[Instances], sharpness: Sequence[np.ndarray] | None, at: tuple[int, int]
) -> tuple[Any, ...]:
    z, i = at
    cells = planes[z]
    sharp = float(sharpness[z][i]) if sharpness is not None else 0.0
    return (sharp, np.count_nonzero(cells.masks[i]), *(-cells.boxes[i]).tolist(),
            cells.masks[i].tobytes())  # fmt: skip


def _merged_mask(
    planes: Sequence[Instances], chain: Sequence[tuple[int, int]], mask: str
) -> tuple[np.ndarray, np.ndarray]:
    boxes = np.array([planes[z].boxes[i] for z, i in chain])
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    votes = np.zeros(high - low, dtype=np.int64)
    for (row, column, _, _), (z, i) in zip((boxes - [*low, *low]).tolist(), chain, strict=True):
        own = planes[z].masks[i]
        votes[row : row + own.shape[0], column : column + own.shape[1]] += own
    merged = votes > 0 if mask != "majority" else 2 * votes >= len(chain)
    tight = mask_box(merged)
    if tight is None:  # masks without a common half: two of three planes never meet in a pixel
        merged, tight = votes > 0, (0, 0, *votes.shape)
    row0, col0, row1, col1 = tight
    return np.array([*low, *low]) + tight, merged[row0:row1, col0:col1]


def _class(planes: Sequence[Instances], chain: Chain) -> int:
    counts = Counter(int(planes[z].classes[i]) for z, i in chain)
    return min(counts, key=lambda c: (-counts[c], c))


def _tags(planes: Sequence[Instances], chain: Chain, best: tuple[int, int]) -> Mapping[str, Tag]:
    every = [planes[z].tags[i] if planes[z].tags else {} for z, i in chain]
    tags = dict(planes[best[0]].tags[best[1]] if planes[best[0]].tags else {})
    lives = [t["alive"] for t in every if "alive" in t]
    if lives:
        tags["alive"] = any(lives)
    contrasts = [float(t["contrast"]) for t in every if "contrast" in t]
    if contrasts:
        tags["contrast"] = max(contrasts)
    return {
        **tags,
        "z_first": chain[0][0],
        "z_last": chain[-1][0],
        "z_best": best[0],
        "z_count": len(chain),
    }
