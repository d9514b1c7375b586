"""Plates: what file names say, and which files are planes of one field."""

from cellwright.plate.fields import Field, Problem, group, problems
from cellwright.plate.grammar import Grammar, detect
from cellwright.plate.names import Pattern, parse

__all__ = [
    "Field",
    "Grammar",
    "Pattern",
    "Problem",
    "detect",
    "group",
    "parse",
    "problems",
]
