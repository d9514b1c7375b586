"""Every metric that comes from sums over images, in the order of the report."""

from __future__ import annotations

from cellwright.evaluate.match import MATCHING
from cellwright.evaluate.metric import Metric
from cellwright.evaluate.pixel import PIXEL
from cellwright.types import InputError

METRICS: tuple[Metric, ...] = (PIXEL, MATCHING)


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
