"""One image's truth and prediction side by side: what every metric starts from, found once."""

from __future__ import annotations

from functools import cached_property

import numpy as np

from cellwright.evaluate.assign import assign
from cellwright.evaluate.classes import check_same_frame, class_labels, crowds
from cellwright.evaluate.pairs import Pairs, box_pairs, mask_pairs
from cellwright.types import Instances


class Comparison:
    """True and predicted cells of one image, with the pairs that share pixels.

    Everything is found when it is first asked for and kept as long as the comparison lives,
    so that a dozen metrics of one image look at its masks once.

    Parameters
    ----------
    truth, pred
        Cells of the same image; masks may overlap on either side.

    Raises
    ------
    InputError
        If the frames differ or a class is predicted that the truth does not have.

    Examples
    --------
    >>> truth = Instances((1, 8), [[0, 0, 1, 4]], [np.ones((1, 4))])
    >>> pred = Instances((1, 8), [[0, 0, 1, 3], [0, 6, 1, 8]], [np.ones((1, 3)), np.ones((1, 2))])
    >>> seen = Comparison(truth, pred)
    >>> seen.masks.iou.tolist(), seen.matched(0.5).j.tolist(), seen.missed(0.5).tolist()
    ([0.75], [0], [False])
    """

    def __init__(self, truth: Instances, pred: Instances) -> None:
        check_same_frame(truth, pred)
        self.truth, self.pred = truth, pred
        self.true_names, self.pred_names = class_labels(truth, pred)
        self.crowd = crowds(truth)
        self._matched: dict[tuple[float, bool, bool], Pairs] = {}

    @cached_property
    def true_areas(self) -> np.ndarray:
        """(N,) int64, pixels of each true mask."""
        return self.truth.areas

    @cached_property
    def pred_areas(self) -> np.ndarray:
        """(M,) int64, pixels of each predicted mask."""
        return self.pred.areas

    @cached_property
    def pred_box_areas(self) -> np.ndarray:
        """(M,) int64, pixels of each predicted box."""
        sides = self.pred.boxes[:, 2:] - self.pred.boxes[:, :2]
        return sides[:, 0] * sides[:, 1]

    @cached_property
    def masks(self) -> Pairs:
        """Pairs of masks that share pixels: every class with every class, crowds among them."""
        return mask_pairs(self.truth, self.pred, self.true_areas, self.pred_areas)

    @cached_property
    def boxes(self) -> Pairs:
        """Pairs of boxes that share pixels: every class with every class, crowds among them."""
        return box_pairs(self.truth.boxes, self.pred.boxes)

    def overlaps(self, *, boxes: bool = False, any_class: bool = False) -> Pairs:
        """Pairs of a real true cell (no crowd) and a prediction, of one class unless any may be."""
        found = self.boxes if boxes else self.masks
        keep = ~self.crowd[found.i]
        if not any_class:
            keep &= np.asarray(self.true_names[found.i] == self.pred_names[found.j], dtype=bool)
        return found.pick(keep)

    def matched(self, threshold: float, *, boxes: bool = False, any_class: bool = False) -> Pairs:
        """The one-to-one pairs with IoU >= `threshold`: most pairs first, then the largest sum.

        Of predictions that fit equally well the one of the true class is taken, then the one with
        the best score. Sorted by the true cell; see `assign`.
        """
        key = (float(threshold), boxes, any_class)
        if key not in self._matched:
            found = self.overlaps(boxes=boxes, any_class=any_class)
            wish = self.pred.scores[found.j]
            if any_class:
                alike = np.asarray(self.true_names[found.i] == self.pred_names[found.j], float)
                wish = (2 * alike + wish) / 3
            chosen = assign(found.i, found.j, found.iou, threshold, prefer=wish)
            self._matched[key] = found.pick(chosen)
        return self._matched[key]

    def missed(self, threshold: float, *, any_class: bool = False) -> np.ndarray:
        """(N,) bool: true cells, crowds apart, without a match at this IoU."""
        lost = ~self.crowd
        lost[self.matched(threshold, any_class=any_class).i] = False
        return lost

    def spurious(self, threshold: float, *, any_class: bool = False) -> np.ndarray:
        """(M,) bool: predictions without a match, those that lie in a crowd apart.

        A prediction lies in a crowd if at least the threshold's share of it does (COCO's rule).
        """
        wrong = np.ones(len(self.pred), dtype=bool)
        wrong[self.matched(threshold, any_class=any_class).j] = False
        return wrong & (self._in_crowd < threshold)

    @cached_property
    def _in_crowd(self) -> np.ndarray:
        """(M,) largest share of each prediction that lies in one crowd region of its class."""
        inside = np.zeros(len(self.pred))
        found = self.masks
        keep = self.crowd[found.i]
        keep &= np.asarray(self.true_names[found.i] == self.pred_names[found.j], dtype=bool)
        found = found.pick(keep)
        np.maximum.at(inside, found.j, found.shared / self.pred_areas[found.j])
        return inside
