"""Which files are planes of one field; missing and doubled planes are reported, not guessed."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
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
    order
        Channels that come first, in this order; the others follow by number or name.
    scene
        Which position of a file that holds several, from 0.
    """

    tags: Mapping[str, Tag]
    planes: tuple[tuple[Plane, Path], ...]
    order: tuple[Tag, ...] = ()
    scene: int | None = None

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
        first = tuple(c for c in self.order if c in found)
        return (*first, *sorted(found - set(first), key=_rank))

    @property
    def flat(self) -> tuple[Tag | None, ...]:
        """Channels whose names carry no z while those of other channels do, in order."""
        deep = {c for (z, c), _ in self.planes if z is not None}
        return tuple(c for c in self.channels if c not in deep) if deep else ()

    def only(self, channels: Iterable[Tag | None]) -> Field | None:
        """The field with these channels alone; None if it has none of them."""
        wanted = set(channels)
        planes = tuple((plane, path) for plane, path in self.planes if plane[1] in wanted)
        return replace(self, planes=planes) if planes else None


@dataclass(frozen=True)
class Problem:
    """A field that cannot be put together, and why: the planes it lacks or has twice."""

    field: Field
    message: str
    missing: tuple[Plane, ...] = ()
    doubled: tuple[Plane, ...] = ()


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
    found: dict[frozenset[tuple[str, Tag]], list[tuple[Plane, Path]]] = {}
    common: dict[frozenset[tuple[str, Tag]], dict[str, Tag]] = {}
    for path, tags in files:
        own = {k: v for k, v in tags.items() if k not in STACKED}
        key = frozenset(own.items())
        common.setdefault(key, own)
        found.setdefault(key, []).append(((tags.get("z"), tags.get("channel")), path))
    order = lambda p: (_rank(p[0][0]), _rank(p[0][1]), str(p[1]))  # noqa: E731
    return [Field(common[key], tuple(sorted(planes, key=order))) for key, planes in found.items()]


def problems(fields: Iterable[Field]) -> list[Problem]:
    """Fields with doubled or missing planes.

    A plane is missing if another field whose names have the same tags has its z and channel,
    or if the channels of the field do not have the same z. A channel without z in a field whose
    other channels have one (a projection, a single picture of the field) is whole by itself.
    """
    fields = list(fields)
    expected: dict[frozenset[str], set[Plane]] = {}
    for field in fields:
        kind = expected.setdefault(frozenset(field.tags), set())
        kind.update(plane for plane, _ in field.planes)
    out = []
    for field in fields:
        count = Counter(plane for plane, _ in field.planes)
        doubled = tuple(sorted((p for p, n in count.items() if n > 1), key=_order))
        full = expected[frozenset(field.tags)] | _product(field)
        missing = tuple(sorted(full - set(count), key=_order))
        said = []
        if doubled:
            twice = [path.name for plane, path in field.planes if plane == doubled[0]]
            said.append(f"{_list(doubled)} twice: {', '.join(twice)}")
        if missing:
            said.append(f"missing {_list(missing)}, which other fields or channels of the plate "
                        "have")  # fmt: skip
        if said:
            out.append(Problem(field, "; ".join(said), missing, doubled))
    return out


def _product(field: Field) -> set[Plane]:
    """Every z with every channel that has z at all, and the channels that have none."""
    deep = [c for c in field.channels if c not in field.flat]
    zs = [z for z in field.zs if z is not None or not deep]
    return {(z, c) for z in zs for c in deep} | {(None, c) for c in field.flat}


def _order(plane: Plane) -> tuple[tuple[int, float, str], tuple[int, float, str]]:
    return _rank(plane[0]), _rank(plane[1])


def _list(planes: Sequence[Plane]) -> str:
    names = [plane_name(p) for p in planes]
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


def plane_name(plane: Plane) -> str:
    """A plane in words, such as ``z3 channel 2``."""
    z, channel = plane
    parts = [f"z{z}"] * (z is not None) + [f"channel {channel}"] * (channel is not None)
    return " ".join(parts) or "the image"
