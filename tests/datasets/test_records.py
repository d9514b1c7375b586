"""Records of public data sets, and fetching one from a server of this machine."""

from __future__ import annotations

import functools
import hashlib
import http.server
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from cellwright import datasets
from cellwright.cli.app import app
from cellwright.datasets import DATASETS, dataset
from cellwright.types import InputError


class Quiet(http.server.SimpleHTTPRequestHandler):
    """Serves a folder without a log."""

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def served(tmp_path: Path) -> Iterator[tuple[Path, str]]:
    """A folder and its address."""
    folder = tmp_path / "served"
    folder.mkdir()
    handler = functools.partial(Quiet, directory=str(folder))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True)
    thread.start()
    yield folder, f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


@pytest.fixture
def small(served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch) -> str:
    """dsb2018, much smaller, from that server."""
    folder, address = served
    with zipfile.ZipFile(folder / "dsb2018.zip", "w") as archive:
        archive.writestr("dsb2018/train/images/a.tif", b"pixels")
    sha256 = hashlib.sha256((folder / "dsb2018.zip").read_bytes()).hexdigest()
    record = dataset("dsb2018")
    (part,) = record.parts
    file = replace(part.file, url=f"{address}/dsb2018.zip", sha256=sha256)
    changed = replace(record, parts=(replace(part, file=file),))
    monkeypatch.setattr(datasets, "DATASETS", (changed,))
    return sha256


def test_records_are_complete() -> None:
    assert [d.name for d in DATASETS] == ["livecell", "dsb2018"]
    for record in DATASETS:
        assert record.licence
        assert record.source.startswith("https://")
        for part in record.parts:
            assert part.file.url.startswith("https://")
            assert part.file.sha256 is None or len(part.file.sha256) == 64
    with pytest.raises(InputError, match=r"'cells'.*livecell, dsb2018"):
        dataset("cells")


def test_nothing_is_downloaded_before_yes(small: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    result = CliRunner().invoke(app, ["data", "fetch", "dsb2018", "-o", str(out)])
    assert result.exit_code == 1
    assert "CC0" in result.output
    assert "SHA-256 known" in result.output
    assert "bytes" in result.output
    assert "add --yes" in result.output
    assert not out.exists()


def test_a_data_set_is_fetched_unpacked_and_not_fetched_twice(small: str, tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = ["data", "fetch", "dsb2018", "-o", str(out), "--yes"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert (out / "dsb2018" / "train" / "images" / "a.tif").read_bytes() == b"pixels"
    assert not (out / "dsb2018.zip").exists()
    assert small in (out / "fetched.json").read_text()
    assert "next: cellwright import" in result.output
    again = CliRunner().invoke(app, arguments)
    assert again.exit_code == 0
    assert "here already" in again.output
    assert "1 already there" in again.output


def test_offline_is_said(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    record = dataset("dsb2018")
    (part,) = record.parts
    gone = replace(part, file=replace(part.file, url="http://127.0.0.1:1/dsb2018.zip"))
    monkeypatch.setattr(datasets, "DATASETS", (replace(record, parts=(gone,)),))
    result = CliRunner().invoke(app, ["data", "fetch", "dsb2018", "-o", str(tmp_path), "--yes"])
    assert result.exit_code == 1
    assert "127.0.0.1:1 cannot be reached" in result.output
    assert "Traceback" not in result.output


def test_models_are_listed_and_fetched_by_name(
    served: tuple[Path, str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    from cellwright.label.sam import weights

    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    folder, address = served
    (folder / "vit_b.pt").write_bytes(b"weights")
    record = weights.weights("micro-sam-vit-b-lm")
    (file,) = record.files
    changed = replace(record, files=(replace(file, url=f"{address}/vit_b.pt"),))
    monkeypatch.setattr(weights, "SAM_WEIGHTS", (changed,))
    listed = CliRunner().invoke(app, ["models", "list"])
    assert "micro-sam-vit-b-lm" in listed.output
    assert "unverified" in listed.output
    assert "CC-BY-4.0" in listed.output
    result = CliRunner().invoke(app, ["models", "fetch", "micro-sam-vit-b-lm", "-y"])
    assert result.exit_code == 0, result.output
    assert "7 bytes, no published SHA-256: unverified" in result.output
    assert changed.is_here
    assert "here" in CliRunner().invoke(app, ["models", "list"]).output
    unknown = CliRunner().invoke(app, ["models", "fetch", "sam-vit-x"])
    assert unknown.exit_code == 1
    assert "there is no model 'sam-vit-x'" in unknown.output
