"""Divide a data set that is there into parts that share no field."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from cellwright.formats import open_dataset
from cellwright.formats.retag import retag
from cellwright.plate.split import SPLIT, assign, group_of, split_rules
from cellwright.plate.tags import fits
from cellwright.steps.importing.splits import field_of
from cellwright.steps.result import StepResult
from cellwright.types import InputError

log = logging.getLogger(__name__)


def split_dataset(
    dataset: str | Path,
    *,
    split: Sequence[str],
    group: Sequence[str] = (),
    seed: int = 0,
    quiet: bool = False,
) -> StepResult:
    """Give each image of a data set the tag ``split``; an earlier one is replaced.

    Parameters
    ----------
    dataset
        Data set folder; its annotation file is written anew, its images stay as they are.
    split
        Rules ``val:position=14``, ``test:well=A*,B*`` or shares of the fields ``val:0.2``. What
        none takes is "train", or nothing if there is a rule for train.
    group
        Tags of what may not be divided, such as ``position``; by default images of one field
        (the tag ``field`` or where the import put them) stay together.
    seed
        Draws the fields of shares.
    quiet
        No line in the log about the parts.

    Returns
    -------
    StepResult
        ``details["parts"]`` counts the images of each part.

    Raises
    ------
    InputError
        If a group would be divided, or a rule fits no image.
    """
    data = open_dataset(dataset)
    by = split_rules(split)
    images = []
    for i, name in enumerate(data.names):
        tags = data.tags(i)
        tags.pop(SPLIT, None)
        images.append({**tags, "name": name})
    groups = [group_of(t, group, field_of(data.record(i))) for i, t in enumerate(images)]
    for rule in by.by_tag:
        if not any(fits(tags, rule.where) for tags in images):
            where = ", ".join(f"{k}={','.join(v)}" for k, v in rule.where.items())
            raise InputError(f"--split {rule.value}:{where}: no image of {dataset} has that tag")
    parts = assign(images, groups, by, seed=seed)
    new = {}
    for tags, part in zip(images, parts, strict=True):
        name = str(tags.pop("name"))
        new[name] = {**tags, SPLIT: part} if part is not None else tags
    retag(data.file.path, new)
    count = Counter(part or "in no part" for part in parts)
    if not quiet:
        log.info("%s: %s", dataset, ", ".join(f"{n} {part}" for part, n in sorted(count.items())))
    return StepResult(Path(dataset), len(parts), details={"parts": dict(sorted(count.items()))})
