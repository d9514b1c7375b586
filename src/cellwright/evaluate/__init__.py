"""Scores of predicted cells against true cells: see docs/metrics.md for what each figure means.

Every figure is counted first and divided last. One convention holds for all ratios of counts:
0 / 0 is 0. A mean of nothing, or an average precision without truth, is not defined (None in the
scores). `METRICS` lists every metric; each has a function of truth and prediction in its module.
"""

from cellwright.evaluate.aggregated import aggregated_jaccard
from cellwright.evaluate.boundary import boundary_scores
from cellwright.evaluate.coco import COCO_AREAS, LIVECELL_AREAS, AveragePrecision
from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.corrections import CORRECTIONS, correct
from cellwright.evaluate.counts import recall_by_size, size_errors
from cellwright.evaluate.hausdorff import hausdorff95
from cellwright.evaluate.headlines import HEADLINES
from cellwright.evaluate.match import THRESHOLDS, MatchCounts, match, pairs
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.metrics import METRICS
from cellwright.evaluate.overlapped import overlap_region
from cellwright.evaluate.panoptic import panoptic_quality
from cellwright.evaluate.partition import partition_scores
from cellwright.evaluate.pixel import PixelCounts, foreground, pixel_counts, pixel_errors
from cellwright.evaluate.scorer import Scorer, score
from cellwright.evaluate.scores import SCHEMA_VERSION, Scores
from cellwright.evaluate.verdict import sentence, sentences

__all__ = [
    "COCO_AREAS",
    "CORRECTIONS",
    "HEADLINES",
    "LIVECELL_AREAS",
    "METRICS",
    "SCHEMA_VERSION",
    "THRESHOLDS",
    "AveragePrecision",
    "Comparison",
    "MatchCounts",
    "Metric",
    "PixelCounts",
    "Scorer",
    "Scores",
    "aggregated_jaccard",
    "boundary_scores",
    "correct",
    "foreground",
    "hausdorff95",
    "match",
    "overlap_region",
    "pairs",
    "panoptic_quality",
    "partition_scores",
    "pixel_counts",
    "pixel_errors",
    "recall_by_size",
    "score",
    "sentence",
    "sentences",
    "size_errors",
]
