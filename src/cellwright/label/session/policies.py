"""What a commit does where earlier cells lie already.

The words are those of micro-SAM's "preservation mode", so that its users find what they know:

``allow``
    Both keep the pixels they share (amodal masks). micro-SAM has no such mode, as its label
    layer holds one number per pixel.
``keep-pixels``
    Pixels that were committed stay with their cells; the new cell gets the rest. If nothing is
    left, it is not committed (micro-SAM: "pixels").
``keep-objects``
    Cells that were committed stay as objects: a new cell that covers `PRESERVED` or more of an
    earlier one is taken for the same cell again and is not committed. Otherwise the new cell
    gets all its pixels, and the earlier ones lose those they share with it (micro-SAM:
    "objects").

Only cells on a common plane count. Nothing is ever lost silently: the cut is part of the record
of the commit, and one undo takes back both.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from cellwright.label.session.patch import Patch, meet, shared, without
from cellwright.types import InputError

POLICIES = ("allow", "keep-pixels", "keep-objects")
PRESERVED = 0.75
"""Part of an earlier cell that a new one covers to be the same cell again; micro-SAM's value."""


@dataclass(frozen=True, slots=True)
class Settled:
    """A new mask after the policy was applied.

    Parameters
    ----------
    patch
        Pixels that the new cell gets; None if it is not committed.
    cuts
        Pixels that earlier cells lose, by id.
    reason
        Why the new cell is not committed.
    """

    patch: Patch | None
    cuts: dict[str, Patch] = field(default_factory=dict)
    reason: str = ""


def check_policy(policy: str) -> str:
    """Give `policy` back if there is one of that name, else raise InputError."""
    if policy not in POLICIES:
        raise InputError(f"policy {policy!r} is not known; there are {', '.join(POLICIES)}")
    return policy


def settle(patch: Patch, earlier: Iterable[tuple[str, Patch]], policy: str) -> Settled:
    """Divide pixels between a new mask and `earlier` cells (id, pixels) on its planes."""
    if policy == "allow":
        return Settled(patch)
    over: list[tuple[str, Patch, Patch]] = []
    for id, old in earlier:
        both = shared(patch, old) if meet(patch.box, old.box) else None
        if both:
            over.append((id, old, both))
    if policy == "keep-pixels":
        left: Patch | None = patch
        for _, old, _ in over:
            left = without(left, old) if left else None
        reason = "" if left else f"all its pixels belong to {', '.join(i for i, _, _ in over[:3])}"
        return Settled(left, reason=reason)
    for id, old, both in over:
        if both.area >= PRESERVED * old.area:
            share = f"{both.area / old.area:.0%}"
            return Settled(None, reason=f"it covers {share} of {id}, which is kept")
    return Settled(patch, {id: both for id, _, both in over})
