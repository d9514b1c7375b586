"""From the prompts of a person to the coordinates of the network, in groups of one kind.

Tokens that pad a prompt would be attended to and change its mask; so only prompts with as many
points, with and without box alike, go through the network together.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from cellwright.label.sam.embedding import Tile
from cellwright.label.sam.pixels import input_size
from cellwright.types import InputError, Prompts

#: how sure a pixel of an earlier mask is; its logits are ln((1 - SURE) / SURE) = 6.9
SURE = 1e-3


@dataclass(frozen=True, slots=True)
class Group:
    """Prompts that go through the network together.

    Parameters
    ----------
    index
        Their places among all prompts.
    points, labels
        (1, prompt, point, 2) x and y in the network's input, and 1 or 0; None for no points.
    boxes
        (1, prompt, 4) x0, y0, x1, y1; None for no boxes.
    masks
        (prompt, 1, row, column) low-resolution logits; None for no masks.
    """

    index: tuple[int, ...]
    points: Tensor | None
    labels: Tensor | None
    boxes: Tensor | None
    masks: Tensor | None


def refined(earlier: Prompts, more: Prompts, mask: np.ndarray | None = None) -> Prompts:
    """`earlier` with the points of `more`; a new box or mask takes the place of an old one.

    Parameters
    ----------
    earlier, more
        Prompts of the same cell.
    mask
        The mask that `earlier` gave, (row, column) bool, as a hint for the next round.
    """
    latest = next((m for m in (mask, more.mask, earlier.mask) if m is not None), None)
    return Prompts(
        np.concatenate([earlier.points, more.points]),
        np.concatenate([earlier.signs, more.signs]),
        more.box if more.box is not None else earlier.box,
        latest,
    )


def groups(
    prompts: Sequence[Prompts],
    logits: Sequence[np.ndarray | None],
    tile: Tile,
    *,
    side: int,
    low: tuple[int, int],
    square: bool,
    at_once: int,
) -> Iterator[Group]:
    """Prompts of one tile as inputs of the network, at most `at_once` in a group.

    Parameters
    ----------
    prompts
        Prompts in coordinates of the frame.
    logits
        For each, low-resolution logits of an earlier round, which go before its mask; or None.
    tile
        The tile they are for.
    side, low, square
        Pixels of the network's input, rows and columns of its masks, whether it stretches.
    at_once
        Most prompts of a group.
    """
    kinds: dict[tuple[int, bool, bool], list[int]] = {}
    kept = [_inside(prompt, tile) for prompt in prompts]
    for number, (points, _) in enumerate(kept):
        prompt = prompts[number]
        hinted = logits[number] is not None or prompt.mask is not None
        kinds.setdefault((len(points), prompt.box is not None, hinted), []).append(number)
    size = input_size(tile.shape, side, square=square)
    for (count, boxed, hinted), numbers in kinds.items():
        for start in range(0, len(numbers), at_once):
            index = numbers[start : start + at_once]
            some = [prompts[i] for i in index]
            points = labels = boxes = masks = None
            if count:
                points = _scaled(np.stack([kept[i][0] for i in index]), tile, size)[None]
                labels = torch.tensor(np.stack([kept[i][1] for i in index]).astype(np.int64))[None]
            if boxed:
                corners = np.array([p.box for p in some], dtype=float).reshape(-1, 2, 2)
                boxes = _scaled(corners, tile, size).reshape(1, -1, 4)
            if hinted:
                masks = torch.stack(
                    [_hint(prompts[i], logits[i], tile, size, low, side) for i in index]
                )
            yield Group(tuple(index), points, labels, boxes, masks)


def _inside(prompt: Prompts, tile: Tile) -> tuple[np.ndarray, np.ndarray]:
    """Points and signs that the tile sees."""
    r0, c0, r1, c1 = tile.window.outer
    rows, cols = prompt.points.T if len(prompt.points) else (np.zeros(0), np.zeros(0))
    seen = (rows >= r0 - 0.5) & (rows <= r1) & (cols >= c0 - 0.5) & (cols <= c1)
    return prompt.points[seen], prompt.signs[seen]


def _scaled(points: np.ndarray, tile: Tile, size: tuple[int, int]) -> Tensor:
    """(..., 2) rows and columns of the frame as x and y of the network's input."""
    corner = np.array(tile.window.outer[:2])
    scale = np.array(size) / np.array(tile.shape)
    local = np.clip(points - corner, -0.5, tile.shape)
    return torch.from_numpy((local * scale)[..., ::-1].copy())


def _hint(
    prompt: Prompts,
    logits: np.ndarray | None,
    tile: Tile,
    size: tuple[int, int],
    low: tuple[int, int],
    side: int,
) -> Tensor:
    """(1, row, column) low-resolution logits of an earlier round."""
    if logits is not None:
        if logits.shape != low:
            raise InputError(f"earlier logits of {logits.shape} came; this model's are {low}")
        return torch.from_numpy(np.asarray(logits, np.float32))[None]
    assert prompt.mask is not None
    mask = torch.from_numpy(np.asarray(prompt.mask[tile.window.slices], np.float32))
    share = low[0] / side
    small = max(round(size[0] * share), 1), max(round(size[1] * share), 1)
    shown = F.interpolate(mask[None, None], small, mode="bilinear", antialias=True)[0]
    shown = F.pad(shown, (0, low[1] - small[1], 0, low[0] - small[0]))
    return torch.logit(shown.clamp(SURE, 1 - SURE))
