"""Called cells for a human to look at: all channels side by side, plain and with signals marked."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from scipy import ndimage

from cellwright.report.html import Html, escape
from cellwright.report.layers import compressed, framed

OUTLINE, SIGNAL, OTHER = (255, 176, 0), (86, 200, 255), (120, 130, 140)
_PANEL = 120
_GAP = 4
_RING = 7.0
_LIMIT = 24_000


def cell_picture(
    crop: np.ndarray,
    mask: np.ndarray,
    signals: Sequence[tuple[int, float, float, bool]],
) -> np.ndarray:
    """Two rows of panels: the channels as they are, and with outline and signals.

    Parameters
    ----------
    crop
        uint8 (channel, row, column), the nuclei first.
    mask
        (row, column) bool of the nucleus in the crop.
    signals
        Channel (1 is the first probe), row and column in the crop, and whether the signal is
        the cell's own; others are drawn grey.

    Returns
    -------
    ndarray
        uint8 (row, column, RGB).
    """
    channels, rows, cols = crop.shape
    scale = max(1.0, _PANEL / max(rows, cols))
    high, wide = round(rows * scale), round(cols * scale)
    width = channels * wide + (channels - 1) * _GAP
    picture = np.full((2 * high + _GAP, width, 3), 255, np.uint8)
    edge = _edge(_scaled(mask.astype(np.uint8) * 255, (high, wide)) > 127)
    for c in range(channels):
        panel = np.repeat(_scaled(crop[c], (high, wide))[..., None], 3, axis=2)
        left = c * (wide + _GAP)
        picture[:high, left : left + wide] = panel
        marked = panel.copy()
        marked[edge] = OUTLINE
        for channel, row, column, own in signals:
            if channel == c:
                middle = (row + 0.5) * scale - 0.5, (column + 0.5) * scale - 0.5
                marked[_ring((high, wide), middle)] = SIGNAL if own else OTHER
        picture[high + _GAP :, left : left + wide] = marked
    return picture


def cell_figure(
    picture: np.ndarray,
    *,
    image: str,
    cell: int,
    call: str,
    by_hand: str,
    words: str,
) -> Html:
    """A cell's picture with its counts; the page's script adds the choice of a call to it.

    Parameters
    ----------
    picture
        From `cell_picture`.
    image, cell
        Name of the image and number of the cell in it.
    call, by_hand
        What the rule says, and what a human said ("" for nothing).
    words
        Counts and reasons.
    """
    said = f", by hand: {by_hand}" if by_hand else ""
    caption = Html(
        f"<strong>{escape(image)}, cell {cell}: {escape(call)}{escape(said)}</strong><br>"
        f'<span>{escape(words)}</span> <span class="fish-call" data-image="{escape(image)}" '
        f'data-cell="{cell}" data-call="{escape(call)}" data-hand="{escape(by_hand)}"></span>'
    )
    base = compressed(picture, limit=_LIMIT)
    name = f"{image}, cell {cell}"
    return framed(base, (), caption, name, shape=picture.shape[:2])


def cell_gallery(figures: Sequence[Html]) -> Html:
    """Figures of cells side by side, wide enough for all channels."""
    style = "grid-template-columns:repeat(auto-fill,minmax(min(100%,480px),1fr))"
    return Html(f'<div class="gallery" style="{style}">{"".join(figures)}</div>')


def _scaled(plane: np.ndarray, shape: tuple[int, int]) -> np.ndarray:
    from PIL import Image as Pillow

    picture = Pillow.fromarray(plane).resize(shape[::-1], Pillow.Resampling.BICUBIC)
    return np.asarray(picture)


def _edge(mask: np.ndarray) -> np.ndarray:
    return mask & ~ndimage.binary_erosion(mask, border_value=1)


def _ring(shape: tuple[int, int], middle: tuple[float, float]) -> np.ndarray:
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    return np.abs(np.hypot(rows - middle[0], cols - middle[1]) - _RING) < 0.75
