"""Files to fields: which files there are and what their names say."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from pathlib import Path

from cellwright.formats import image_files, read_coco
from cellwright.plate import Field, Pattern, detect, group
from cellwright.steps.result import Failure
from cellwright.types import InputError

log = logging.getLogger(__name__)


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
    sources: str | Path | Sequence[str | Path], pattern: str | None
) -> tuple[list[Field], list[Path]]:
    """Files grouped into fields, and the files that the pattern does not fit."""
    grammar = Pattern(pattern) if pattern is not None else None
    files = image_files(sources, recursive=bool(grammar and grammar.folders))
    if grammar is None:
        grammar = detect(files)
        if grammar is None:
            return [Field({}, (((None, None), path),)) for path in files], []
        log.info("file names are read as %s", grammar.text)
    parsed = [(path, grammar.parse(path)) for path in files]
    left_out = [path for path, tags in parsed if tags is None]
    fitting = [(path, tags) for path, tags in parsed if tags is not None]
    if not fitting:
        raise InputError(
            f"--pattern {grammar.text!r} fits none of {len(files)} images, such as "
            f"{files[0].as_posix()!r}"
        )
    if left_out:
        log.warning("%d files do not fit the pattern and are left out, such as %s",
                    len(left_out), left_out[0])  # fmt: skip
    stacked = {"z", "channel"} & set(grammar.fields)
    if "*" in grammar.text and not stacked:  # what tells the files apart has no name
        return [Field(tags, (((None, None), path),)) for path, tags in fitting], left_out
    return group(fitting), left_out
