"""Writes that are there as a whole or not at all: temporary name, fsync, rename."""

from __future__ import annotations

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any


def sync_path(path: Path) -> None:
    """Ask the disk to keep `path` (a file or a folder); folders are skipped where unsupported."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDWR if os.name == "nt" else os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def remove_parts(folder: Path) -> None:
    """Remove what a killed `atomic_path` left in `folder`; nobody else may write there now."""
    for pattern in (".part-*", ".old-*"):
        for path in folder.glob(pattern):
            _remove(path)


def _remove(path: Path) -> None:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def atomic_path(target: str | Path) -> Iterator[Path]:
    """Give a temporary path beside `target` and put it in place when the block ends well.

    Parameters
    ----------
    target
        File or folder to write. Missing parent folders are made. What was there before
        stays until the new one is complete.

    Yields
    ------
    Path
        A path that does not exist yet, with the suffix of `target`; make a file or a
        folder of it. If the block raises, it is removed and `target` is left as it was.
    """
    target = Path(target)
    target.parent.mkdir(parents=True, exist_ok=True)
    mark = uuid.uuid4().hex[:12]
    part = target.with_name(f".part-{mark}-{target.name}")
    try:
        yield part
        if part.is_dir():
            for found in part.rglob("*"):
                if found.is_file():
                    sync_path(found)
        sync_path(part)
        if target.is_dir():
            old = target.with_name(f".old-{mark}-{target.name}")
            os.rename(target, old)
            os.rename(part, target)
            _remove(old)
        else:
            os.replace(part, target)
        sync_path(target.parent)
    except BaseException:
        _remove(part)
        raise


def write_bytes(data: bytes, path: str | Path) -> None:
    """Write `data` to the file `path` atomically."""
    with atomic_path(path) as part:
        part.write_bytes(data)


def write_text(data: str, path: str | Path) -> None:
    """Write `data` as UTF-8 to the file `path` atomically, with ``\\n`` line ends."""
    write_bytes(data.encode("utf-8"), path)


def write_json(data: Any, path: str | Path, *, indent: int | None = 2) -> None:
    """Write `data` as strict JSON (no NaN) to the file `path` atomically."""
    write_text(json.dumps(data, indent=indent, allow_nan=False, ensure_ascii=False) + "\n", path)
