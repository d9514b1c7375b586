"""Who else has a data set open: a small file per session, locked while the session lives.

On one machine the lock tells at once whether a session lives, as the system lets go of it when
the process ends, however it ends. Across machines, where locks may not reach, the file's time
does: a session that did not touch it for `STALE` seconds counts as gone.
"""

from __future__ import annotations

import json
import logging
import os
import socket
import time
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

fcntl: ModuleType | None
try:
    import fcntl
except ImportError:  # no such locks on Windows: the time of the file has to do
    fcntl = None

log = logging.getLogger(__name__)

SUFFIX = ".open"
BEAT, STALE = 20.0, 120.0


@dataclass(frozen=True, slots=True)
class Presence:
    """Another session that is open now.

    Parameters
    ----------
    author, host, pid
        Who and where.
    since
        Seconds since 1970.
    fields
        Names of the fields it has open.
    """

    author: str
    host: str
    pid: int
    since: float
    fields: tuple[str, ...]

    def __str__(self) -> str:
        since = time.strftime("%H:%M", time.localtime(self.since))
        return f"{self.author} on {self.host} (process {self.pid}, since {since})"


class Beacon:
    """The file that says that this session is open.

    Parameters
    ----------
    path
        ``TOKEN.open`` in the journal's folder.
    author
        Who works.
    """

    def __init__(self, path: Path, *, author: str) -> None:
        self.path = path
        self._about = {"author": author, "host": socket.gethostname(), "pid": os.getpid(),
                       "since": time.time()}  # fmt: skip
        self._handle: int | None = None
        self._beat = 0.0

    def show(self, fields: Collection[str]) -> None:
        """Say which fields are open; a folder that cannot be written is left in peace."""
        text = json.dumps({**self._about, "fields": sorted(fields)}).encode()
        try:
            if self._handle is None:
                self._handle = self._begin()
            os.lseek(self._handle, 0, os.SEEK_SET)
            os.ftruncate(self._handle, 0)
            os.write(self._handle, text)
        except OSError as error:
            log.info("%s: others cannot see that this session is open (%s)", self.path, error)
        self._beat = time.monotonic()

    def _begin(self) -> int:
        """Make the file; where there are locks it is locked before others can see it."""
        self.path.parent.mkdir(parents=True, exist_ok=True)
        part = self.path.with_name(f".part-{self.path.name}") if fcntl else self.path
        handle = os.open(part, os.O_RDWR | os.O_CREAT | getattr(os, "O_BINARY", 0), 0o644)
        try:
            if fcntl:
                fcntl.flock(handle, fcntl.LOCK_EX)
                os.replace(part, self.path)
        except OSError:  # a disk that knows no locks
            os.close(handle)
            part.unlink(missing_ok=True)
            raise
        return handle

    def beat(self) -> None:
        """Touch the file if the last time is a while ago."""
        if self._handle is not None and time.monotonic() - self._beat > BEAT:
            self._beat = time.monotonic()
            try:
                os.utime(self.path)
            except OSError as error:
                log.info("%s: %s", self.path, error)

    def close(self) -> None:
        """Take the file away."""
        if self._handle is not None:
            os.close(self._handle)
            self.path.unlink(missing_ok=True)
            self._handle = None


def others(folder: Path, own: Path) -> list[Presence]:
    """Other sessions that live; files of those that ended without a word are removed."""
    found = []
    for path in sorted(folder.glob("*" + SUFFIX)):
        if path == own or path.name.startswith("."):
            continue
        try:
            one = _read(path)
            if _lives(path, one):
                if one:
                    found.append(one)
            else:
                path.unlink(missing_ok=True)
        except OSError:  # gone meanwhile
            continue
    return found


def _read(path: Path) -> Presence | None:
    """What a file says; None if it says nothing (it may be just being written)."""
    try:
        about = json.loads(path.read_text("utf-8"))
        return Presence(
            str(about["author"]), str(about["host"]), int(about["pid"]),
            float(about["since"]), tuple(about["fields"]),
        )  # fmt: skip
    except (ValueError, KeyError, TypeError):
        return None


def _lives(path: Path, about: Presence | None) -> bool:
    fresh = time.time() - path.stat().st_mtime < STALE
    if about is None or about.host != socket.gethostname():
        return fresh
    held = _held(path)
    return fresh if held is None else held


def _held(path: Path) -> bool | None:
    """Whether somebody holds the lock; None where that cannot be told."""
    if not fcntl:
        return None
    handle = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        os.close(handle)
    return False
