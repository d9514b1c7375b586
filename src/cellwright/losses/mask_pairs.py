"""Masks of queries against masks of cells, without a frame for each cell.

The truth of an image is kept as the pixels that its cells have: their number is that of the
cells' areas, whatever the size of the frame. All pairs of queries and cells are compared by the
product of this sparse matrix (cell x pixel) with the queries' maps, taken at the cells' pixels
only: at 512 x 512 that is four times faster than a CSR product, which must transpose the maps.

Source: Dice of P4 Eq. 4.13 with squared denominators (Milletari et al. 2016); cross-entropy of
P4 Eq. 4.15. Everything is computed in float32.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import softplus

_LEAST = 1e-6
# Values looked at in one go; bounds the memory of a comparison of all pairs to some 16 MB.
_BLOCK = 1 << 22


@dataclass(frozen=True, slots=True, eq=False)
class SparseMasks:
    """The cells of one image at the resolution of the mask logits.

    Parameters
    ----------
    shape
        Rows and columns of the mask logits.
    count
        Number of cells M.
    cell, pixel
        (entry,) int64: cell and ``row * columns + column``, ordered by cell, then pixel; each
        pair at most once.
    value
        (entry,) float32 in (0, 1]: the share of the pixel that the cell covers.
    squares
        (M,) float32: the sum of the squared values of each cell.
    """

    shape: tuple[int, int]
    count: int
    cell: Tensor
    pixel: Tensor
    value: Tensor
    squares: Tensor

    def pick(self, cells: Tensor) -> SparseMasks:
        """The cells of the given indices, each at most once, in their order."""
        slot = torch.full((self.count,), -1, dtype=torch.int64, device=self.cell.device)
        slot[cells] = torch.arange(len(cells), device=cells.device)
        some = slot[self.cell] >= 0
        order = torch.argsort(slot[self.cell[some]], stable=True)
        own = [part[some][order] for part in (slot[self.cell], self.pixel, self.value)]
        return SparseMasks(self.shape, len(cells), *own, self.squares[cells])


def sparse_masks(
    boxes: Tensor, crops: Tensor, *, shape: tuple[int, int], stride: int = 1
) -> SparseMasks:
    """The cells of one image, averaged over the area of each pixel of the mask logits.

    Averaging (and not taking the nearest pixel) keeps the area of small cells and puts the
    half-way line of a soft mask, drawn up again by bilinear interpolation, on the border.

    Parameters
    ----------
    boxes
        (cell, 4) half-open (row0, col0, row1, col1) in pixels of the input.
    crops
        (cell, rows, columns) bool, each mask in the upper left corner of its entry.
    shape
        Rows and columns of the mask logits; what lies outside is cut off.
    stride
        Pixels of the input per pixel of the mask logits.
    """
    rows, cols = shape
    cell, row, col = crops.nonzero(as_tuple=True)
    corner = boxes[:, :2].round().long()
    row = torch.div(row + corner[cell, 0], stride, rounding_mode="floor")
    col = torch.div(col + corner[cell, 1], stride, rounding_mode="floor")
    inside = (row >= 0) & (row < rows) & (col >= 0) & (col < cols)
    key = ((cell * rows + row) * cols + col)[inside]
    key, times = torch.unique_consecutive(key.sort().values, return_counts=True)
    cell, pixel = key // max(rows * cols, 1), key % max(rows * cols, 1)
    value = times.float() / stride**2
    squares = value.new_zeros(len(crops)).index_add_(0, cell, value**2)
    return SparseMasks((rows, cols), len(crops), cell, pixel, value, squares)


@torch.no_grad()
def pairwise_dice(logits: Tensor, truth: SparseMasks) -> Tensor:
    """Soft Dice coefficient of every query and cell, P4 Eq. 4.13; no gradient.

    Parameters
    ----------
    logits
        (query, row, column).
    truth
        The cells.

    Returns
    -------
    Tensor
        (query, cell) float32 in [0, 1].
    """
    maps = logits.flatten(1).float().sigmoid()
    total = maps.square().sum(1)[:, None] + truth.squares
    return 2 * _products(maps, truth) / total.clamp(min=_LEAST)


@torch.no_grad()
def pairwise_bce(logits: Tensor, truth: SparseMasks) -> Tensor:
    """Binary cross-entropy of every query and cell, mean over pixels; no gradient.

    Shapes as of `pairwise_dice`.
    """
    maps = logits.flatten(1).float()
    return (softplus(maps).sum(1)[:, None] - _products(maps, truth)) / max(maps.shape[1], 1)


def matched_losses(logits: Tensor, truth: SparseMasks) -> tuple[Tensor, Tensor]:
    """Dice loss (P4 Eq. 4.14) and mean cross-entropy (Eq. 4.15) of matched masks.

    Parameters
    ----------
    logits
        (pair, row, column): the matched queries' maps only, ``logits[query]``.
    truth
        As many cells, in the same order: ``truth.pick(cell)``.

    Returns
    -------
    dice, bce
        (pair,) float32 each.

    Raises
    ------
    ValueError
        If there are not as many maps as cells.
    """
    if len(logits) != truth.count:
        raise ValueError(f"{len(logits)} maps came for {truth.count} cells: one each is wanted")
    maps = logits.flatten(1).float()
    probability = maps.sigmoid()
    at = truth.cell * maps.shape[1] + truth.pixel
    shared = _sums(probability.flatten()[at] * truth.value, truth)
    total = probability.square().sum(1) + truth.squares
    dice = 1 - 2 * shared / total.clamp(min=_LEAST)
    bce = softplus(maps).sum(1) - _sums(maps.flatten()[at] * truth.value, truth)
    return dice, bce / max(maps.shape[1], 1)


@torch.no_grad()
def matched_iou(logits: Tensor, truth: SparseMasks, *, threshold: float = 0.5) -> Tensor:
    """IoU of each matched mask, cut at a probability of `threshold`, with its cell (pair,).

    Arguments as of `matched_losses`; the cell's pixels are those it covers by a half or more.
    """
    maps = logits.flatten(1).float().sigmoid() >= threshold
    some = (truth.value >= 0.5).float()
    shared = _sums(maps.flatten()[truth.cell * maps.shape[1] + truth.pixel] * some, truth)
    union = maps.sum(1) + _sums(some, truth) - shared
    return shared / union.clamp(min=1)


def _products(maps: Tensor, truth: SparseMasks) -> Tensor:
    """(query, cell): sum over pixels of each map times each cell, in blocks of queries."""
    out = maps.new_zeros(len(maps), truth.count)
    block = max(_BLOCK // max(len(truth.cell), 1), 1)
    for start in range(0, len(maps) if len(truth.cell) else 0, block):
        some = maps[start : start + block, truth.pixel] * truth.value
        out[start : start + block].index_add_(1, truth.cell, some)
    return out


def _sums(values: Tensor, truth: SparseMasks) -> Tensor:
    """(cell,): sum of the values of each cell's entries."""
    return values.new_zeros(truth.count).index_add(0, truth.cell, values)
