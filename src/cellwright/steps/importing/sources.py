"""Files to fields: which files there are and what their names say."""

from __future__ import annotations

import logging
import re
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cellwright.formats import image_files, read_coco
from cellwright.formats.files import scene_count
from cellwright.plate import Field, Grammar, detect, group
from cellwright.plate.grammar import plate_pattern
from cellwright.steps.importing.layout import Layout
from cellwright.steps.result import Failure
from cellwright.types import InputError, Tag

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Fields:
    """What was found: the fields, and the files whose names fit no pattern."""

    fields: tuple[Field, ...]
    left_out: tuple[Path, ...] = ()


def coco_source(sources: str | Path | Sequence[str | Path]) -> Path | None:
    """The COCO file or data set that `sources` is, if it is one."""
    given = [Path(s) for s in ([sources] if isinstance(sources, str | Path) else sources)]
    if len(given) == 1 and (
        given[0].suffix.lower() == ".json" or (given[0] / "annotations.json").is_file()
    ):
        return given[0]
    return None


def coco_images(path: Path, failed: list[Failure]) -> list[Path]:
    """Image files of a COCO file that are there; the others are reported."""
    dataset = read_coco(path)
    files = [dataset.path(i) for i in range(len(dataset))]
    failed += [Failure(str(f), "the image file is missing") for f in files if not f.exists()]
    found = [f for f in files if f.exists()]
    if not found:
        raise InputError(
            f"{path}: none of its {len(files)} image files are there, such as {files[:1]}; give "
            "the folder of the images and this file as --masks"
        )
    return found


def fields_of(
    sources: str | Path | Sequence[str | Path],
    pattern: str | Sequence[str] | None,
    layout: Layout,
    *,
    deep: bool = False,
) -> Fields:
    """Files grouped into fields, their channels named, those not wanted left out.

    `deep` looks into folders within folders, as a pattern that names folders does.
    """
    texts = (pattern,) if isinstance(pattern, str) else tuple(pattern or ())
    grammar = Grammar.of(texts) if texts else None
    files = image_files(sources, recursive=deep or bool(grammar and grammar.folders))
    if grammar is None:
        grammar = detect(files)
        if grammar is None:
            _warn_of_others(files)
            return Fields(tuple(f for path in files for f in _single(path, {})))
        log.info("file names are read as %s", grammar.text)
    alone: list[Field] = []
    fitting: list[tuple[Path, dict[str, Tag]]] = []
    left_out = []
    for path in sorted(files, key=_natural):
        found = grammar.match(path)
        if found is None:
            left_out.append(path)
        elif "*" in found[0].text and not {"z", "channel"} & set(found[0].fields):
            alone += _single(path, found[1])  # what differs has no name
        elif len(scenes := _single(path, found[1])) > 1:
            alone += scenes
        else:
            fitting.append((path, found[1]))
    if not fitting and not alone:
        raise InputError(
            f"--pattern {grammar.text} fits none of {len(files)} images, such as "
            f"{files[0].as_posix()!r}"
        )
    if left_out:
        log.warning("%d files fit no pattern and are left out: %s%s", len(left_out),
                    ", ".join(p.name for p in left_out[:5]),
                    " ..." if len(left_out) > 5 else "")  # fmt: skip
    return Fields((*_chosen(_renamed(fitting, layout), layout), *alone), tuple(left_out))


def _natural(path: Path) -> list[tuple[int, int, str]]:
    """Sorts ``xy2`` before ``xy10``."""
    parts = re.split(r"([0-9]+)", path.as_posix())
    return [(i % 2, int(part) if i % 2 else 0, part) for i, part in enumerate(parts)]


def _single(path: Path, tags: dict[str, Tag]) -> list[Field]:
    """A file as a field, or as one for each position that it holds, tagged from 1."""
    planes = (((None, None), path),)
    try:
        count = scene_count(path)
    except InputError as error:  # said again, and listed, when the file is to be read
        log.info("%s", error)
        count = 1
    if count == 1:
        return [Field(tags, planes)]
    key = "scene" if "position" in tags else "position"
    return [Field({**tags, key: i + 1}, planes, scene=i) for i in range(count)]


def _warn_of_others(files: Sequence[Path]) -> None:
    """Say that some names look like those of a plate while others do not."""
    like = [p for p in files if plate_pattern(p) is not None]
    if like:
        other = next(p for p in files if plate_pattern(p) is None)
        log.warning("%d of %d names are like those of a plate (%s) but %s is not: each file is "
                    "an image; set --pattern", len(like), len(files), like[0].name,
                    other.name)  # fmt: skip


def _renamed(
    files: list[tuple[Path, dict[str, Tag]]], layout: Layout
) -> list[tuple[Path, dict[str, Tag]]]:
    """The files with the channels of their names called as `layout` says."""
    known = {str(tags["channel"]) for _, tags in files if "channel" in tags}
    if not known or not layout.channel_names:
        return files
    wrong = [k for k in layout.channel_names if k not in known]
    if wrong:
        raise InputError(
            f"--channel {wrong[0]}={layout.channel_names[wrong[0]]}: the names of the files have "
            f"no channel {wrong[0]}; they have {', '.join(sorted(known))}"
        )
    return [
        (path, {k: _named(v, layout) if k == "channel" else v for k, v in tags.items()})
        for path, tags in files
    ]


def _named(channel: Tag, layout: Layout) -> Tag:
    return layout.channel_names.get(str(channel), channel)


def _chosen(files: list[tuple[Path, dict[str, Tag]]], layout: Layout) -> list[Field]:
    """Fields, with the channels to keep alone; fields without any of them are left out."""
    fields = group(files)
    if layout.channel_names:  # channels stand in the order in which they were named
        order = {name: i for i, name in enumerate(layout.channel_names.values())}
        fields = [replace(f, order=tuple(order)) for f in fields]
    known = {c for f in fields for c in f.channels if c is not None}
    if not layout.keep_channels or not known:
        return fields
    by_text = {str(c): c for c in known}
    wrong = [k for k in layout.keep_channels if k not in by_text]
    if wrong:
        raise InputError(
            f"--keep-channels {wrong[0]}: there is no such channel; there are "
            f"{', '.join(sorted(by_text))}"
        )
    kept = [f.only(by_text[k] for k in layout.keep_channels) for f in fields]
    found = [f for f in kept if f is not None]
    if len(found) < len(fields):
        log.warning("%d fields have none of the channels %s and are left out",
                    len(fields) - len(found), ", ".join(layout.keep_channels))  # fmt: skip
    return found
