"""Losses over dense maps of logits."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional


def cross_entropy(logits: Tensor, target: Tensor) -> Tensor:
    """Mean binary cross-entropy; targets in [0, 1] may be soft (P2, P4 5.2).

    Parameters
    ----------
    logits, target
        Both (image, channel, row, column).
    """
    return functional.binary_cross_entropy_with_logits(logits.float(), target.float())


def soft_dice(logits: Tensor, target: Tensor, *, smooth: float = 1.0) -> Tensor:
    """One minus the soft Dice coefficient, over the whole batch, averaged over channels.

    Milletari et al. 2016 (V-Net), with squared terms left out and `smooth` added to
    numerator and denominator: empty truth and empty prediction give a loss of 0.
    """
    probability, target = logits.float().sigmoid(), target.float()
    over = (0, 2, 3)
    shared = (probability * target).sum(over)
    total = probability.sum(over) + target.sum(over)
    return 1 - ((2 * shared + smooth) / (total + smooth)).mean()


def squared_error(logits: Tensor, target: Tensor) -> Tensor:
    """Mean squared error of the probability, behind the sigmoid (P2 4.3).

    Parameters
    ----------
    logits, target
        Both (image, channel, row, column); targets in [0, 1].
    """
    return functional.mse_loss(logits.float().sigmoid(), target.float())


class ForegroundCriterion:
    """Cross-entropy plus soft Dice on the foreground of each class."""

    def __call__(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Losses by name from maps by name, each (image, class, row, column)."""
        foreground, truth = logits["foreground"], targets["foreground"]
        return {
            "foreground": cross_entropy(foreground, truth),
            "dice": 0.5 * soft_dice(foreground, truth),
        }


class DistanceCriterion(ForegroundCriterion):
    """The foreground losses plus cross-entropy on the normalised distance.

    Cross-entropy against a soft target has its minimum at the target itself and,
    unlike a squared error behind a sigmoid, keeps its gradient far from it.
    """

    def __init__(self, *, distance_weight: float = 2.0) -> None:
        self.distance_weight = distance_weight

    def __call__(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Losses by name from maps by name, each (image, class, row, column)."""
        distance = cross_entropy(logits["distance"], targets["distance"])
        return {**super().__call__(logits, targets), "distance": self.distance_weight * distance}


class BordersCriterion(DistanceCriterion):
    """The losses of foreground and distance plus cross-entropy on the borders between cells."""

    def __init__(self, *, distance_weight: float = 2.0, border_weight: float = 1.0) -> None:
        super().__init__(distance_weight=distance_weight)
        self.border_weight = border_weight

    def __call__(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Losses by name from maps by name, each (image, class, row, column)."""
        border = cross_entropy(logits["border"], targets["border"])
        return {**super().__call__(logits, targets), "border": self.border_weight * border}
