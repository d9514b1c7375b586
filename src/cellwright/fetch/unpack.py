"""Archives that cannot leave their folder, nor fill the disk."""

from __future__ import annotations

import gzip
import lzma
import os
import shutil
import stat
import tarfile
import uuid
import zipfile
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import IO, Any

from cellwright.fetch.place import show_size
from cellwright.types import InputError

BLOCK = 2**20
#: bytes and files that an archive may unpack to unless the caller knows better
MOST_BYTES, MOST_FILES = 64 * 2**30, 1_000_000
DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    gzip.BadGzipFile,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    FileExistsError,
    RuntimeError,
)


def unpack(
    archive: Path,
    folder: Path,
    *,
    lift: bool = False,
    most_bytes: int = MOST_BYTES,
    most_files: int = MOST_FILES,
) -> Path:
    """Unpack a zip or tar file into a new `folder`; it appears whole or not at all.

    Parameters
    ----------
    archive
        ``.zip``, ``.tar``, ``.tar.gz`` and the like.
    folder
        Must not exist.
    lift
        Whether a single folder that holds everything is left out.
    most_bytes, most_files
        More than this is refused: by what the archive declares before anything is written,
        and by what really comes while it is written.

    Raises
    ------
    InputError
        A member outside of the folder, a link, a device, an encrypted or damaged member, too
        much data, or too little space.
    """
    if folder.exists():
        raise InputError(f"{folder} exists already; delete it, or unpack elsewhere")
    folder.parent.mkdir(parents=True, exist_ok=True)
    room = shutil.disk_usage(folder.parent).free
    part = folder.with_name(f".part-{uuid.uuid4().hex[:8]}-{folder.name}")
    try:
        part.mkdir()
        with _opened(archive) as (members, read):
            listed = _declared(archive, members, most_bytes, most_files)
            whole = sum(size for _, size, _ in listed)
            if whole > room:
                raise InputError(
                    f"{archive} unpacks to {show_size(whole)}, {folder.parent} has "
                    f"{show_size(room)} left"
                )
            tops = {PurePosixPath(name).parts[0] for name, _, _ in listed}
            skip = int(lift and len(tops) == 1 and all("/" in name for name, _, _ in listed))
            left = most_bytes
            for name, size, member in listed:
                path = part.joinpath(*PurePosixPath(name).parts[skip:])
                path.parent.mkdir(parents=True, exist_ok=True)
                with read(member) as source, path.open("xb") as target:
                    left -= _copy(archive, source, target, min(size, left))
        os.replace(part, folder)
    except DAMAGED as error:
        raise InputError(f"{archive} cannot be unpacked: {error}; fetch it again") from error
    finally:
        shutil.rmtree(part, ignore_errors=True)
    return folder


class _opened:
    """The files of an archive and a way to read each, whatever its format."""

    def __init__(self, archive: Path) -> None:
        self.archive = archive

    def __enter__(self) -> tuple[Iterator[tuple[str, int, Any]], Callable[[Any], IO[bytes]]]:
        if zipfile.is_zipfile(self.archive):
            self.file: Any = zipfile.ZipFile(self.archive)
            return self._zip_members(), self.file.open
        try:
            self.file = tarfile.open(self.archive)
        except (tarfile.TarError, OSError) as error:
            raise InputError(f"{self.archive} is neither a zip nor a tar file") from error
        return self._tar_members(), self.file.extractfile

    def __exit__(self, *_: object) -> None:
        self.file.close()

    def _zip_members(self) -> Iterator[tuple[str, int, Any]]:
        for info in self.file.infolist():
            mode = info.external_attr >> 16
            if stat.S_IFMT(mode) not in (0, stat.S_IFREG, stat.S_IFDIR):
                raise InputError(f"{self.archive}: {info.filename!r} is a link or a device")
            if info.flag_bits & 1:
                raise InputError(f"{self.archive}: {info.filename!r} is encrypted")
            if not info.is_dir():
                yield info.filename, info.file_size, info

    def _tar_members(self) -> Iterator[tuple[str, int, Any]]:
        for info in self.file:
            if not (info.isreg() or info.isdir()):
                raise InputError(f"{self.archive}: {info.name!r} is a link or a device")
            if info.isreg():
                yield info.name, info.size, info


def _declared(
    archive: Path, members: Iterator[tuple[str, int, Any]], most_bytes: int, most_files: int
) -> list[tuple[str, int, Any]]:
    """The members, checked one by one before anything is written."""
    listed: list[tuple[str, int, Any]] = []
    whole = 0
    for name, size, member in members:
        path = PurePosixPath(name)
        if path.is_absolute() or ".." in path.parts or "\\" in name or ":" in name or not path.name:
            raise InputError(f"{archive}: {name!r} would lie outside of the folder")
        whole += size
        if whole > most_bytes or len(listed) == most_files:
            raise InputError(
                f"{archive} unpacks to more than {show_size(most_bytes)} or {most_files} files; "
                "that is more than such an archive should hold"
            )
        listed.append((name, size, member))
    return listed


def _copy(archive: Path, source: IO[bytes], target: IO[bytes], most: int) -> int:
    """Copy at most `most` bytes; more than declared is refused."""
    done = 0
    while block := source.read(BLOCK):
        done += len(block)
        if done > most:
            raise InputError(f"{archive} holds more data than it declares")
        target.write(block)
    return done
