"""Truth and prediction as two partitions of the pixels: Rand scores, variation of information.

Adapted Rand error: I. Arganda-Carreras et al., "Crowdsourcing the creation of image
segmentation algorithms for connectomics", Front. Neuroanat. 9:142 (2015). Of the pairs of
pixels that the truth does not leave as background::

    precision = pairs of one cell in both / pairs of one cell in the prediction
    recall    = pairs of one cell in both / pairs of one cell in the truth
    error     = 1 - 2 precision recall / (precision + recall)

The predicted background is one more cell here. `skimage.metrics.adapted_rand_error` gives the
same error, and returns the same two ratios with the names the other way round: what it calls
precision it divides by the pairs of the truth.

Variation of information: M. Meila, "Comparing clusterings", J. Multivariate Anal. 98 (2007)
873-895. Over all pixels, with background as one more cell on either side, in bits::

    split = H(prediction | truth)    merge = H(truth | prediction)    vi = split + merge

A partition gives each pixel to one cell, so **overlaps are flattened here**, by
`geometry.to_label_map`: to the highest score, then to the smallest cell, then to the first.
Classes are not told apart. Pixels that go to a crowd region of the truth are left out.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from cellwright.evaluate import ratios
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.metric import Metric, Sums
from cellwright.geometry import label_bands
from cellwright.types import Instances

BAND_ROWS = 512


def partition_scores(truth: Instances, pred: Instances) -> dict[str, float]:
    """Adapted Rand error, precision and recall, and variation of information, of one image.

    0 / 0: a ratio over no pair of pixels is 0; the Rand scores of an image in which neither
    side has a pair (no true cell, above all) are NaN, and it is left out of their means.
    The variation of information is always defined; of two empty images it is 0.

    Parameters
    ----------
    truth, pred
        Cells of the same image; where masks overlap, they are flattened.

    Returns
    -------
    dict
        ``rand_error``, ``rand_precision``, ``rand_recall`` in [0, 1]; ``vi_split``,
        ``vi_merge``, ``vi`` in bits, 0 for equal partitions.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    A cell of four pixels is split in two halves: 2 of 6 pairs are kept, at 1 bit per pixel.

    >>> truth = Instances((1, 4), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> pred = Instances((1, 4), [[0, 0, 1, 2], [0, 2, 1, 4]], [np.ones((1, 2))] * 2)
    >>> found = partition_scores(truth, pred)
    >>> [round(found[f"rand_{name}"], 4) for name in ("error", "precision", "recall")]
    [0.5, 1.0, 0.3333]
    >>> found["vi_split"], found["vi_merge"], found["vi"]
    (1.0, 0.0, 1.0)
    """
    return PARTITION(truth, pred)


def contingency(truth: Instances, pred: Instances) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Pixels of every pair of labels that meet, background (0) among them.

    Returns
    -------
    i, j, pixels
        int64 arrays: ``pixels[n] > 0`` pixels have label ``i[n]`` in the truth's label map
        and ``j[n]`` in the prediction's. Memory is that of a band of rows.

    Examples
    --------
    >>> cell = Instances((1, 3), [[0, 0, 1, 2]], [np.ones((1, 2))])
    >>> [v.tolist() for v in contingency(cell, Instances.empty((1, 3)))]
    [[0, 1], [0, 0], [1, 2]]
    """
    columns = len(pred) + 1
    keys, counts = [np.zeros(0, np.int64)], [np.zeros(0, np.int64)]
    bands = (label_bands(side, rows=BAND_ROWS) for side in (truth, pred))
    for a, b in zip(*bands, strict=True):
        a, b = a.reshape(-1), b.reshape(-1)
        # A run of equal pixels is one entry: far fewer to sort than pixels.
        turns = (a[1:] != a[:-1]) | (b[1:] != b[:-1])
        starts = np.concatenate([[0] if len(a) else [], np.flatnonzero(turns) + 1]).astype(np.int64)
        key = a[starts].astype(np.int64) * columns + b[starts]
        found, pixels = _grouped(key, np.diff(starts, append=len(a)))
        keys.append(found)
        counts.append(pixels)
    key, pixels = _grouped(np.concatenate(keys), np.concatenate(counts))
    return key // columns, key % columns, pixels


def _grouped(key: np.ndarray, counts: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Each key once, in order, with the total of its counts."""
    if not len(key):
        return key, counts
    order = np.argsort(key)
    key = key[order]
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return key[first], np.add.reduceat(counts[order], first)


def _count(seen: Comparison) -> dict[str, float]:
    i, j, pixels = contingency(seen.truth, seen.pred)
    if seen.crowd.any():
        kept = ~np.concatenate([[False], seen.crowd])[i]
        i, j, pixels = i[kept], j[kept], pixels[kept]
    cells = i > 0
    return _rand(i[cells], j[cells], pixels[cells]) | _information(i, j, pixels)


def _rand(i: np.ndarray, j: np.ndarray, pixels: np.ndarray) -> dict[str, float]:
    both = _pairs(pixels)
    in_truth, in_pred = _pairs(np.bincount(i, pixels)), _pairs(np.bincount(j, pixels))
    if not in_truth + in_pred:
        return {}
    return {
        "rand_images": 1,
        "rand_error": 1 - ratios.ratio(2 * both, in_truth + in_pred),
        "rand_precision": ratios.ratio(both, in_pred),
        "rand_recall": ratios.ratio(both, in_truth),
    }


def _pairs(pixels: np.ndarray) -> float:
    """Ordered pairs of different pixels within groups of these sizes."""
    pixels = pixels.astype(float)
    return float(pixels @ (pixels - 1))


def _information(i: np.ndarray, j: np.ndarray, pixels: np.ndarray) -> dict[str, float]:
    if not len(pixels):
        return {}
    in_truth, in_pred = np.bincount(i, pixels)[i], np.bincount(j, pixels)[j]
    total = pixels.sum()
    return {
        "vi_images": 1,
        "vi_split": float(pixels @ np.log2(in_truth / pixels) / total),
        "vi_merge": float(pixels @ np.log2(in_pred / pixels) / total),
    }


def _divide(sums: Sums) -> dict[str, Any]:
    figures = {
        name: ratios.mean(sums.get(name, 0), sums.get(f"{name.split('_')[0]}_images", 0))
        for name in ("rand_error", "rand_precision", "rand_recall", "vi_split", "vi_merge")
    }
    return figures | {"vi": figures["vi_split"] + figures["vi_merge"]}


#: Rand error, precision, recall and variation of information, the means over images.
PARTITION = Metric("partition", "Pixels grouped into the same cells", _count, _divide)
