"""Focal loss of the overlap head, weighted by a map of how likely an overlap is.

Source: Prytula 2023 (P4) 4.3, Eq. 4.5, and 5.4, Eq. 5.1; focal loss by Lin et al. 2018 (arXiv
1708.02002), its two-class form with alpha and gamma.
Licence: our own code (BSD-3-Clause), written from the papers.

The thesis gives three ways to use its map P, which is high where an overlap is likely. With y
the annotation and L the focal loss of a pixel they are, to the letter:

``target`` (Eq. 4.5): y is replaced by y (1 - P).
    P counts on annotated overlaps only. Where they are likeliest the target is lowest, so the
    answer is confident only on unlikely overlaps; what is predicted elsewhere costs the same
    with any map. (That a threshold of 0.3 is used "to target the low confidence problem" fits.)
``complement`` (text of 4.3): L is multiplied by 1 - P.
    Where overlaps are likely both errors cost little, missed ones included; far from other
    cells a false overlap costs most, which is what the text wants. With P = 1 on annotated
    overlaps nothing is left to learn them from.
``map`` (Eq. 5.1): L is multiplied by P.
    The other way round: errors count where overlaps are likely, and hardly where they are not.
``relaxed`` (not in the thesis): L is multiplied by 1 - P (1 - y).
    As ``complement``, but annotated overlaps keep their full weight. The author's later public
    code does so: it takes the complement of a map and sets annotated overlaps to 1 again
    (SlavkoPrytula/IAUNet, dataset/datasets/backup/brightfiled_backup_v2.py at 836185a).
``none``: L alone.

For the first two to favour overlaps in likely places P would have to be the *complement* of the
likelihood: `invert` puts 1 - P in the place of P. Then ``target`` gives y P, ``complement`` is
``map`` and ``map`` is ``complement``. A map whose highest value is below 1 keeps the letter usable.

Deviations: the thesis states neither alpha nor gamma (ours: 0.25 and 2, those of Lin et al.)
nor a weight of this loss beside the others (ours: an argument).
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor
from torch.nn import functional

from cellwright.losses.weighted import WeightedSum

WEIGHTINGS = ("none", "target", "complement", "map", "relaxed")


def focal(logits: Tensor, target: Tensor, *, alpha: float = 0.25, gamma: float = 2.0) -> Tensor:
    """Binary focal loss of every pixel (P4 Eq. 4.5), float32, of the same shape.

    Both terms are weighted by the target as they stand in the equation, so that targets
    between 0 and 1 are allowed; for 0 and 1 it is the loss of Lin et al.

    Parameters
    ----------
    logits, target
        Same shape; targets in [0, 1].
    alpha
        Weight of the positive term, 1 - alpha that of the negative one, in [0, 1].
    gamma
        0 or more; the higher, the less easy pixels count.
    """
    logits, target = logits.float(), target.float()
    yes, no = functional.logsigmoid(logits), functional.logsigmoid(-logits)
    positive = alpha * (gamma * no).exp() * target * yes
    negative = (1 - alpha) * (gamma * yes).exp() * (1 - target) * no
    return -(positive + negative)


def overlap_focal(
    logits: Tensor,
    target: Tensor,
    likelihood: Tensor | None = None,
    *,
    weighting: str = "none",
    invert: bool = False,
    alpha: float = 0.25,
    gamma: float = 2.0,
) -> Tensor:
    """Mean focal loss over pixels, weighted by the map as the head of this file says.

    Parameters
    ----------
    logits, target, likelihood
        Same shape; `likelihood` in [0, 1], needed unless `weighting` is "none".
    weighting
        One of `WEIGHTINGS`.
    invert
        Whether P is one minus the likelihood.
    alpha, gamma
        As of `focal`.
    """
    if weighting == "none":
        return focal(logits, target, alpha=alpha, gamma=gamma).mean()
    if likelihood is None:
        raise ValueError(f"weighting {weighting!r} came without a map: give one, or take 'none'")
    p = 1 - likelihood.float() if invert else likelihood.float()
    if weighting == "target":
        return focal(logits, target.float() * (1 - p), alpha=alpha, gamma=gamma).mean()
    weights = {"complement": 1 - p, "map": p, "relaxed": 1 - p * (1 - target.float())}
    return (weights[weighting] * focal(logits, target, alpha=alpha, gamma=gamma)).mean()


class OverlapCriterion:
    """A weighted sum over the heads of the cells, and the focal loss of the overlap head.

    Parameters
    ----------
    weights
        By the name of the map, "overlap" among them.
    weighting, invert, alpha, gamma
        As of `overlap_focal`.

    Raises
    ------
    ValueError
        No weight of "overlap", an unknown weighting, alpha out of [0, 1], gamma below 0.
    """

    def __init__(
        self,
        weights: Mapping[str, float],
        *,
        weighting: str = "none",
        invert: bool = False,
        alpha: float = 0.25,
        gamma: float = 2.0,
    ) -> None:
        if "overlap" not in weights or not weights["overlap"] >= 0:
            raise ValueError(
                f"weights {dict(weights)} came: one of 0 or more for overlap is wanted"
            )
        if weighting not in WEIGHTINGS:
            raise ValueError(f"weighting {weighting!r} came: one of {', '.join(WEIGHTINGS)}")
        if not (0 <= alpha <= 1 and gamma >= 0):
            raise ValueError(f"alpha {alpha} and gamma {gamma} came: [0, 1] and 0 or more")
        self.heads = WeightedSum({k: w for k, w in weights.items() if k != "overlap"})
        self.weight = weights["overlap"]
        self.weighting, self.invert = weighting, invert
        self.alpha, self.gamma = alpha, gamma

    def __call__(
        self, logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
    ) -> dict[str, Tensor]:
        """Weighted losses by name; the map is the target "likelihood"."""
        others = {name: value for name, value in logits.items() if name != "overlap"}
        overlap = overlap_focal(
            logits["overlap"],
            targets["overlap"],
            targets.get("likelihood"),
            weighting=self.weighting,
            invert=self.invert,
            alpha=self.alpha,
            gamma=self.gamma,
        )
        return {**self.heads(others, targets), "overlap": self.weight * overlap}
