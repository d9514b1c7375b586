"""What the pictures hold, and what is to become of their planes and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from cellwright.plate.stack import PROJECTIONS
from cellwright.plate.tiles import TILES_AS
from cellwright.types import InputError

EACH = ("stack", "each")
MASK_TILES = ("cells", "planes")


@dataclass(frozen=True)
class Layout:
    """How files become images.

    Parameters
    ----------
    axes, pixel_size
        For files that do not say them.
    channels
        Names of the channels, in order.
    channel_names
        Names by what file names call a channel, by its name in the file, or by its number
        there, counted from 1.
    keep_channels
        The only channels to keep, by name.
    split_rows, split_columns, split_as
        Tiles of a picture, and what they are: "z" or "channel".
    project
        One of `PROJECTIONS`, or None.
    planes, modalities
        "each": one image a z-plane, a channel.
    resize
        New rows and columns, or None.
    """

    axes: str | None = None
    pixel_size: tuple[float, float] | None = None
    channels: tuple[str, ...] = ()
    channel_names: Mapping[str, str] = field(default_factory=dict)
    keep_channels: tuple[str, ...] = ()
    split_rows: int = 1
    split_columns: int = 1
    split_as: str = "z"
    project: str | None = None
    planes: str = "stack"
    modalities: str = "stack"
    resize: tuple[int, int] | None = None

    def __post_init__(self) -> None:
        _one_of(self.split_as, tuple(TILES_AS), "--split-as")
        _one_of(self.planes, EACH, "--planes")
        _one_of(self.modalities, EACH, "--modalities")
        if self.project is not None:
            _one_of(self.project, PROJECTIONS, "--project")
            if self.planes == "each":
                raise InputError("--project makes one plane of the stack, --planes each keeps "
                                 "them all; one of the two is wanted")  # fmt: skip
        if self.channels and self.channel_names:
            raise InputError("--channels names the channels in order, --channel one by one; one "
                             "of the two is wanted")  # fmt: skip
        if self.resize is not None and min(self.resize) < 1:
            raise InputError(f"--resize {self.resize} came; rows and columns of 1 or more are "
                             "wanted")  # fmt: skip

    @property
    def late_tags(self) -> frozenset[str]:
        """Tags that tell the images of one field apart, known when it is taken apart."""
        late = {"z"} if self.planes == "each" else set()
        return frozenset(late | ({"channel", "modality"} if self.modalities == "each" else set()))

    def unusual(self) -> dict[str, Any]:
        """What is set other than by default, beside axes, pixel size and channels."""
        usual = Layout()
        names = ("channel_names", "keep_channels", "split_rows", "split_columns", "split_as",
                 "project", "planes", "modalities", "resize")  # fmt: skip
        values = {n: getattr(self, n) for n in names if getattr(self, n) != getattr(usual, n)}
        return {n: dict(v) if isinstance(v, Mapping) else v for n, v in values.items()}


def channel_names(texts: Mapping[str, str] | Sequence[str]) -> dict[str, str]:
    """``["1=brightfield", "2=fluorescence"]`` as names by key."""
    if isinstance(texts, Mapping):
        return {str(k): str(v) for k, v in texts.items()}
    found: dict[str, str] = {}
    for text in texts:
        key, sign, name = (part.strip() for part in text.partition("="))
        if not sign or not key or not name or key in found or name in found.values():
            raise InputError(
                f"--channel {text!r} came; KEY=NAME is wanted, each key and name once, such as "
                "1=brightfield"
            )
        found[key] = name
    return found


def _one_of(value: str, allowed: Sequence[str], flag: str) -> None:
    if value not in allowed:
        raise InputError(f"{flag} {value!r} is not known; one of {', '.join(allowed)} is wanted")
