"""An append-only journal: every record is checked, synced and never changed again.

Each session writes a file of its own, ``START-AUTHOR-HOST-PID-TOKEN.jsonl``, so that two people
on one data set never write into one file. Each line is a JSON array ``["crc", bytes, {record}]``:
the CRC-32 and the length are those of the record's text, so a line that a kill cut off is told
from a whole one. All files together, sorted by clock, are the history of the data set.
"""

from __future__ import annotations

import gc
import getpass
import json
import logging
import os
import re
import secrets
import socket
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.formats.atomic import sync_path
from cellwright.types import InputError

log = logging.getLogger(__name__)

FOLDER, SUFFIX, SCHEMA = "journal", ".jsonl", 1

Key = tuple[int, str, int]
"""Place of a record in the history: clock (us), token of the session, number in the session."""


@dataclass(frozen=True, slots=True)
class Record:
    """One entry of the journal; `body` is its JSON object."""

    key: Key
    body: Mapping[str, Any]


def seal(body: Mapping[str, Any]) -> bytes:
    """A record as a line that can be checked.

    Examples
    --------
    >>> seal({"op": "begin"})
    b'["6ffbf866",14,{"op":"begin"}]\\n'
    """
    text = json.dumps(body, allow_nan=False, ensure_ascii=False, separators=(",", ":"))
    payload = text.encode("utf-8")
    return b'["%08x",%d,%b]\n' % (zlib.crc32(payload), len(payload), payload)


def unseal(line: bytes) -> dict[str, Any]:
    """The record of a line; ValueError if the line is not whole."""
    head, comma, rest = line.partition(b",")
    length, second, payload = rest.partition(b",")
    if not (comma and second and line.startswith(b'["') and payload.endswith(b"]\n")):
        raise ValueError("the line is cut off")
    payload = payload[:-2]
    if len(payload) != int(length) or head != b'["%08x"' % zlib.crc32(payload):
        raise ValueError("length or checksum do not fit")
    body = json.loads(payload)
    if not isinstance(body, dict):
        raise ValueError("an object is wanted")
    return body


class Journal:
    """The journals of one folder: all are read, one of them is written.

    Nothing is written before the first `append`, so that a folder that cannot be written can
    still be looked at.

    Parameters
    ----------
    folder
        Where the files of all sessions lie; made with the first record.
    author
        Who works; the name of the account by default.
    skip_damaged
        Leave out damaged lines within a file, with a line in the log, instead of refusing.
    """

    def __init__(
        self, folder: str | Path, *, author: str | None = None, skip_damaged: bool = False
    ) -> None:
        self.folder = Path(folder)
        self.author = author or account()
        self.host, self.pid = socket.gethostname(), os.getpid()
        self.token = secrets.token_hex(4)
        start = time.strftime("%Y%m%dT%H%M%S", time.gmtime())
        parts = (start, _word(self.author), _word(self.host), str(self.pid), self.token)
        self.path = self.folder / ("-".join(parts) + SUFFIX)
        self._skip = skip_damaged
        self._places: dict[Path, tuple[int, int]] = {}
        self._seen: set[tuple[str, int]] = set()
        self._clock, self._number = 0, 0
        self._handle: int | None = None
        self._good = 0
        self._torn: set[Path] = set()

    def read(self) -> list[Record]:
        """Records that were not read yet, in the order of the history.

        The first call reads everything, later ones what other sessions appended since. A last
        line that is not whole (a session was killed, or is just writing) is left for later.

        Raises
        ------
        InputError
            For a damaged line with others after it, or a journal of a later version.
        """
        found: list[Record] = []
        with garbage_later():
            for path in sorted(self.folder.glob("*" + SUFFIX)) if self.folder.is_dir() else ():
                # names with a dot are not ours: macOS puts such files on foreign disks
                if path != self.path and not path.name.startswith("."):
                    found += self._read_file(path)
            found = [r for r in found if r.key[1:] not in self._seen]
            fresh = {r.key[1:]: r for r in found}  # a copy of a file counts once
            self._seen.update(fresh)
            self._clock = max([self._clock, *(r.key[0] for r in fresh.values())])
            return sorted(fresh.values(), key=lambda r: r.key)

    def _read_file(self, path: Path) -> list[Record]:
        offset, number = self._places.get(path, (0, 0))
        if path.stat().st_size <= offset:
            return []
        with path.open("rb") as file:
            file.seek(offset)
            data = file.read()
        *whole, rest = data.split(b"\n")
        lines = [line + b"\n" for line in whole] + ([rest] if rest else [])
        records = []
        for i, line in enumerate(lines, start=1):
            try:
                body = unseal(line)
                key = (int(body["at"]), str(body["by"][1]), int(body["n"]))
            except (ValueError, KeyError, TypeError, IndexError) as error:
                if i == len(lines):
                    if path not in self._torn:
                        log.warning("%s: the last line is not whole and is left out", path)
                        self._torn.add(path)
                    break
                where = f"{path}: line {number + i} is damaged ({error})"
                if not self._skip:
                    raise InputError(
                        f"{where}; nothing was changed: bring the file back from a backup, or "
                        "open the session with skip_damaged to go on without this line"
                    ) from error
                log.warning("%s and is left out", where)
            else:
                if body.get("op") == "begin" and int(body.get("schema", 0)) > SCHEMA:
                    raise InputError(f"{path} was written by a later version of Cellwright")
                records.append(Record(key, body))
            offset += len(line)
            self._places[path] = (offset, number + i)
        return records

    def append(self, bodies: Sequence[Mapping[str, Any]]) -> list[Record]:
        """Write records; they are on disk when this returns.

        Raises
        ------
        OSError
            If the disk is full, the folder cannot be written ... None of the records counts
            then, and the same call may be tried again.
        """
        try:
            return self._append(bodies)
        except OSError as error:
            raise OSError(
                error.errno,
                f"the journal could not be written ({error.strerror or error}); nothing was "
                "committed, all that was committed before is safe; make room or make the folder "
                "writable and try again",
                str(self.path),
            ) from error

    def _append(self, bodies: Sequence[Mapping[str, Any]]) -> list[Record]:
        started = self._number > 0
        if not started:
            begin = {"op": "begin", "schema": SCHEMA, "host": self.host, "pid": self.pid}
            bodies = [begin, *bodies]
        records = []
        clock, number = self._clock, self._number
        for body in bodies:
            clock, number = max(time.time_ns() // 1000, clock + 1), number + 1
            whole = {"at": clock, "n": number, "by": [self.author, self.token], **body}
            records.append(Record((clock, self.token, number), whole))
        self._write(b"".join(seal(r.body) for r in records))
        self._clock, self._number = clock, number
        self._seen.update(r.key[1:] for r in records)
        return records if started else records[1:]

    def _write(self, data: bytes) -> None:
        if self._handle is None:
            self.folder.mkdir(parents=True, exist_ok=True)
            how = os.O_WRONLY | os.O_CREAT | os.O_APPEND | getattr(os, "O_BINARY", 0)
            self._handle = os.open(self.path, how, 0o644)
            sync_path(self.folder)
        if os.fstat(self._handle).st_size != self._good:  # rest of a write that failed
            os.ftruncate(self._handle, self._good)
        left = memoryview(data)
        while left:
            left = left[os.write(self._handle, left) :]
        os.fsync(self._handle)
        self._good += len(data)

    def close(self) -> None:
        """Let go of the file."""
        if self._handle is not None:
            os.close(self._handle)
            self._handle = None


@contextmanager
def garbage_later() -> Iterator[None]:
    """Do not look for garbage while many small objects are made, all of which stay.

    Python looks through all of them again and again otherwise, which takes most of the time of
    reading a long journal.
    """
    was = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was:
            gc.enable()


def account() -> str:
    """Name of the account that the process runs under."""
    try:
        return getpass.getuser()
    except (KeyError, OSError, ImportError):  # an account without a name
        return "somebody"


def _word(text: str) -> str:
    return re.sub(r"[^A-Za-z0-9]+", "_", text).strip("_")[:24] or "x"
