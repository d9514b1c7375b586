"""ND2, CZI and LIF files through the packages of the extra ``readers``.

ND2 needs ``nd2`` (BSD-3). CZI and LIF need ``bioio`` (BSD-3) with its plugin for them,
``bioio-czi`` or ``bioio-lif``, which are under GPL-3 and are therefore not installed by the
extra.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.formats.axes import arrange
from cellwright.formats.lazy import LazyView
from cellwright.types import Image, InputError

log = logging.getLogger(__name__)
PLUGINS = {".czi": "bioio-czi", ".lif": "bioio-lif"}


def read_image(
    path: str | Path, *, axes: str | None = None, lazy: bool = False, scene: int | None = None
) -> Image:
    """Read one scene (stage position) of an ND2, CZI or LIF file.

    Parameters
    ----------
    path
        The file.
    axes
        Letters instead of those of the file.
    lazy
        Give an array that reads its parts when they are asked for.
    scene
        Which one, from 0; may be left out if there is one only.

    Raises
    ------
    InputError
        If the package that reads it is not installed, the file is damaged, or it has several
        scenes and none was named.
    """
    path = Path(path)
    try:
        if path.suffix.lower() == ".nd2":
            with _nd2(path) as file:
                return from_nd2(file, path, axes=axes, lazy=lazy, scene=scene)
        return from_bioio(_bioio(path), path, axes=axes, lazy=lazy, scene=scene)
    except (InputError, MemoryError):
        raise
    except Exception as error:  # the packages raise errors of many kinds
        raise InputError(f"{path}: the file is damaged or of an unknown kind ({error})") from error


def scenes(path: str | Path) -> int:
    """How many scenes (stage positions) a file holds."""
    path = Path(path)
    try:
        if path.suffix.lower() == ".nd2":
            with _nd2(path) as file:
                return int(file.sizes.get("P", 1))
        return len(_bioio(path).scenes)
    except InputError:
        raise
    except Exception as error:
        raise InputError(f"{path}: the file is damaged or of an unknown kind ({error})") from error


def from_nd2(
    file: Any, source: object, *, axes: str | None = None, lazy: bool = False,
    scene: int | None = None,
) -> Image:  # fmt: skip
    """The image of an open ``nd2.ND2File``: it has ``sizes``, ``asarray``, ``to_dask`` ..."""
    sizes: Mapping[str, int] = dict(file.sizes)
    count = int(sizes.get("P", 1))
    which = _scene(count, scene, source)
    letters = "".join(sizes)
    data: Any = file.to_dask() if lazy else None
    if "P" in sizes:
        at = letters.index("P")
        letters = letters.replace("P", "")
        if lazy:
            order = tuple(i for i in range(len(sizes)) if i != at)
            data = LazyView(data, order, fixed={at: which})
        else:
            data = np.asarray(file.asarray(position=which))
            if data.ndim > len(letters):
                data = data.take(0, axis=at)
    elif not lazy:
        data = np.asarray(file.asarray())
    data, letters, colours = arrange(data, letters, axes=axes, source=source)
    found = getattr(file.metadata, "channels", None) or ()
    size = file.voxel_size()
    return _image(data, letters, (size.y, size.x), [c.channel.name for c in found], colours)


def from_bioio(
    file: Any, source: object, *, axes: str | None = None, lazy: bool = False,
    scene: int | None = None,
) -> Image:  # fmt: skip
    """The image of a ``bioio.BioImage``: it has ``scenes``, ``dims``, ``dask_data`` ..."""
    file.set_scene(_scene(len(file.scenes), scene, source))
    data = file.dask_data if lazy else np.asarray(file.data)
    data, letters, colours = arrange(data, str(file.dims.order), axes=axes, source=source)
    size = file.physical_pixel_sizes
    return _image(data, letters, (size.Y, size.X), list(file.channel_names or ()), colours)


def _image(
    data: Any, letters: str, size: tuple[Any, Any], names: list[Any], colours: tuple[str, ...]
) -> Image:
    count = data.shape[letters.index("C")] if "C" in letters else 1
    channels = tuple(str(n) for n in names)
    if len(channels) != count or len(set(channels)) < len(channels):
        channels = colours
    known = all(isinstance(s, int | float) and np.isfinite(s) and s > 0 for s in size)
    return Image(data, letters, (float(size[0]), float(size[1])) if known else None, channels)


def _scene(count: int, scene: int | None, source: object) -> int:
    if scene is None and count > 1:
        raise InputError(
            f"{source}: the file holds {count} positions; 'cellwright import' makes an image of "
            "each"
        )
    if not 0 <= (scene or 0) < count:
        raise InputError(f"{source}: position {scene} came, the file holds {count}")
    return scene or 0


def _nd2(path: Path) -> Any:
    try:
        import nd2
    except ImportError as error:
        raise InputError(
            f"{path}: ND2 files need the package nd2: pip install 'cellwright[readers]'"
        ) from error
    return nd2.ND2File(path)


def _bioio(path: Path) -> Any:
    plugin = PLUGINS.get(path.suffix.lower(), "a plugin of bioio")
    need = (
        f"{path}: {path.suffix} files need the packages bioio and {plugin}: "
        f"pip install 'cellwright[readers]' {plugin}"
    )
    try:
        from bioio import BioImage
    except ImportError as error:
        raise InputError(need) from error
    try:
        return BioImage(path)
    except Exception as error:  # it raises its own error where the plugin is missing
        if "nsupported" in type(error).__name__ or "plugin" in str(error).lower():
            raise InputError(need) from error
        raise
