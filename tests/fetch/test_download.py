"""Downloads from a server of this machine."""

from __future__ import annotations

import hashlib
import http.server
import json
import re
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from cellwright.fetch import RemoteFile, cache_folder, download, remote_size, show_size
from cellwright.types import InputError

BLOB = bytes(range(256)) * 4000
HASH = hashlib.sha256(BLOB).hexdigest()


class Server(http.server.ThreadingHTTPServer):
    """Serves one file, in parts, and can break off, change it, or know no ranges."""

    blob = BLOB
    tag = '"one"'
    stop_after: int | None = None
    ranges = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.asked: list[str | None] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/blob.bin"


class Handler(http.server.BaseHTTPRequestHandler):
    server: Server

    def do_GET(self, body: bool = True) -> None:
        wanted = self.headers.get("Range")
        blob, start = self.server.blob, 0
        if body:
            self.server.asked.append(wanted)
        if self.path != "/blob.bin":
            self.send_error(404)
            return
        fresh = self.headers.get("If-Range") in (None, self.server.tag)
        if wanted and fresh and self.server.ranges:
            start = int(re.fullmatch(r"bytes=(\d+)-", wanted)[1])  # type: ignore[index]
            if start >= len(blob):
                self.send_error(416)
                return
            self.send_response(206)
        else:
            self.send_response(200)
        self.send_header("Content-Length", str(len(blob) - start))
        self.send_header("ETag", self.server.tag)
        self.end_headers()
        if body:
            stop = self.server.stop_after
            self.wfile.write(blob[start:][:stop])

    def do_HEAD(self) -> None:
        self.do_GET(body=False)

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    """A running server."""
    running = Server()
    thread = threading.Thread(target=running.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield running
    running.shutdown()
    running.server_close()
    thread.join()


def test_a_known_hash_is_checked_and_progress_told(server: Server, tmp_path: Path) -> None:
    seen: list[tuple[int, int | None]] = []
    file = RemoteFile(server.url, "blob.bin", None, HASH)
    came = download(file, tmp_path, on_progress=lambda *p: seen.append(p))
    assert came.path.read_bytes() == BLOB
    assert (came.sha256, came.size, came.verified) == (HASH, len(BLOB), True)
    assert seen[-1] == (len(BLOB), len(BLOB))
    assert sorted(p.name for p in tmp_path.iterdir()) == ["blob.bin", "fetched.json"]
    assert download(file, tmp_path).verified
    assert len(server.asked) == 1


def test_a_wrong_hash_leaves_nothing(server: Server, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"has the hash .*wanted is 0000"):
        download(RemoteFile(server.url, "blob.bin", None, "0" * 64), tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_an_unknown_hash_is_recorded_and_later_compared(server: Server, tmp_path: Path) -> None:
    file = RemoteFile(server.url, "blob.bin")
    assert not download(file, tmp_path).verified
    record = json.loads((tmp_path / "fetched.json").read_text())["blob.bin"]
    assert record == {"url": server.url, "sha256": HASH, "size": len(BLOB), "verified": False}
    (tmp_path / "blob.bin").unlink()
    server.blob = BLOB[::-1]
    with pytest.raises(InputError, match="replaced by another file"):
        download(file, tmp_path)
    (tmp_path / "blob.bin").write_bytes(b"harm")
    with pytest.raises(InputError, match="delete it and fetch again"):
        download(file, tmp_path)


def test_a_stopped_download_goes_on(server: Server, tmp_path: Path) -> None:
    file = RemoteFile(server.url, "blob.bin", None, HASH)
    server.stop_after = 300_000
    for _ in range(2):
        with pytest.raises(InputError, match="the same command goes on"):
            download(file, tmp_path)
    server.stop_after = None
    assert download(file, tmp_path).path.read_bytes() == BLOB
    assert server.asked == [None, "bytes=300000-", "bytes=600000-"]


@pytest.mark.parametrize("change", ["tag", "ranges"])
def test_a_part_of_another_file_is_not_gone_on_with(
    change: str, server: Server, tmp_path: Path
) -> None:
    server.stop_after = 1000
    with pytest.raises(InputError):
        download(RemoteFile(server.url, "blob.bin"), tmp_path)
    server.stop_after = None
    if change == "tag":
        server.blob, server.tag = BLOB[::-1], '"two"'
    else:
        server.ranges = False
    assert download(RemoteFile(server.url, "blob.bin"), tmp_path).path.read_bytes() == server.blob


def test_a_part_that_is_complete_needs_no_more(server: Server, tmp_path: Path) -> None:
    (tmp_path / "blob.bin.part").write_bytes(BLOB)
    (tmp_path / "blob.bin.part.json").write_text(json.dumps({"url": server.url, "tag": '"one"'}))
    assert download(RemoteFile(server.url, "blob.bin", None, HASH), tmp_path).verified
    assert server.asked == [f"bytes={len(BLOB)}-"]


def test_too_little_space_is_said_first(
    server: Server, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10, 9, 1))
    with pytest.raises(InputError, match="needs 1.02 MB more"):
        download(RemoteFile(server.url, "blob.bin"), tmp_path)


def test_no_connection_is_one_clear_line(server: Server, tmp_path: Path) -> None:
    gone = RemoteFile("http://127.0.0.1:1/blob.bin", "blob.bin")
    for call in (lambda: download(gone, tmp_path), lambda: remote_size(gone)):
        with pytest.raises(InputError, match="cannot be reached.*offline.*by hand as blob.bin"):
            call()
    with pytest.raises(InputError, match="404"):
        download(RemoteFile(server.url + "x", "blob.bin"), tmp_path)
    with pytest.raises(InputError, match="only http and https"):
        download(RemoteFile("file:///etc/hostname", "x"), tmp_path)


def test_sizes(server: Server) -> None:
    assert remote_size(RemoteFile(server.url, "b")) == len(BLOB)
    assert remote_size(RemoteFile("http://127.0.0.1:1/", "b", 5)) == 5
    assert show_size(375_042_383) == "375 MB"
    assert show_size(2_564_550_879) == "2.56 GB"
    assert show_size(None) == "size unknown"
    assert show_size(12) == "12 bytes"


def test_the_cache_folder_can_be_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "here"))
    assert cache_folder() == tmp_path / "here"
    monkeypatch.delenv("CELLWRIGHT_CACHE")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    assert cache_folder() == tmp_path / "cellwright"
