"""Scores of predicted cells against true cells: matching, pixels, COCO average precision.

Every figure is counted first and divided last. One convention holds for all ratios of
counts: 0 / 0 is 0. Average precision that is not defined (no truth in an area bin) is None.
"""

from cellwright.evaluate.coco import COCO_AREAS, LIVECELL_AREAS, AveragePrecision
from cellwright.evaluate.match import THRESHOLDS, MatchCounts, match, pairs
from cellwright.evaluate.pixel import PixelCounts, foreground, pixel_counts
from cellwright.evaluate.scorer import Scorer, score
from cellwright.evaluate.scores import SCHEMA_VERSION, Scores

__all__ = [
    "COCO_AREAS",
    "LIVECELL_AREAS",
    "SCHEMA_VERSION",
    "THRESHOLDS",
    "AveragePrecision",
    "MatchCounts",
    "PixelCounts",
    "Scorer",
    "Scores",
    "foreground",
    "match",
    "pairs",
    "pixel_counts",
    "score",
]
