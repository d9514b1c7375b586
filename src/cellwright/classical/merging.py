"""Merge the pieces of an over-segmented mask where no neck and no dark line parts them.

Every pair of neighbours gets a score in [0, 1]: how high the saddle between their
distance peaks is, how bright the border is beside the regions, how well the union fills
an ellipse, and whether it is not too large for the image. Pairs above a limit are
merged, best first (region merging of P5, section 3.2; the score is ours). The saddle
ratio is h-maxima with h relative to the lower peak, so that small cells beside large
ones keep their seeds.
"""

from __future__ import annotations

import heapq
import math
from dataclasses import dataclass

import numpy as np

from cellwright.classical.refine import region_quantile

Moments = tuple[float, ...]


@dataclass(frozen=True, slots=True)
class Border:
    """What two neighbours share: the saddle of the relief and the intensity along it."""

    saddle: float
    bright: float

    def join(self, other: Border | None) -> Border:
        """The border of a merged region."""
        if other is None:
            return self
        return Border(max(self.saddle, other.saddle), max(self.bright, other.bright))


def borders(
    labels: np.ndarray, relief: np.ndarray, image: np.ndarray
) -> dict[tuple[int, int], Border]:
    """The 4-connected neighbours ``(i, j)``, i < j, with their common border."""
    first, second = [], []
    flat = np.arange(labels.size).reshape(labels.shape)
    pairs = (np.s_[:-1, :], np.s_[1:, :]), (np.s_[:, :-1], np.s_[:, 1:])
    for here, there in pairs:
        touching = (labels[here] != labels[there]) & (labels[here] > 0) & (labels[there] > 0)
        first.append(flat[here][touching])
        second.append(flat[there][touching])
    p, q = np.concatenate(first), np.concatenate(second)
    a, b = labels.ravel()[p].astype(np.int64), labels.ravel()[q].astype(np.int64)
    width = int(labels.max()) + 1
    key, where = np.unique(np.minimum(a, b) * width + np.maximum(a, b), return_inverse=True)
    saddle = np.zeros(len(key))
    bright = np.zeros(len(key))
    np.maximum.at(saddle, where, np.minimum(relief.ravel()[p], relief.ravel()[q]))
    np.maximum.at(bright, where, (image.ravel()[p] + image.ravel()[q]) / 2)
    return {
        (int(k // width), int(k % width)): Border(float(s), float(v))
        for k, s, v in zip(key, saddle, bright, strict=True)
    }


def moments(labels: np.ndarray) -> np.ndarray:
    """(N + 1, 6) area, sums of row, column, row², column², row·column of each label."""
    at = np.flatnonzero(labels)
    value = labels.ravel()[at]
    row, col = (x.astype(np.float64) for x in np.divmod(at, labels.shape[1]))
    size = int(labels.max(initial=0)) + 1
    sums = [None, row, col, row * row, col * col, row * col]
    return np.stack([np.bincount(value, w, size) for w in sums], axis=1).astype(np.float64)


def ellipse_fill(sums: Moments) -> float:
    """Area over the area of the ellipse with the same second moments, in (0, 1].

    1 for a filled ellipse (a rectangle has 0.95), 0.89 for two touching discs, less
    for longer chains and for outlines with bays.
    """
    area = sums[0]
    row, col = sums[1] / area, sums[2] / area
    rows = sums[3] / area - row * row + 1 / 12
    cols = sums[4] / area - col * col + 1 / 12
    both = sums[5] / area - row * col
    return area / (4 * math.pi * math.sqrt(max(rows * cols - both * both, 1e-6)))


def merge_regions(
    labels: np.ndarray,
    relief: np.ndarray,
    image: np.ndarray,
    *,
    limit: float = 0.85,
    intensity: float = 1.0,
    shape: float = 1.0,
    size: float = 0.1,
    usual: float | None = None,
) -> np.ndarray:
    """Merge neighbours whose score passes `limit`, the best pair first.

    Parameters
    ----------
    labels
        (row, column) int array, 0 is background, values 1..N.
    relief
        (row, column) float array whose peaks are the cell centres (smoothed distance).
    image
        (row, column) float array, background removed, bright cells; a constant one
        leaves intensity out.
    limit
        Score from which a pair is one cell. Lower merges more.
    intensity, shape, size
        Exponents in the score of the border brightness, of the ellipse fill, and of
        how far the union exceeds the usual area.
    usual
        Area in pixels from which a union counts as large for the image; None for no limit.

    Returns
    -------
    ndarray
        int32 labels; the values left are a subset of those that came.
    """
    count = int(labels.max(initial=0))
    shared = borders(labels, relief, image) if count > 1 else {}
    if not shared:
        return labels.astype(np.int32)
    index = np.arange(count + 1)
    inside = np.flatnonzero(labels)
    peaks = np.zeros(count + 1, relief.dtype)
    np.maximum.at(peaks, labels.ravel()[inside], relief.ravel()[inside])
    peak = peaks.tolist()
    bright = np.maximum(region_quantile(image, labels, 0.9), 1e-9).tolist()
    sums: list[Moments] = [tuple(x) for x in moments(labels).tolist()]
    near: list[dict[int, Border]] = [{} for _ in index]
    for (a, b), border in shared.items():
        near[a][b] = near[b][a] = border

    def score(a: int, b: int) -> float:
        border = near[a][b]
        waist = min(border.saddle / max(min(peak[a], peak[b]), 1e-9), 1.0)
        line = min(border.bright / min(bright[a], bright[b]), 1.0)
        union = tuple(x + y for x, y in zip(sums[a], sums[b], strict=True))
        excess = min(usual / union[0], 1.0) if usual else 1.0
        return waist * line**intensity * ellipse_fill(union) ** shape * excess**size

    age = [0] * (count + 1)
    parent = list(range(count + 1))
    queue = [(-s, a, b, 0, 0) for a, b in shared if (s := score(a, b)) > limit]
    heapq.heapify(queue)
    while queue:
        _, a, b, age_a, age_b = heapq.heappop(queue)
        if age[a] != age_a or age[b] != age_b:
            continue
        parent[b] = a
        bright[a] = max(bright[a], bright[b])
        sums[a] = tuple(x + y for x, y in zip(sums[a], sums[b], strict=True))
        peak[a] = max(peak[a], peak[b])
        age[a] += 1
        age[b] = -1
        for c, border in near[b].items():
            del near[c][b]
            if c != a:
                near[a][c] = near[c][a] = border.join(near[a].get(c))
        for c in near[a]:
            low, high = min(a, c), max(a, c)
            if (s := score(low, high)) > limit:
                heapq.heappush(queue, (-s, low, high, age[low], age[high]))
    for k in range(1, count + 1):
        root = k
        while parent[root] != root:
            root = parent[root]
        parent[k] = root
    return np.array(parent, np.int32)[labels]
