"""ND2 and CZI through the packages that read them: what they say becomes an image."""

from __future__ import annotations

import builtins
from pathlib import Path
from types import SimpleNamespace as Facts

import numpy as np
import pytest

from cellwright.formats import image_files, read_image
from cellwright.formats.files import scene_count
from cellwright.formats.readers import from_bioio, from_nd2
from cellwright.types import InputError

DATA = np.arange(2 * 3 * 2 * 5 * 7, dtype=np.uint16).reshape(2, 3, 2, 5, 7)  # P Z C Y X


class Nd2:
    """What `from_nd2` asks of an open file: the calls of nd2.ND2File."""

    def __init__(self, data: np.ndarray, letters: str, names: tuple[str, ...]) -> None:
        self.data, self.sizes = data, dict(zip(letters, data.shape, strict=True))
        self.metadata = Facts(channels=[Facts(channel=Facts(name=n)) for n in names])

    def asarray(self, position: int | None = None) -> np.ndarray:
        return self.data if position is None else self.data[position]

    def to_dask(self) -> np.ndarray:
        return Lazy(self.data)

    def voxel_size(self) -> Facts:
        return Facts(x=0.25, y=0.5, z=2.0)


class Lazy:
    """An array that is none of NumPy's until a part is asked for."""

    def __init__(self, data: np.ndarray) -> None:
        self.data, self.shape, self.dtype = data, data.shape, data.dtype

    def __getitem__(self, key):
        return self.data[key]


@pytest.mark.parametrize("lazy", [True, False])
def test_positions_channels_and_pixel_size_of_nd2(lazy: bool) -> None:
    file = Nd2(DATA, "PZCYX", ("BF", "GFP"))
    image = from_nd2(file, "x.nd2", lazy=lazy, scene=1)
    assert (image.axes, image.channels, image.pixel_size) == ("ZCYX", ("BF", "GFP"), (0.5, 0.25))
    assert isinstance(image.data, np.ndarray) != lazy
    assert np.array_equal(np.asarray(image.data), DATA[1])
    with pytest.raises(InputError, match="holds 2 positions"):
        from_nd2(file, "x.nd2")
    with pytest.raises(InputError, match="position 2 came"):
        from_nd2(file, "x.nd2", scene=2)


def test_a_plain_nd2_and_a_colour_one() -> None:
    one = from_nd2(Nd2(DATA[0, 0], "CYX", ()), "x.nd2")
    assert (one.axes, one.channels) == ("CYX", ())
    colour = np.stack([DATA[0, 0, 0]] * 3, axis=-1) + np.arange(3, dtype=np.uint16)
    image = from_nd2(Nd2(colour, "YXS", ()), "x.nd2")
    assert (image.axes, image.channels) == ("CYX", ("red", "green", "blue"))


class Bio:
    """What `from_bioio` asks of a bioio.BioImage."""

    scenes = ("one", "two")
    dims = Facts(order="TCZYX")
    physical_pixel_sizes = Facts(Z=None, Y=0.1, X=0.1)
    channel_names = ("a", "b")

    def __init__(self) -> None:
        self.at = 0

    def set_scene(self, which: int) -> None:
        self.at = which

    @property
    def data(self) -> np.ndarray:
        return DATA[self.at].swapaxes(0, 1)[None]

    @property
    def dask_data(self) -> Lazy:
        return Lazy(self.data)


@pytest.mark.parametrize("lazy", [True, False])
def test_scenes_of_bioio(lazy: bool) -> None:
    image = from_bioio(Bio(), "x.czi", lazy=lazy, scene=1)
    assert (image.axes, image.channels, image.pixel_size) == ("ZCYX", ("a", "b"), (0.1, 0.1))
    assert np.array_equal(np.asarray(image.data), DATA[1])


@pytest.mark.parametrize(
    ("name", "need"), [("a.nd2", "cellwright\\[readers\\]"), ("a.czi", "bioio-czi")]
)
def test_a_missing_package_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, need: str
) -> None:
    (tmp_path / name).write_bytes(b"x" * 100)
    original = builtins.__import__

    def without(module: str, *arguments, **options):
        if module in ("nd2", "bioio"):
            raise ImportError(module)
        return original(module, *arguments, **options)

    monkeypatch.setattr(builtins, "__import__", without)
    for call in (read_image, scene_count):
        with pytest.raises(InputError, match=need):
            call(tmp_path / name)


def test_damaged_nd2(tmp_path: Path) -> None:
    pytest.importorskip("nd2")
    path = tmp_path / "a.nd2"
    path.write_bytes(b"no microscope wrote this" * 20)
    assert image_files(tmp_path) == [path]
    for call in (read_image, scene_count):
        with pytest.raises(InputError, match=r"a\.nd2: the file is damaged"):
            call(path)


def test_nd2_offers_the_calls_that_are_used() -> None:
    nd2 = pytest.importorskip("nd2")
    for name in ("sizes", "asarray", "to_dask", "voxel_size", "metadata", "__enter__"):
        assert hasattr(nd2.ND2File, name)


def test_other_files_hold_one_image(tmp_path: Path) -> None:
    from cellwright.formats import write_image
    from cellwright.types import Image

    write_image(Image(DATA[0, 0, 0]), tmp_path / "a.tif")
    assert scene_count(tmp_path / "a.tif") == 1
    with pytest.raises(InputError, match="holds one image"):
        read_image(tmp_path / "a.tif", scene=1)
