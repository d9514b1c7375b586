"""Images: every format, every data type, axes, pixel size, and damaged files."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from PIL import Image as Photo

from cellwright.formats import image_files, read_image, read_sample, stem, write_image
from cellwright.formats import photo as photo_module
from cellwright.formats.axes import arrange
from cellwright.types import Image, InputError

TYPES = ["bool", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64",
         "float16", "float32", "float64"]  # fmt: skip
SHAPES = {"YX": (9, 7), "CYX": (3, 9, 7), "ZYX": (4, 9, 7), "ZCYX": (4, 3, 9, 7),
          "TYX": (2, 9, 7), "TZCYX": (2, 4, 3, 9, 7)}  # fmt: skip


def image(dtype: str = "uint16", axes: str = "CYX", size: float | None = 0.5) -> Image:
    """A random image with a pixel size and channel names."""
    values = np.random.default_rng(3).random(SHAPES[axes])
    data = values > 0.5 if dtype == "bool" else (values * 100).astype(dtype)
    names = ("red one", "green", "b") if "C" in axes else ()
    return Image(data, axes, (size, 2 * size) if size else None, names)


def same(a: Image, b: Image) -> bool:
    """Whether pixels, type, axes, pixel size and channels agree."""
    sizes = (a.pixel_size, b.pixel_size)
    return (
        a.axes == b.axes
        and a.data.dtype == b.data.dtype
        and np.array_equal(np.asarray(a.data[...]), np.asarray(b.data[...]))
        and a.channels == b.channels
        and (sizes == (None, None) or (None not in sizes and bool(np.allclose(*sizes))))
    )


CASES = [(d, s) for d in TYPES for s in (".tif", ".ome.tiff")] + [
    (d, ".zarr") for d in ("bool", "uint16", "float32")
]


@pytest.mark.parametrize("axes", list(SHAPES))
@pytest.mark.parametrize(("dtype", "suffix"), CASES)
def test_every_type_and_axes_comes_back(tmp_path: Path, dtype: str, axes: str, suffix: str) -> None:
    before = image(dtype, axes)
    write_image(before, tmp_path / f"a{suffix}")
    assert same(read_image(tmp_path / f"a{suffix}"), before)
    lazy = read_image(tmp_path / f"a{suffix}", lazy=True)
    assert same(lazy, before)
    assert type(lazy.data) is not np.ndarray
    window = (slice(2, 6), slice(1, 4))
    assert np.array_equal(lazy.stack(window), before.stack(window))


def test_no_pixel_size_stays_unknown(tmp_path: Path) -> None:
    for name in ("a.tif", "a.zarr"):
        write_image(image(size=None), tmp_path / name)
        assert read_image(tmp_path / name).pixel_size is None
    assert read_image(tmp_path / "a.tif", pixel_size=(1, 2)).pixel_size == (1, 2)


def test_imagej_files(tmp_path: Path) -> None:
    data = np.arange(2 * 3 * 8 * 6, dtype=np.uint16).reshape(2, 3, 8, 6)
    tifffile.imwrite(
        tmp_path / "a.tif", data, imagej=True, resolution=(4.0, 2.0),
        metadata={"axes": "ZCYX", "unit": "um"},
    )  # fmt: skip
    found = read_image(tmp_path / "a.tif")
    assert found.axes == "ZCYX"
    assert found.pixel_size == (0.5, 0.25)
    assert np.array_equal(found.data, data)


def test_the_resolution_of_a_plain_tiff_is_not_a_pixel_size(tmp_path: Path) -> None:
    tifffile.imwrite(
        tmp_path / "a.tif", np.zeros((4, 5), np.uint8), resolution=(72, 72), resolutionunit="INCH"
    )
    assert read_image(tmp_path / "a.tif").pixel_size is None


def test_colour_photos(tmp_path: Path) -> None:
    grey = np.random.default_rng(0).integers(0, 255, (6, 5), dtype=np.uint8)
    rgba = np.stack([grey, grey, grey, np.full_like(grey, 255)], axis=-1)
    Photo.fromarray(rgba).save(tmp_path / "grey.png")
    found = read_image(tmp_path / "grey.png")
    assert found.axes == "YX"
    assert np.array_equal(found.data, grey)
    colour = np.stack([grey, grey // 2, grey // 3], axis=-1)
    Photo.fromarray(colour).save(tmp_path / "colour.png")
    tifffile.imwrite(tmp_path / "colour.tif", colour, photometric="rgb")
    for name in ("colour.png", "colour.tif"):
        found = read_image(tmp_path / name)
        assert (found.axes, found.channels) == ("CYX", ("red", "green", "blue"))
        assert np.array_equal(found.data, np.moveaxis(colour, -1, 0))
    write_image(found, tmp_path / "again.png")
    assert np.array_equal(read_image(tmp_path / "again.png").data, found.data)


def test_sixteen_bits_of_a_png_are_kept(tmp_path: Path) -> None:
    imagecodecs = pytest.importorskip("imagecodecs")
    data = np.random.default_rng(0).integers(0, 65535, (6, 5, 3), dtype=np.uint16)
    (tmp_path / "c.png").write_bytes(imagecodecs.png_encode(data))
    assert np.array_equal(read_image(tmp_path / "c.png").data, np.moveaxis(data, -1, 0))
    write_image(Image(data[..., 0]), tmp_path / "g.png")
    assert np.array_equal(read_image(tmp_path / "g.png").data, data[..., 0])
    with pytest.raises(InputError, match=r"write a \.tif"):
        write_image(Image(data[..., 0].astype(np.float32)), tmp_path / "f.png")


def test_ambiguous_axes_name_the_flag(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "a.tif", np.zeros((5, 8, 6), np.uint16), photometric="minisblack")
    with pytest.raises(InputError, match="--axes"):
        read_image(tmp_path / "a.tif")
    assert read_image(tmp_path / "a.tif", axes="ZYX").axes == "ZYX"
    assert read_image(tmp_path / "a.tif", axes="YXC").data.shape == (6, 5, 8)
    assert read_image(tmp_path / "a.tif", axes="zyx", lazy=True).size("Z") == 5
    for wrong in ("YX", "ZZX", "ABC", "ZCYX"):
        with pytest.raises(InputError, match="--axes"):
            read_image(tmp_path / "a.tif", axes=wrong)


@given(
    axes=st.permutations("TZCYX").map("".join),
    shape=hnp.array_shapes(min_dims=5, max_dims=5, max_side=3),
)
@settings(max_examples=30, deadline=None)
def test_any_order_of_axes_is_brought_into_ours(axes: str, shape: tuple[int, ...]) -> None:
    data = np.arange(np.prod(shape)).reshape(shape)
    out, letters, _ = arrange(data, axes)
    assert letters == "".join(a for a in "TZCYX" if a in "YX" or shape[axes.index(a)] > 1)
    full = data.transpose([axes.index(a) for a in "TZCYX"])
    assert np.array_equal(out, full.reshape(out.shape))


@pytest.mark.parametrize("compression", [None, "zlib"])
@pytest.mark.parametrize("part", [0.02, 0.3, 0.6, 0.9, 0.99])
def test_truncated_tiff(tmp_path: Path, part: float, compression: str | None) -> None:
    data = np.random.default_rng(0).integers(0, 255, (6, 64, 64), dtype=np.uint8)
    tifffile.imwrite(
        tmp_path / "a.tif", data, compression=compression, metadata=None, photometric="minisblack"
    )
    whole = (tmp_path / "a.tif").read_bytes()
    (tmp_path / "b.tif").write_bytes(whole[: int(len(whole) * part)])
    with pytest.raises(InputError, match=r"b\.tif"):
        read_image(tmp_path / "b.tif", axes="ZYX")


def test_a_missing_companion_is_not_read_as_black(tmp_path: Path) -> None:
    write_image(image(axes="YX"), tmp_path / "a.ome.tif")
    with tifffile.TiffFile(tmp_path / "a.ome.tif") as tif:
        text = tif.ome_metadata
    assert text is not None
    uuid = "urn:uuid:6f93b7d4-0b1e-4f2b-9c54-3d7c0d7f3b11"
    text = text.replace('SizeZ="1"', 'SizeZ="2"').replace(
        "</Pixels>",
        f'<TiffData IFD="0" FirstZ="1" PlaneCount="1"><UUID FileName="gone.tif">{uuid}</UUID>'
        "</TiffData></Pixels>",
    )
    tifffile.imwrite(
        tmp_path / "b.ome.tif", np.ones((9, 7), np.uint16), description=text.encode(), metadata=None
    )
    with pytest.raises(InputError, match=r"gone\.tif"):
        read_image(tmp_path / "b.ome.tif")


def test_other_damaged_and_missing_files(tmp_path: Path) -> None:
    (tmp_path / "empty.tif").write_bytes(b"")
    (tmp_path / "text.tif").write_text("hello")
    (tmp_path / "text.png").write_text("hello")
    write_image(Image(np.zeros((50, 50), np.uint8)), tmp_path / "cut.png")
    (tmp_path / "cut.png").write_bytes((tmp_path / "cut.png").read_bytes()[:60])
    (tmp_path / "no.zarr").mkdir()
    for name in ("empty.tif", "text.tif", "text.png", "cut.png", "no.zarr", "none.tif", "a.docx"):
        with pytest.raises(InputError, match=name.replace(".", r"\.")):
            read_image(tmp_path / name)


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_nan_is_refused(tmp_path: Path, bad: float) -> None:
    data = np.zeros((4, 5), np.float32)
    data[1, 2] = bad
    write_image(Image(data), tmp_path / "a.tif")
    with pytest.raises(InputError, match="1 pixels are NaN or infinite"):
        read_image(tmp_path / "a.tif")


def test_images_without_pixels_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="empty"):
        arrange(np.zeros((0, 5)), "YX")
    with pytest.raises(InputError, match="empty"):
        Image(np.zeros((4, 0)))


def test_photos_have_a_limit(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_image(Image(np.zeros((20, 30), np.uint8)), tmp_path / "a.png")
    monkeypatch.setattr(photo_module, "PIXEL_LIMIT", 599)
    with pytest.raises(InputError, match="30 x 20 pixels came"):
        read_image(tmp_path / "a.png")


def test_image_files_are_sorted_and_known(tmp_path: Path) -> None:
    for name in ("b.tif", "a.png", "notes.txt", ".hidden.tif", "deep/c.tif"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(b"x")
    write_image(image(), tmp_path / "z.ome.zarr")
    names = lambda found: [p.name for p in found]  # noqa: E731
    assert names(image_files(tmp_path)) == ["a.png", "b.tif", "z.ome.zarr"]
    assert names(image_files(tmp_path, recursive=True))[:2] == ["a.png", "b.tif"]
    assert "c.tif" in names(image_files(tmp_path, recursive=True))
    assert names(image_files([tmp_path / "b.tif", tmp_path / "b.tif"])) == ["b.tif"]
    (tmp_path / "void").mkdir()
    for source, message in (
        (tmp_path / "void", "no image"),
        (tmp_path / "gone", "no such"),
        (tmp_path / "notes.txt", "not known"),
        ([], "no image was given"),
    ):
        with pytest.raises(InputError, match=message):
            image_files(source)


def test_stems_lose_their_whole_suffix() -> None:
    assert [stem(n) for n in ("a.ome.tif", "b.c.PNG", "x/d.zarr", "e")] == ["a", "b.c", "d", "e"]


def test_a_sample_is_named_after_its_file(tmp_path: Path) -> None:
    write_image(image(), tmp_path / "well A.ome.tif")
    found = read_sample(tmp_path / "well A.ome.tif")
    assert found.name == "well A"
    assert found.instances is None
