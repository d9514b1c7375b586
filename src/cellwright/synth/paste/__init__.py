"""New labelled images from cut-out cells on drawn backgrounds (P3, section 3.1; P4, 4.4.1)."""

from __future__ import annotations

from cellwright.synth.paste.canvas import Canvas
from cellwright.synth.paste.compose import ADDED, COVERING, Compose, compose
from cellwright.synth.paste.cutouts import Cutout, Source
from cellwright.synth.paste.ground import Ground, ground_of
from cellwright.synth.paste.warp import Warp, warped

__all__ = [
    "ADDED",
    "COVERING",
    "Canvas",
    "Compose",
    "Cutout",
    "Ground",
    "Source",
    "Warp",
    "compose",
    "ground_of",
    "warped",
]
