"""Which images are trained on and which are kept to watch the loss and tune thresholds."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Mapping, Sequence

from cellwright.types import InputError, Tag

log = logging.getLogger(__name__)


def tuning_fold(
    names: Sequence[str], tags: Sequence[Mapping[str, Tag]], *, fraction: float
) -> tuple[list[int], list[int]]:
    """Indices to train on and indices of the tuning fold; a field is never on both sides.

    The fold is fixed by the names of the fields alone: the same images give the same
    fold whatever their order and the seed.

    Parameters
    ----------
    names
        Image names.
    tags
        Tags of each image; images that share a `field` stay together.
    fraction
        Part of the fields kept for the fold: at least one, and one is left to train on.

    Raises
    ------
    InputError
        If there are no images, or the fraction is not in [0, 1).
    """
    if not names:
        raise InputError("there are no labelled images to train on; label some first")
    if not 0 <= fraction < 1:
        raise InputError(f"the fold's fraction is {fraction}; it must be at least 0 and below 1")
    fields = [str(t.get("field", n)) for n, t in zip(names, tags, strict=True)]
    order = sorted(set(fields), key=lambda f: hashlib.sha256(f.encode()).hexdigest())
    everything = list(range(len(names)))
    if len(order) == 1 or fraction == 0:
        log.warning(
            "no image is kept for tuning: thresholds are chosen on the training images; "
            "more fields or --val give honest ones"
        )
        return everything, everything
    count = min(max(1, round(fraction * len(order))), len(order) - 1)
    kept = set(order[:count])
    return (
        [i for i in everything if fields[i] not in kept],
        [i for i in everything if fields[i] in kept],
    )
