"""Which mask files belong to which image."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from pathlib import Path

from cellwright.plate.names import Pattern
from cellwright.types import InputError, Tag

_ENDINGS = re.compile(
    r"[ ._-]+(cp[ _-]?)?(masks?|labels?|gt|seg|outlines?|rois?|roiset|ground[ _-]?truth|"
    r"instances?)$",
    re.IGNORECASE,
)


def base(stem: str) -> str:
    """A mask's stem without an ending such as ``_masks``, ``-labels``, ``_ground_truth``."""
    return _ENDINGS.sub("", stem)


def pair_by_stem(
    images: Mapping[str, Sequence[str]], masks: Mapping[Path, str]
) -> dict[str, list[Path]]:
    """Masks by image name; a mask fits if its stem, with or without its ending, is the image's.

    Parameters
    ----------
    images
        Stems that stand for each image, by image name.
    masks
        Stem of each mask file.
    """
    exact: dict[str, list[Path]] = {}
    loose: dict[str, list[Path]] = {}
    for path, stem in masks.items():
        exact.setdefault(stem, []).append(path)
        if base(stem) != stem:
            loose.setdefault(base(stem), []).append(path)
    found = {}
    for name, stems in images.items():
        hits = next((m[s] for m in (exact, loose) for s in stems if s in m), None)
        if hits:
            found[name] = hits
    return found


def pair_by_pattern(
    images: Mapping[str, Mapping[str, Tag]], masks: Sequence[Path], pattern: Pattern
) -> dict[str, list[Path]]:
    """Masks by image name, joined by the fields that `pattern` shares with the images' tags.

    Raises
    ------
    InputError
        If no mask name fits the pattern, nothing is shared, or the shared fields do not tell
        the images apart.
    """
    parsed = {m: tags for m in masks if (tags := pattern.parse(m)) is not None}
    if not parsed:
        raise InputError(
            f"--mask-pattern {pattern.text!r} fits none of {len(masks)} mask files, "
            f"such as {masks[0].name!r}"
            if masks
            else "no mask file was found"
        )
    tags_of_images = {k for tags in images.values() for k in tags}
    shared = [f for f in pattern.fields if f in tags_of_images]
    if not shared:
        raise InputError(
            f"--mask-pattern {pattern.text!r} shares no field with the tags of the images "
            f"({', '.join(sorted(tags_of_images)) or 'none: set --pattern'})"
        )
    owner: dict[tuple[str, ...], str] = {}
    for name, known in images.items():
        key = tuple(str(known.get(s)) for s in shared)
        if key in owner:
            raise InputError(
                f"images {owner[key]!r} and {name!r} both have {', '.join(shared)} = "
                f"{', '.join(key)}; name in both patterns what tells them apart"
            )
        owner[key] = name
    found: dict[str, list[Path]] = {}
    for path, own in parsed.items():
        image = owner.get(tuple(str(own.get(s)) for s in shared))
        if image is not None:
            found.setdefault(image, []).append(path)
    return found
