"""What a metric is: sums counted in one image, and figures divided from sums of any images."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.evaluate.comparison import Comparison
from cellwright.types import Instances

#: Sums by name. In one image each is a number; of many resamples of a set, an array.
Sums = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Metric:
    """A block of figures that come from the same sums.

    Count first, then divide: `count` gives additive sums of one image, `divide` makes figures
    of sums, whether of one image, of a group, of a whole set, or of a thousand resamples of it
    at once (each sum is then an array, and so is each figure).

    Parameters
    ----------
    name
        Name of the block in the scores.
    summary
        What it tells, in one line.
    count
        Comparison of one image -> sums by name; a name that is not there is 0.
    divide
        Sums -> figures by name, which may be nested one level (``{"0.50": {"f1": ...}}``).
        It uses `ratios` only, so that numbers and arrays give the same figures.
    """

    name: str
    summary: str
    count: Callable[[Comparison], dict[str, float]]
    divide: Callable[[Sums], dict[str, Any]]

    def __call__(self, truth: Instances, pred: Instances) -> dict[str, Any]:
        """The figures of one image."""
        return self.divide(self.count(Comparison(truth, pred)))
