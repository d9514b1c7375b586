"""Measurements of cells: size, form, position, intensity."""

from cellwright.measure.regions import measure

__all__ = ["measure"]
