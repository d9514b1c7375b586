"""Weighted sums of a loss per map.

Source: P4 Eq. 4.2, a weighted linear combination of the binary cross-entropies (Eq. 4.1) of the
heads. The thesis gives no values for its four lambdas; 1 each is what we begin with.
Licence: our own code (BSD-3-Clause), written from the paper.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from torch import Tensor

from cellwright.losses.pixel import cross_entropy


class WeightedSum:
    """One loss for each map, each times its weight.

    Parameters
    ----------
    weights
        By the name of the map, 0 or more; every map of the network has one.
    loss
        From logits and targets, both (image, channel, row, column), to a number.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        loss: Callable[[Tensor, Tensor], Tensor] = cross_entropy,
    ) -> None:
        if not weights or any(not w >= 0 for w in weights.values()):
            raise ValueError(f"weights {dict(weights)} came: one of 0 or more per map is wanted")
        self.weights = dict(weights)
        self.loss = loss

    def __call__(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Weighted losses by name; targets without logits (weights of pixels) are left alone."""
        if set(logits) != set(self.weights):
            raise ValueError(
                f"logits of {sorted(logits)} came for weights of {sorted(self.weights)}: "
                "one weight per map is wanted"
            )
        return {
            name: weight * self.loss(logits[name], targets[name])
            for name, weight in self.weights.items()
        }
