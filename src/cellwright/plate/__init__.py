"""Plates: what file names say, and which files are planes of one field."""

from cellwright.plate.fields import Field, Problem, group, problems
from cellwright.plate.names import DEFAULT_PATTERNS, Pattern, detect, parse

__all__ = [
    "DEFAULT_PATTERNS",
    "Field",
    "Pattern",
    "Problem",
    "detect",
    "group",
    "parse",
    "problems",
]
