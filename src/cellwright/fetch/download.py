"""Downloads that go on where they stopped.

Nothing is downloaded unless a user asked for it. A file whose SHA-256 is known must have it; of
a file whose hash nobody published it is recorded at the first download, and compared later.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from http.client import HTTPException
from pathlib import Path
from typing import Any
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from cellwright.fetch.place import show_size
from cellwright.types import InputError

BLOCK = 2**20
RECORDS = "fetched.json"

Progress = Callable[[int, int | None], None]


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file somewhere else.

    Parameters
    ----------
    url
        Where it is, http or https.
    name
        Its name here.
    size
        Bytes as documented; None where unknown.
    sha256
        Its published hash; None where nobody published it.
    """

    url: str
    name: str
    size: int | None = None
    sha256: str | None = None


@dataclass(frozen=True, slots=True)
class Fetched:
    """A file that is here, with its hash and whether that hash was known before."""

    path: Path
    sha256: str
    size: int
    verified: bool


def remote_size(file: RemoteFile, *, timeout: float = 10) -> int | None:
    """Bytes of `file`: as documented, else as its server says; None if neither tells.

    Raises
    ------
    InputError
        If the server cannot be reached.
    """
    if file.size is not None:
        return file.size
    with _open(Request(_checked(file.url), method="HEAD"), file, timeout) as answer:
        length = answer.headers.get("Content-Length")
    return int(length) if length and length.isdigit() else None


def download(
    file: RemoteFile,
    folder: Path,
    *,
    on_progress: Progress | None = None,
    timeout: float = 30,
) -> Fetched:
    """Bring `file` into `folder`; what an earlier, stopped call brought is kept.

    Parameters
    ----------
    file
        What to bring. A file that is here with the right hash is not brought again.
    folder
        Where it goes; made if missing. The hash is noted in its ``fetched.json``.
    on_progress
        Called with bytes so far and bytes in all (None if unknown).
    timeout
        Seconds that the server may be silent.

    Raises
    ------
    InputError
        No connection, a connection that ended early, too little space, a wrong hash.
    """
    folder.mkdir(parents=True, exist_ok=True)
    target, part = folder / file.name, folder / f"{file.name}.part"
    expected = file.sha256 or _recorded(folder).get(file.name, {}).get("sha256")
    if target.is_file():
        found = sha256_of(target)
        if expected in (None, found):
            return _note(file, target, found)
        raise InputError(
            f"{target} has the hash {found[:12]}..., wanted is {expected[:12]}...: it is damaged "
            "or another file; delete it and fetch again"
        )
    _receive(file, part, on_progress, timeout)
    found = sha256_of(part)
    if expected is not None and found != expected:
        _forget(part)
        raise InputError(
            f"{file.url} has the hash {found[:12]}..., wanted is {expected[:12]}...: it was "
            "damaged on the way or replaced by another file; what came was deleted"
        )
    os.replace(part, target)
    _forget(part)
    return _note(file, target, found)


def sha256_of(path: Path) -> str:
    """The SHA-256 of a file as hexadecimal digits."""
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _receive(file: RemoteFile, part: Path, on_progress: Progress | None, timeout: float) -> None:
    """Write what the server sends to `part`, behind what is there already."""
    mark = part.with_name(f"{part.name}.json")
    request = Request(_checked(file.url))
    start = part.stat().st_size if part.is_file() else 0
    tag = _tag_of(mark, file.url) if start else None
    if start and tag:
        request.add_header("Range", f"bytes={start}-")
        request.add_header("If-Range", tag)
    try:
        answer = _open(request, file, timeout)
    except InputError as error:
        if isinstance(error.__cause__, HTTPError) and error.__cause__.code == 416:
            return
        raise
    with answer:
        goes_on = answer.status == 206
        start = start if goes_on else 0
        length = answer.headers.get("Content-Length")
        total = start + int(length) if length and length.isdigit() else None
        room = shutil.disk_usage(part.parent).free
        if total is not None and total - start > room:
            raise InputError(
                f"{file.name} needs {show_size(total - start)} more, {part.parent} has "
                f"{show_size(room)} left; free some, or set CELLWRIGHT_CACHE to another disk"
            )
        tag = answer.headers.get("ETag") or answer.headers.get("Last-Modified")
        mark.write_text(json.dumps({"url": file.url, "tag": tag}), encoding="utf-8")
        done = start
        with part.open("ab" if goes_on else "wb") as stream:
            try:
                while block := answer.read(BLOCK):
                    stream.write(block)
                    done += len(block)
                    if on_progress is not None:
                        on_progress(done, total)
            except (OSError, HTTPException) as error:
                raise _ended(file, done, total) from error
    if total is not None and done != total:
        raise _ended(file, done, total)


def _open(request: Request, file: RemoteFile, timeout: float) -> Any:
    host = urlsplit(file.url).netloc
    request.add_header("User-Agent", "cellwright")
    try:
        return urlopen(request, timeout=timeout)
    except HTTPError as error:
        raise InputError(f"{file.url}: the server answers {error.code} {error.reason}") from error
    except (TimeoutError, URLError, OSError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"{host} cannot be reached ({reason}): this machine is offline, or behind a proxy that "
            f"HTTPS_PROXY should name; or bring {file.url} here by hand as {file.name}"
        ) from error


def _ended(file: RemoteFile, done: int, total: int | None) -> InputError:
    of = f" of {show_size(total)}" if total else ""
    return InputError(
        f"{file.name}: the connection ended after {show_size(done)}{of}; the same command goes on"
    )


def _checked(url: str) -> str:
    if urlsplit(url).scheme not in ("http", "https"):
        raise InputError(f"{url}: only http and https are fetched")
    return url


def _tag_of(mark: Path, url: str) -> str | None:
    """What identified the file when its first part came."""
    try:
        record = json.loads(mark.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return record.get("tag") if record.get("url") == url else None


def _forget(part: Path) -> None:
    part.unlink(missing_ok=True)
    part.with_name(f"{part.name}.json").unlink(missing_ok=True)


def _recorded(folder: Path) -> dict[str, Any]:
    try:
        return dict(json.loads((folder / RECORDS).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return {}


def _note(file: RemoteFile, path: Path, sha256: str) -> Fetched:
    """Record what came; the hash of the first download is what later ones are held to."""
    fetched = Fetched(path, sha256, path.stat().st_size, file.sha256 is not None)
    records = _recorded(path.parent)
    records[file.name] = {
        "url": file.url,
        "sha256": sha256,
        "size": fetched.size,
        "verified": fetched.verified,
    }
    part = path.with_name(f".{RECORDS}.{uuid.uuid4().hex[:8]}")
    part.write_text(json.dumps(records, indent=2) + "\n", encoding="utf-8")
    os.replace(part, path.parent / RECORDS)
    return fetched
