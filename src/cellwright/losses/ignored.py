"""Pixels that a criterion over maps does not judge."""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

#: target that is 1 where nothing is known, (image, 1, row, column); optional
IGNORE = "ignore"
#: logit of a certain no, exact in half precision: against a target of 0 it costs nothing
NO = -30.0


def judged(
    logits: Mapping[str, Tensor], targets: Mapping[str, Tensor]
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Maps in which the pixels of the target ``ignore`` cost nothing and have no gradient.

    They become a certain no where none is: every loss over maps behind a sigmoid, mean or Dice, is
    0 there. Means still divide by all pixels, so that the others weigh what they weighed before.

    Parameters
    ----------
    logits, targets
        By name (image, channel, row, column); all of one number of rows and columns. What is
        ignored is any pixel where ``ignore`` is above 0; interpolated edges are.

    Returns
    -------
    tuple
        Logits, and targets without ``ignore``; as they came where there is none.
    """
    rest = {name: value for name, value in targets.items() if name != IGNORE}
    if IGNORE not in targets:
        return dict(logits), rest
    unknown = targets[IGNORE] > 0
    return (
        {name: value.masked_fill(unknown, NO) for name, value in logits.items()},
        {name: value.masked_fill(unknown, 0) for name, value in rest.items()},
    )
