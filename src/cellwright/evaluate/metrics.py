"""Every metric that comes from sums over images, in the order of the report."""

from __future__ import annotations

from cellwright.evaluate.aggregated import AGGREGATED
from cellwright.evaluate.boundary import BOUNDARY
from cellwright.evaluate.calibration import CALIBRATION
from cellwright.evaluate.counts import BY_SIZE, COUNTS, SIZES
from cellwright.evaluate.errors import ERRORS
from cellwright.evaluate.match import MATCHING
from cellwright.evaluate.matched import MATCHED
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.overlapped import OVERLAP, OVERLAPPED
from cellwright.evaluate.panoptic import PANOPTIC
from cellwright.evaluate.partition import PARTITION
from cellwright.evaluate.pixel import PIXEL
from cellwright.evaluate.pixel_classes import PIXEL_CLASSES
from cellwright.types import InputError

METRICS: tuple[Metric, ...] = (
    MATCHING,
    MATCHED,
    PANOPTIC,
    AGGREGATED,
    PIXEL,
    PIXEL_CLASSES,
    PARTITION,
    BOUNDARY,
    OVERLAP,
    OVERLAPPED,
    ERRORS,
    COUNTS,
    SIZES,
    BY_SIZE,
    CALIBRATION,
)


def metric(name: str) -> Metric:
    """The metric of that name.

    Raises
    ------
    InputError
        If there is none; the message lists all.

    Examples
    --------
    >>> metric("pixel").summary
    'Foreground pixels, whatever cell they belong to'
    """
    for known in METRICS:
        if known.name == name:
            return known
    raise InputError(f"there is no metric {name!r}: known are {', '.join(m.name for m in METRICS)}")
