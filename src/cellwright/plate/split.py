"""Parts of a data set (train, val, test) that share no field."""

from __future__ import annotations

import re
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from cellwright.plate.tags import TagRule, conditions, fits
from cellwright.types import InputError, Tag

SPLIT = "split"
"""The tag that says to which part an image belongs."""
REST = "train"
"""The part of all images that no rule takes, unless there is a rule for it."""

_SHARE = re.compile(r"(?:0?\.[0-9]+|[0-9]+(?:\.[0-9]+)?\s*%)")


@dataclass(frozen=True)
class SplitRules:
    """Which part an image belongs to.

    Parameters
    ----------
    by_tag
        Rules that name tags; of several that fit the first counts.
    shares
        Parts drawn at random from what no rule takes, each with its share of all groups.
    """

    by_tag: tuple[TagRule, ...]
    shares: tuple[tuple[str, float], ...]

    @property
    def parts(self) -> tuple[str, ...]:
        """Names of the parts that are spoken of."""
        named = [str(r.value) for r in self.by_tag] + [name for name, _ in self.shares]
        return tuple(dict.fromkeys(named))


def split_rules(texts: Sequence[str]) -> SplitRules:
    """Rules from texts such as ``val:position=14``, ``test:well=A*,B*`` and ``val:0.2``.

    Raises
    ------
    InputError
        For other texts, or shares that are more than all there is.
    """
    by_tag, shares = [], []
    for text in texts:
        name, sign, where = (part.strip() for part in text.partition(":"))
        if not sign or not name or not where or "=" in name:
            raise InputError(
                f"--split {text!r} came; NAME:TAG=VALUE is wanted, such as val:position=14, or a "
                "share of the fields, such as val:0.2"
            )
        if _SHARE.fullmatch(where):
            percent = where.endswith("%")
            share = float(where.rstrip("% ")) / (100 if percent else 1)
            shares.append((name, share))
        else:
            by_tag.append(TagRule(SPLIT, name, conditions(where)))
    names = [name for name, _ in shares]
    if len(set(names)) < len(names):
        raise InputError(f"--split gives {max(names, key=names.count)!r} two shares; one is wanted")
    if sum(share for _, share in shares) > 1 + 1e-9:
        raise InputError("--split gives shares of more than 1 in all; 1 or less is wanted")
    return SplitRules(tuple(by_tag), tuple(shares))


def assign(
    images: Sequence[Mapping[str, Tag]],
    groups: Sequence[Hashable],
    by: SplitRules,
    *,
    seed: int = 0,
) -> list[str | None]:
    """The part of each image, so that a group is never on two sides.

    Parameters
    ----------
    images
        Tags of each image, its ``name`` among them.
    groups
        What may not be divided: the field of each image, or its position, well ...
    by
        The rules.
    seed
        Draws the groups of `SplitRules.shares`; the same groups give the same parts, whatever
        their order.

    Returns
    -------
    list
        What no rule takes is ``train``, or None if a rule for train leaves it out.

    Raises
    ------
    InputError
        If a rule would divide a group.
    """
    found = [
        next((str(r.value) for r in by.by_tag if fits(tags, r.where)), None) for tags in images
    ]
    undecided = [g for g, part in zip(groups, found, strict=True) if part is None]
    decided = {g for g, part in zip(groups, found, strict=True) if part is not None}
    free = sorted({g for g in undecided if g not in decided}, key=repr)
    drawn = _drawn(free, len(set(groups)), by.shares, seed)
    rest = None if REST in by.parts else REST
    out = [
        part if part is not None else drawn.get(group, rest)
        for part, group in zip(found, groups, strict=True)
    ]
    check_groups(images, groups, out)
    return out


def _drawn(
    free: Sequence[Hashable], total: int, shares: Sequence[tuple[str, float]], seed: int
) -> dict[Hashable, str]:
    """Parts of groups drawn at random: each share of `total`, as far as `free` goes."""
    order = np.random.default_rng(seed).permutation(len(free))
    out: dict[Hashable, str] = {}
    start, reached = 0, 0.0
    for name, share in shares:
        reached += share
        stop = min(len(free), round(reached * total))
        out |= {free[i]: name for i in order[start:stop]}
        start = stop
    return out


def check_groups(
    images: Sequence[Mapping[str, Tag]], groups: Sequence[Hashable], parts: Sequence[str | None]
) -> None:
    """Raise InputError if a group has images in two parts."""
    seen: dict[Hashable, tuple[str | None, Tag]] = {}
    for tags, group, part in zip(images, groups, parts, strict=True):
        before, name = seen.setdefault(group, (part, tags.get("name", "?")))
        if before != part:
            raise InputError(
                f"{name!r} would be in {before or 'no part'} and {tags.get('name', '?')!r} in "
                f"{part or 'no part'}, but both are of {_words(group)}; split by a tag that keeps "
                "them together"
            )


def group_of(tags: Mapping[str, Tag], by: Sequence[str], field: str) -> tuple[tuple[str, str], ...]:
    """What an image must not be divided from: its values of the tags `by`, else its field.

    Raises
    ------
    InputError
        If it lacks one of these tags.
    """
    if not by:
        return (("field", field),)
    lacking = [key for key in by if key not in tags]
    if lacking:
        known = ", ".join(k for k in tags if k != "name")
        raise InputError(
            f"--group {lacking[0]}: {tags.get('name', 'an image')!r} has no such tag; it has "
            f"{known or 'none'}"
        )
    return tuple((key, str(tags[key])) for key in by)


def _words(group: Hashable) -> str:
    if isinstance(group, tuple):
        return ", ".join(f"{key} {value}" for key, value in group)
    return str(group)
