"""Which format a file has, and reading and writing by its name."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.axes import check_finite
from cellwright.types import Image, InputError, Instances, Sample


@dataclass(frozen=True, slots=True)
class Format:
    """A file format: its name, suffixes, and the module whose functions read and write it.

    The module holds those of ``read_image``, ``write_image``, ``read_instances`` and
    ``write_instances`` that `does` names.
    """

    name: str
    suffixes: tuple[str, ...]
    module: str
    does: frozenset[str]

    def call(self, action: str) -> Callable[..., Any]:
        """The function `action` of the format; the module is loaded now, not before."""
        function: Callable[..., Any] = getattr(
            import_module(f"cellwright.formats.{self.module}"), action
        )
        return function


_RI, _WI, _RC, _WC = "read_image", "write_image", "read_instances", "write_instances"
FORMATS: tuple[Format, ...] = (
    Format("tiff", (".ome.tif", ".ome.tiff", ".tif", ".tiff"), "tiff", frozenset({_RI, _WI})),
    Format("png", (".png", ".jpg", ".jpeg", ".bmp"), "photo", frozenset({_RI, _WI})),
    Format("zarr", (".ome.zarr", ".zarr"), "ome_zarr", frozenset({_RI, _WI, _RC, _WC})),
    Format("readers", (".nd2", ".czi", ".lif"), "readers", frozenset({_RI})),
    Format("labels", (".tif", ".tiff", ".png", ".bmp"), "label_map", frozenset({_RC, _WC})),
    Format("rois", (".zip", ".roi"), "rois", frozenset({_RC, _WC})),
    Format("geojson", (".geojson",), "geojson", frozenset({_RC, _WC})),
)
"""Every format, in the order in which a suffix is looked for."""


def _format(path: Path, action: str) -> Format:
    fitting = [f for f in FORMATS if action in f.does]
    for entry in fitting:
        inner = entry.name == "zarr" and path.is_dir() and ".zarr/" in path.as_posix().lower()
        if path.name.lower().endswith(entry.suffixes) or inner:
            return entry
    known = ", ".join(dict.fromkeys(s for f in fitting for s in f.suffixes))
    raise InputError(f"{path}: this kind of file is not known here; one of {known} is wanted")


def _is_image(path: Path) -> bool:
    suffixes = tuple(s for f in FORMATS if _RI in f.does for s in f.suffixes)
    return path.name.lower().endswith(suffixes) and not path.name.startswith(".")


def stem(path: str | Path) -> str:
    """File name without its image, label or table suffix (``a.ome.tif`` gives ``a``)."""
    name = Path(path).name
    for suffix in (*(s for f in FORMATS for s in f.suffixes), ".json", ".csv"):
        if name.lower().endswith(suffix):
            return name[: -len(suffix)]
    return name


def image_files(
    sources: str | Path | Iterable[str | Path], *, recursive: bool = False
) -> list[Path]:
    """Image files of folders and single files, sorted within each folder, each once.

    Parameters
    ----------
    sources
        Folders and files; a file given by name must have a known suffix. An OME-Zarr folder
        counts as one image.
    recursive
        Look into folders within folders too.

    Raises
    ------
    InputError
        If a source is not there or is a folder without an image.
    """
    found: dict[Path, None] = {}
    for source in [sources] if isinstance(sources, str | Path) else sources:
        source = Path(source)
        if not source.exists():
            raise InputError(f"{source}: no such file or folder")
        if source.is_dir() and not source.name.lower().endswith(".zarr"):
            inner = sorted(_walk(source, recursive))
            if not inner:
                raise InputError(
                    f"{source}: the folder holds no image; TIFF, PNG, JPEG or OME-Zarr are wanted"
                )
            found.update(dict.fromkeys(inner))
        else:
            _format(source, _RI)
            found[source] = None
    if not found:
        raise InputError("no image was given; files or folders are wanted")
    return list(found)


def _walk(folder: Path, recursive: bool) -> Iterable[Path]:
    for path in folder.iterdir():
        if _is_image(path):
            yield path
        elif recursive and path.is_dir() and not path.name.startswith("."):
            yield from _walk(path, recursive)


def read_image(
    path: str | Path,
    *,
    axes: str | None = None,
    pixel_size: tuple[float, float] | None = None,
    lazy: bool = False,
    scene: int | None = None,
) -> Image:
    """Read an image of any format in `FORMATS`.

    Parameters
    ----------
    path
        TIFF, OME-TIFF, PNG, JPEG, BMP or OME-Zarr; ND2, CZI or LIF with the extra ``readers``.
    axes
        Meaning of the axes where the file does not say it, for example "ZYX".
    pixel_size
        (row, column) in um, instead of what the file says.
    lazy
        Read parts when they are asked for, where the format can (TIFF, OME-Zarr); lazy
        pixels are not searched for NaN.
    scene
        Which position of a file that holds several, from 0 (ND2, CZI, LIF).

    Returns
    -------
    Image
        In the data type of the file.

    Raises
    ------
    InputError
        If the file is missing, damaged or empty, has axes that it does not name, or holds NaN.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file")
    entry = _format(path, _RI)
    more = {} if scene is None else {"scene": scene}
    if more and entry.name != "readers":
        raise InputError(f"{path}: position {scene} came; this kind of file holds one image")
    image: Image = entry.call(_RI)(path, axes=axes, lazy=lazy, **more)
    if isinstance(image.data, np.ndarray) and not isinstance(image.data, np.memmap):
        check_finite(image.data, path)
    return image if pixel_size is None else replace(image, pixel_size=pixel_size)


def scene_count(path: str | Path) -> int:
    """How many images (stage positions) a file holds; those beside ND2, CZI and LIF hold one."""
    path = Path(path)
    entry = _format(path, _RI)
    return int(entry.call("scenes")(path)) if entry.name == "readers" else 1


def write_image(image: Image, path: str | Path) -> None:
    """Write an image in the format of the suffix of `path`, atomically."""
    path = Path(path)
    _format(path, _WI).call(_WI)(image, path)


def read_sample(
    path: str | Path,
    *,
    axes: str | None = None,
    pixel_size: tuple[float, float] | None = None,
    lazy: bool = False,
) -> Sample:
    """Read an image as a sample named after its file; OME-Zarr labels come along."""
    path = Path(path)
    image = read_image(path, axes=axes, pixel_size=pixel_size, lazy=lazy)
    cells = None
    if _format(path, _RI).name == "zarr":
        from cellwright.formats.ome_zarr import label_names, read_instances

        cells = read_instances(path) if label_names(path) else None
    return Sample(stem(path), image, cells)


def read_instances(path: str | Path, *, shape: tuple[int, int] | None = None) -> Instances:
    """Read the cells of one image.

    Parameters
    ----------
    path
        Label image (TIFF, PNG, BMP), OME-Zarr with labels, ImageJ ROI zip, or GeoJSON.
    shape
        Rows and columns of the image; needed for outlines, checked for label images.
    """
    path = Path(path)
    if not path.exists():
        raise InputError(f"{path}: no such file")
    entry = _format(path, _RC)
    if entry.name in ("rois", "geojson"):
        cells: Instances = entry.call(_RC)(path, shape=shape)
    else:
        cells = entry.call(_RC)(path)
    if shape is not None and cells.shape != tuple(shape):
        raise InputError(
            f"{path}: the masks are {cells.shape}, the image is {tuple(shape)}; both must have "
            "the same rows and columns"
        )
    return cells


def write_instances(
    instances: Instances,
    path: str | Path,
    *,
    format: str | None = None,
    pixel_size: tuple[float, float] | None = None,
) -> None:
    """Write the cells of one image, atomically.

    Parameters
    ----------
    instances
        The cells.
    path
        File to write.
    format
        "labels" and "zarr" (label maps: lossy where cells overlap), "rois" or "geojson"; by
        the suffix of `path` if not given.
    pixel_size
        (row, column) in um, for formats that keep it (zarr).
    """
    path = Path(path)
    if format is None:
        entry = _format(path, _WC)
    else:
        fitting = {f.name: f for f in FORMATS if _WC in f.does}
        if format not in fitting:
            raise InputError(f"format {format!r} is not known; one of {sorted(fitting)} is wanted")
        entry = fitting[format]
    options = {"pixel_size": pixel_size} if entry.name == "zarr" else {}
    entry.call(_WC)(instances, path, **options)
