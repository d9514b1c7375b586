"""Which channel shows the nuclei, which carries which probe, and whether they can be read."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.types import Image, InputError

# Share of a nucleus at the highest value from which it cannot be read.
_SATURATED = 0.1
# Pixels at the highest value, as a share of the frame, that the middles of signals may make.
_PEAKS = 2e-4


@dataclass(frozen=True, slots=True)
class Panel:
    """Channels of an image by index.

    Parameters
    ----------
    nuclei
        The channel of the nuclei.
    channels
        The channel of each probe.
    probes
        Names of the probes.
    names
        What the channels are called, one per probe.
    """

    nuclei: int
    channels: tuple[int, ...]
    probes: tuple[str, ...]
    names: tuple[str, ...]


def parse_probes(probes: str | Sequence[str] | Mapping[str, str]) -> dict[str, str]:
    """``"ch1=3p22.1,ch2=3q29"`` or a mapping as probe by channel.

    Raises
    ------
    InputError
        If there is none, a part has no channel or no probe, or one is named twice.
    """
    if isinstance(probes, Mapping):
        pairs = [(str(k), str(v)) for k, v in probes.items()]
    else:
        texts = [probes] if isinstance(probes, str) else list(probes)
        parts = [part for text in texts for part in text.split(",") if part.strip()]
        pairs = []
        for part in parts:
            channel, sign, probe = (piece.strip() for piece in part.partition("="))
            if not sign or not channel or not probe:
                raise InputError(
                    f"--probes {part.strip()!r} came: CHANNEL=PROBE is wanted, such as ch1=3p22.1; "
                    "which dye carries which probe is said by the kit"
                )
            pairs.append((channel, probe))
    if not pairs:
        raise InputError("no probe came: --probes CHANNEL=PROBE,... is wanted, such as ch1=3p22.1")
    for place, what in enumerate(("channel", "probe")):
        values = [pair[place] for pair in pairs]
        twice = [v for v in dict.fromkeys(values) if values.count(v) > 1]
        if twice:
            raise InputError(f"--probes names the {what} {twice[0]} twice; each is wanted once")
    return dict(pairs)


def panel_of(
    image: Image, probes: Mapping[str, str], nucleus_channel: str | int | None = None
) -> Panel:
    """The channels of `image`.

    Parameters
    ----------
    image
        Any image.
    probes
        Probe by channel: a channel's name, or ``ch2`` or ``2`` for the third one (from 0).
    nucleus_channel
        Name or number of the channel of the nuclei; None takes the one named as a nuclear stain
        (DAPI, Hoechst ...), else the first.

    Raises
    ------
    InputError
        If a channel is not there, is named twice, or is that of the nuclei.
    """
    from cellwright.label.plane import pick_channel

    if nucleus_channel is None:
        nuclei = pick_channel(image) or 0
    else:
        nuclei = _index(image, str(nucleus_channel), "--nucleus-channel")
    channels = tuple(_index(image, key, f"probe {probe}") for key, probe in probes.items())
    for index, (key, probe) in zip(channels, probes.items(), strict=True):
        if index == nuclei:
            raise InputError(
                f"probe {probe}: {key} is the channel of the nuclei ({_known(image)}); channels "
                "count from 0, and --nucleus-channel says which shows the nuclei"
            )
        if channels.count(index) > 1:
            raise InputError(f"probe {probe}: {key} is the channel of another probe too")
    names = tuple(image.channels[i] if image.channels else f"ch{i}" for i in channels)
    return Panel(nuclei, channels, tuple(probes.values()), names)


def _index(image: Image, key: str, what: str) -> int:
    names = [name.lower() for name in image.channels]
    if key.lower() in names:
        return names.index(key.lower())
    number = key.lower().removeprefix("ch")
    if number.isdecimal() and int(number) < image.size("C"):
        return int(number)
    raise InputError(f"{what}: there is no channel {key!r}; the image has {_known(image)}")


def _known(image: Image) -> str:
    names = image.channels or tuple(f"ch{i}" for i in range(image.size("C")))
    return f"{len(names)}: " + ", ".join(f"{name} ({i})" for i, name in enumerate(names))


def plane_of(image: Image, channel: int) -> Any:
    """One channel as (row, column), the brightest value over the planes of a z-stack.

    Raises
    ------
    InputError
        For several time points.
    """
    if image.size("T") > 1:
        raise InputError(
            f"an image of {image.size('T')} time points came: one is wanted; split the series"
        )
    axes = image.axes
    where: list[Any] = [slice(None)] * len(axes)
    if "T" in axes:
        where[axes.index("T")] = 0
    if "C" in axes:
        where[axes.index("C")] = channel
    plane = image.data[tuple(where)]
    return np.asarray(plane).max(axis=0) if len(plane.shape) > 2 else plane


def check_recorded(plane: Any, name: str) -> None:
    """Refuse a channel without any contrast.

    Raises
    ------
    InputError
        If all its pixels have one value.
    """
    part = np.asarray(plane)
    low, high = part.min(), part.max()
    if low == high:
        raise InputError(f"channel {name} has the value {low:g} everywhere: nothing was recorded")


def saturated_shares(plane: Any, boxes: np.ndarray, masks: Sequence[np.ndarray]) -> np.ndarray:
    """Share of the pixels of each nucleus that lie at the highest value of the channel.

    A few pixels there are the middles of bright signals; only a value that many pixels share
    is where the camera ends.
    """
    part = np.asarray(plane)
    top = part.max()
    full = part == top
    if np.count_nonzero(full) <= max(25, _PEAKS * full.size):
        return np.zeros(len(masks))
    return np.array([
        int(np.count_nonzero(full[r0:r1, c0:c1] & mask)) / max(int(np.count_nonzero(mask)), 1)
        for (r0, c0, r1, c1), mask in zip(boxes.tolist(), masks, strict=True)
    ])  # fmt: skip


def unreadable_cells(
    planes: Sequence[Any], panel: Panel, boxes: np.ndarray, masks: Sequence[np.ndarray]
) -> list[list[str]]:
    """What cannot be read of each nucleus, in words.

    Raises
    ------
    InputError
        If a channel is saturated in more than half of the nuclei.
    """
    found: list[list[str]] = [[] for _ in masks]
    for plane, name, probe in zip(planes, panel.names, panel.probes, strict=True):
        bad = saturated_shares(plane, boxes, masks) > _SATURATED
        if len(bad) and bad.mean() > 0.5:
            raise InputError(
                f"channel {name} ({probe}) is saturated in {int(bad.sum())} of {len(bad)} nuclei: "
                "its signals cannot be told from each other; take it with less exposure"
            )
        for i in np.flatnonzero(bad).tolist():
            found[i].append(f"{name} is saturated")
    return found
