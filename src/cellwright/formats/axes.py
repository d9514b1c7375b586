"""What the axes of a raw array mean, and how they come into the order of the package."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np

from cellwright.formats.lazy import LazyView
from cellwright.types import AXES, InputError

log = logging.getLogger(__name__)
_KNOWN = AXES + "S"


def check_finite(data: np.ndarray, source: object) -> None:
    """Raise InputError if a float array holds NaN or infinity."""
    if np.issubdtype(data.dtype, np.complexfloating):
        raise InputError(f"{source}: complex pixels came, real numbers are wanted")
    if np.issubdtype(data.dtype, np.floating) and not np.isfinite(data).all():
        bad = int(data.size - np.count_nonzero(np.isfinite(data)))
        raise InputError(
            f"{source}: {bad} pixels are NaN or infinite; finite numbers are wanted, "
            "replace them before reading"
        )


def _transpose(data: Any, order: list[int]) -> Any:
    if order == list(range(len(order))):
        return data
    if isinstance(data, np.ndarray):
        return data.transpose(order)
    return LazyView(data, tuple(order))


def _squeeze(data: Any, axes: str) -> tuple[Any, str]:
    keep = [i for i, a in enumerate(axes) if a in "YX" or data.shape[i] != 1]
    if len(keep) == len(axes):
        return data, axes
    letters = "".join(axes[i] for i in keep)
    fixed = {i: 0 for i in range(len(axes)) if i not in keep}
    if not isinstance(data, np.ndarray):
        return LazyView(data, tuple(keep), fixed=fixed), letters
    return data[tuple(fixed.get(i, slice(None)) for i in range(len(axes)))], letters


def _wanted_axes(shape: tuple[int, ...], found: str, asked: str | None, source: object) -> str:
    if asked is None:
        return found
    asked = asked.upper()
    if set(asked) - set(_KNOWN) or len(set(asked)) != len(asked) or not {"Y", "X"} <= set(asked):
        raise InputError(
            f"--axes {asked!r} is not usable: wanted different letters of 'TZCYX' "
            "(S for colour samples) with Y and X among them, for example 'ZYX'"
        )
    long = [i for i, n in enumerate(shape) if n != 1]
    if len(asked) == len(shape):
        return asked
    if len(asked) == len(long):  # lengths of one were left out
        letters = iter(asked)
        spare = iter(a for a in AXES if a not in asked)
        return "".join(next(letters) if i in long else next(spare) for i in range(len(shape)))
    raise InputError(
        f"{source}: an array of shape {shape} came with --axes {asked!r}: "
        "one letter per axis is wanted"
    )


def arrange(
    data: Any, found: str, *, axes: str | None = None, source: object = "image"
) -> tuple[Any, str, tuple[str, ...]]:
    """Bring a raw array into the order ``TZCYX``.

    Parameters
    ----------
    data
        Numpy or lazy array.
    found
        One letter per axis as the file tells it; letters outside ``TZCYXS`` are unknown.
    axes
        What the user says instead (``--axes``); axes of length one may be left out.
    source
        Name for messages.

    Returns
    -------
    tuple
        The array without axes of length one (Y and X stay), its axes, and the channel names
        if the file says them by being a colour photo. A grey image stored as RGB becomes
        "YX"; alpha is dropped with a line in the log.

    Raises
    ------
    InputError
        If the axes are unknown or an axis comes twice: the message names ``--axes``.
    """
    shape = tuple(int(n) for n in data.shape)
    if 0 in shape:
        raise InputError(f"{source}: the image is empty, its shape is {shape}")
    letters = _wanted_axes(shape, found, axes, source)
    if len(letters) != len(shape):
        raise InputError(f"{source}: shape {shape} does not fit the axes {letters!r}; set --axes")
    data, letters = _squeeze(data, letters)
    colour = letters.count("S") == 1 and "C" not in letters
    clear = set(letters) <= set(_KNOWN) and len(set(letters)) == len(letters)
    if not clear or letters.count("S") > colour:
        shape = tuple(int(n) for n in data.shape)
        raise InputError(
            f"{source}: shape {shape} has axes that the file does not name; "
            f"say what they are, for example --axes {_example(len(shape))}"
        )
    if "Y" not in letters or "X" not in letters:
        raise InputError(f"{source}: axes {letters!r} came, Y and X are wanted; set --axes")
    names: tuple[str, ...] = ()
    if colour:
        data, letters, names = _samples(data, letters, source)
    order = sorted(range(len(letters)), key=lambda i: AXES.index(letters[i]))
    return _transpose(data, order), "".join(letters[i] for i in order), names


def _example(ndim: int) -> str:
    return {3: "ZYX or CYX", 4: "ZCYX or TCYX", 5: "TZCYX"}.get(ndim, "ZYX")


def _samples(data: Any, letters: str, source: object) -> tuple[Any, str, tuple[str, ...]]:
    """Colour samples to channels; equal ones to one grey image."""
    at = letters.index("S")
    count = data.shape[at]
    rest = letters.replace("S", "")
    if count in (2, 4):
        log.info("%s: the alpha channel is dropped", source)
        count -= 1
    names = ("red", "green", "blue") if count == 3 else ()
    if not isinstance(data, np.ndarray):
        every = tuple(range(len(letters)))
        if count == 1:
            return LazyView(data, every[:at] + every[at + 1 :], fixed={at: 0}), rest, ()
        return LazyView(data, every, stop={at: count}), letters.replace("S", "C"), names
    planes = [data.take(i, axis=at) for i in range(count)]
    if all(np.array_equal(planes[0], p) for p in planes[1:]):
        return planes[0], rest, ()
    return np.stack(planes, axis=at), letters.replace("S", "C"), names
