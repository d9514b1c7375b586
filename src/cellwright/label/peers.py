"""The peers as labellers: the channels of any image, put before Cellpose or YOLO."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from cellwright.label.plane import pick_plane
from cellwright.types import Image, Instances, Segmenter

Channels = int | str | Sequence[int | str] | None


@dataclass(frozen=True, slots=True)
class PeerSegmenter:
    """A peer that is shown chosen channels of an image, stacks by their brightest values.

    Parameters
    ----------
    peer
        Takes an image with axes ``"YX"`` or ``"CYX"``.
    channels
        Indices or names; Cellpose wants the cells first, then the nuclei. None picks one
        stain by its name, else the first channel.
    """

    peer: Segmenter
    channels: tuple[int | str | None, ...] = (None,)

    def segment(self, image: Image) -> Instances:
        """Cells of `image` as the peer sees them."""
        planes = [pick_plane(image, channel=channel) for channel in self.channels]
        shown = Image(np.stack(planes), "CYX", image.pixel_size)
        return self.peer.segment(shown)


def cellpose(*, channels: Channels = None, **options: Any) -> PeerSegmenter:
    """Cellpose, of the version installed; options as of `cellwright.peers.cellpose.cellpose`."""
    from cellwright.peers.cellpose import cellpose as build

    return PeerSegmenter(build(**options), _channels(channels))


def yolo(*, channels: Channels = None, **options: Any) -> PeerSegmenter:
    """YOLO from a file of weights; options as of `cellwright.peers.ultralytics.yolo`."""
    from cellwright.peers.ultralytics import yolo as build

    return PeerSegmenter(build(**options), _channels(channels))


def _channels(given: Channels) -> tuple[int | str | None, ...]:
    """``"cells,DAPI"`` or ``"0,2"`` of the command line as names and indices."""
    if given is None or isinstance(given, int):
        return (given,)
    parts = given.split(",") if isinstance(given, str) else list(given)
    return tuple(
        int(part) if isinstance(part, str) and part.strip().isdigit() else part for part in parts
    )
