"""Which files are planes of one field; missing and doubled planes are reported, not guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from cellwright.types import Tag

STACKED = ("z", "channel")
"""Tags that number the planes of a field; all others tell fields apart."""

Plane = tuple[Tag | None, Tag | None]
"""(z, channel) of a plane; None where the names do not tell it."""


@dataclass(frozen=True)
class Field:
    """One place on the plate at one time, with the files of its planes.

    Parameters
    ----------
    tags
        What is common to its files.
    planes
        Each file with its (z, channel), sorted.
    """

    tags: Mapping[str, Tag]
    planes: tuple[tuple[Plane, Path], ...]

    @property
    def name(self) -> str:
        """The tags in one word, such as ``day1_t1_position10``."""
        return "_".join(f"{k}{v}" for k, v in self.tags.items()) or "field"

    @property
    def zs(self) -> tuple[Tag | None, ...]:
        """Positions in z, in order."""
        return tuple(dict.fromkeys(z for (z, _), _ in self.planes))

    @property
    def channels(self) -> tuple[Tag | None, ...]:
        """Channels, in order."""
        found = {c for (_, c), _ in self.planes}
        return tuple(sorted(found, key=_rank))


@dataclass(frozen=True)
class Problem:
    """A field that cannot be put together, and why."""

    field: Field
    message: str


def _rank(value: Tag | None) -> tuple[int, float, str]:
    if value is None:
        return (0, 0, "")
    text = str(value)
    return (1, float(text), text) if text.isascii() and text.isdigit() else (2, 0, text)


def group(files: Iterable[tuple[Path, Mapping[str, Tag]]]) -> list[Field]:
    """Group files into fields: files that differ in nothing but z and channel belong together.

    Parameters
    ----------
    files
        Each file with the tags of its name.

    Returns
    -------
    list of Field
        In the order of their first file; planes sorted by z, then by channel.
    """
    found: dict[tuple[tuple[str, Tag], ...], list[tuple[Plane, Path]]] = {}
    for path, tags in files:
        key = tuple((k, v) for k, v in tags.items() if k not in STACKED)
        found.setdefault(key, []).append(((tags.get("z"), tags.get("channel")), path))
    order = lambda p: (_rank(p[0][0]), _rank(p[0][1]), str(p[1]))  # noqa: E731
    return [Field(dict(key), tuple(sorted(planes, key=order))) for key, planes in found.items()]


def problems(fields: Iterable[Field]) -> list[Problem]:
    """Fields with doubled or missing planes.

    A plane is missing if another field has its z and channel, or if the channels of the field
    do not have the same z.
    """
    fields = list(fields)
    expected = {plane for f in fields for plane, _ in f.planes}
    out = []
    for field in fields:
        count = Counter(plane for plane, _ in field.planes)
        doubled = [_name(p) for p, n in count.items() if n > 1]
        full = expected | {(z, c) for z in field.zs for c in field.channels}
        missing = [_name(p) for p in sorted(full - set(count), key=lambda p: tuple(map(_rank, p)))]
        if doubled:
            twice = [str(path.name) for plane, path in field.planes if _name(plane) == doubled[0]]
            out.append(Problem(field, f"{_list(doubled)} twice: {', '.join(twice)}"))
        elif missing:
            out.append(Problem(field, f"missing {_list(missing)}, which other fields or channels "
                               "of the plate have"))  # fmt: skip
    return out


def _list(names: list[str]) -> str:
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def _name(plane: Plane) -> str:
    z, channel = plane
    parts = [f"z{z}"] * (z is not None) + [f"channel {channel}"] * (channel is not None)
    return " ".join(parts) or "the image"
