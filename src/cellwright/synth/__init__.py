"""Simulated fields of cells with exact truth."""

from __future__ import annotations

from cellwright.synth.fish import FishStain, simulate_fish
from cellwright.synth.growth import simulate_growth
from cellwright.synth.optics import Microscope
from cellwright.synth.picture import MODALITIES
from cellwright.synth.shapes import KINDS, CellKind
from cellwright.synth.simulate import simulate_field
from cellwright.synth.vitality import Vitality

__all__ = [
    "KINDS",
    "MODALITIES",
    "CellKind",
    "FishStain",
    "Microscope",
    "Vitality",
    "simulate_field",
    "simulate_fish",
    "simulate_growth",
]
