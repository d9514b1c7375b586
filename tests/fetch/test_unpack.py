"""Archives, and those that mean harm."""

from __future__ import annotations

import io
import tarfile
import zipfile
from pathlib import Path

import pytest

from cellwright.fetch import unpack
from cellwright.types import InputError

FILES = {"top/a.txt": b"one", "top/deep/b.txt": b"two" * 1000}


def zipped(path: Path, files: dict[str, bytes]) -> Path:
    """A zip file."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


def tarred(path: Path, *members: tuple[tarfile.TarInfo, bytes]) -> Path:
    """A tar file."""
    with tarfile.open(path, "w:gz") as archive:
        for info, data in members:
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


def member(name: str, kind: bytes = tarfile.REGTYPE, link: str = "") -> tarfile.TarInfo:
    """Head of a member."""
    info = tarfile.TarInfo(name)
    info.type, info.linkname = kind, link
    return info


def nothing_written(folder: Path, archive: Path) -> bool:
    """Whether only the archive is there."""
    return [p for p in folder.rglob("*") if p != archive] == []


@pytest.mark.parametrize("kind", ["zip", "tar.gz"])
@pytest.mark.parametrize("lift", [False, True])
def test_archives_are_unpacked(kind: str, lift: bool, tmp_path: Path) -> None:
    path = tmp_path / f"data.{kind}"
    if kind == "zip":
        zipped(path, FILES)
    else:
        tarred(path, *((member(name), data) for name, data in FILES.items()))
    folder = unpack(path, tmp_path / "out", lift=lift)
    root = folder if lift else folder / "top"
    assert (root / "a.txt").read_bytes() == b"one"
    assert (root / "deep" / "b.txt").read_bytes() == b"two" * 1000
    assert sorted(p.name for p in tmp_path.iterdir()) == [path.name, "out"]
    with pytest.raises(InputError, match="exists already"):
        unpack(path, folder)


@pytest.mark.parametrize(
    "name", ["../evil.txt", "/etc/evil", "a/../../evil", "..\\evil.txt", "C:/evil.txt"]
)
def test_no_path_leaves_the_folder(name: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "slip.zip", {"fine.txt": b"x", name: b"evil"})
    with pytest.raises(InputError, match="outside of the folder"):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)
    path.unlink()
    path = tarred(tmp_path / "slip.tar.gz", (member("fine.txt"), b"x"), (member(name), b"evil"))
    with pytest.raises(InputError, match="outside of the folder"):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)


@pytest.mark.parametrize("kind", [tarfile.SYMTYPE, tarfile.LNKTYPE, tarfile.CHRTYPE])
def test_links_and_devices_are_refused(kind: bytes, tmp_path: Path) -> None:
    path = tarred(
        tmp_path / "link.tar.gz", (member("door", kind, "/tmp"), b""), (member("door/x"), b"evil")
    )
    with pytest.raises(InputError, match="'door' is a link or a device"):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)


def test_links_in_zip_files_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "link.zip"
    with zipfile.ZipFile(path, "w") as archive:
        info = zipfile.ZipInfo("door")
        info.external_attr = 0o120777 << 16
        archive.writestr(info, "/etc")
    with pytest.raises(InputError, match="link or a device"):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)


def test_bombs_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    path = zipped(tmp_path / "bomb.zip", {"zeros": b"\0" * 10_000_000})
    assert path.stat().st_size < 20_000
    with pytest.raises(InputError, match=r"more than 1 MB"):
        unpack(path, tmp_path / "out", most_bytes=1_000_000)
    assert nothing_written(tmp_path, path)
    many = zipped(tmp_path / "many.zip", {str(k): b"" for k in range(20)})
    with pytest.raises(InputError, match="or 10 files"):
        unpack(many, tmp_path / "out", most_files=10)
    tar = tarred(tmp_path / "bomb.tar.gz", (member("zeros"), b"\0" * 10_000_000))
    with pytest.raises(InputError, match="more than"):
        unpack(tar, tmp_path / "out", most_bytes=1_000_000)


def test_a_bomb_that_lies_about_its_size_is_stopped(tmp_path: Path) -> None:
    path = zipped(tmp_path / "liar.zip", {"zeros": b"\0" * 5_000_000})
    blob = path.read_bytes()
    honest, lie = (5_000_000).to_bytes(4, "little"), (10).to_bytes(4, "little")
    assert honest in blob
    path.write_bytes(blob.replace(honest, lie))
    with pytest.raises(InputError):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)


@pytest.mark.parametrize("harm", ["cut", "words", "flip"])
def test_damaged_archives_leave_nothing(harm: str, tmp_path: Path) -> None:
    path = zipped(tmp_path / "data.zip", {"a": bytes(range(256)) * 100})
    blob = bytearray(path.read_bytes())
    if harm == "flip":
        blob[60] ^= 255
    path.write_bytes({"cut": blob[:200], "words": b"hello" * 99, "flip": bytes(blob)}[harm])
    with pytest.raises(InputError):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)


def test_two_members_of_one_name_are_refused(tmp_path: Path) -> None:
    path = tarred(tmp_path / "twice.tar.gz", (member("a"), b"1"), (member("a"), b"2"))
    with pytest.raises(InputError, match="cannot be unpacked"):
        unpack(path, tmp_path / "out")
    assert nothing_written(tmp_path, path)


def test_a_member_may_not_be_longer_than_it_declares(tmp_path: Path) -> None:
    from cellwright.fetch.unpack import _copy

    target = io.BytesIO()
    with pytest.raises(InputError, match="more data than it declares"):
        _copy(tmp_path, io.BytesIO(b"0123456789"), target, 9)
    assert target.getvalue() == b""
    assert _copy(tmp_path, io.BytesIO(b"0123456789"), target, 10) == 10
