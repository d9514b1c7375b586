"""Pairs of pictures in the images of a data set: what a translator is shown, and shall make."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from cellwright.types import Image, InputError

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.train.translation.pairs import Pair, Pairs

log = logging.getLogger(__name__)

MASKS = "masks"
#: cells at one place that the labels tell apart
DEEPEST = 2.0
#: images, and pixels of each, that the range of intensities is read from
RANGED_IMAGES, RANGED_PIXELS = 200, 2**14
#: percentiles that the network knows as -1 and 1
LOW, HIGH = 0.1, 99.9
Ranges = tuple[tuple[float, float], ...]


@dataclass(frozen=True, slots=True)
class TranslationData:
    """Images to learn from and held-out ones, with the channels that are paired."""

    train: Dataset
    held_out: Dataset
    source: tuple[str, ...]
    target: tuple[str, ...]
    source_range: Ranges
    target_range: Ranges
    first: Image

    @property
    def classes(self) -> tuple[str, ...]:
        """Class names of the planes of the labels; none if they are not shown."""
        return self.train.class_names if self.source == (MASKS,) else ()

    @property
    def digest(self) -> str:
        """What makes it the data it is: names, shapes, channels and ranges."""
        parts = [[(n, part.shape(i)) for i, n in enumerate(part.names)]
                 for part in (self.train, self.held_out)]  # fmt: skip
        text = json.dumps([parts, self.source, self.target, self.source_range, self.target_range])
        return hashlib.sha256(text.encode()).hexdigest()

    def pixel_size(self) -> tuple[float, float] | None:
        """Micrometres per pixel if it is known and the same for all images."""
        sizes = {tuple(self.train.record(i).get("pixel_size") or ())
                 for i in range(len(self.train))}  # fmt: skip
        size = sizes.pop() if len(sizes) == 1 else ()
        return (float(size[0]), float(size[1])) if size else None

    def pairs(self, *, held_out: bool = False) -> Pairs:
        """The pairs of the training or of the held-out images, in [-1, 1]; targets are cut."""
        from cellwright.train.translation.pairs import Pairs

        part = self.held_out if held_out else self.train

        def read(index: int) -> Pair:
            given = scaled(source_image(part, index, self.source).stack(), self.source_range)
            wanted = scaled(target_image(part, index, self.target).stack(), self.target_range)
            return given, np.clip(wanted, -1, 1)

        return Pairs(read, [part.shape(i) for i in range(len(part))])


def gather_pairs(
    path: Path,
    *,
    source: Sequence[str],
    target: Sequence[str],
    val: str | Path | None,
    fraction: float,
    where: Mapping[str, Sequence[str]],
) -> TranslationData:
    """Images that `where` asks for, split into training and held-out part.

    Images tagged ``split=test`` are left out unless `where` asks for a split; those tagged
    ``split=val`` are held out, else those of `val`, else `fraction` of the fields.

    Raises
    ------
    InputError
        If there are no such channels or images, or they differ in their planes.
    """
    from cellwright.formats.dataset import open_dataset
    from cellwright.train.fold import tuning_fold

    if not source or not target:
        raise InputError("source and target are wanted: names of channels, or masks for the source")
    if MASKS in target or (MASKS in source and len(source) > 1):
        raise InputError("masks can be the source, by themselves; the target is a channel")
    if set(source) & set(target):
        raise InputError(f"{', '.join(source)} came as source and target: two kinds are wanted")

    def opened(place: Path) -> Dataset:
        found = open_dataset(place)
        return found.subset([i for i in range(len(found)) if MASKS not in source
                             or found.labelled(i)])  # fmt: skip

    whole = opened(path)
    part = whole.where(**where) if where else whole
    splits = [str(part.tags(i).get("split", "")) for i in range(len(part))]
    if "split" not in where and "test" in splits:
        log.info("%d images of split test are left out", splits.count("test"))
        part = part.subset([i for i, s in enumerate(splits) if s != "test"])
        splits = [s for s in splits if s != "test"]
    if val is not None:
        train, held_out = part, opened(Path(val))
    elif "split" not in where and "val" in splits and set(splits) != {"val"}:
        train = part.subset([i for i, s in enumerate(splits) if s != "val"])
        held_out = part.subset([i for i, s in enumerate(splits) if s == "val"])
    else:
        if not len(part):
            raise InputError(f"{path} holds no image to learn from")
        tags = [part.tags(i) for i in range(len(part))]
        first, second = tuning_fold(part.names, tags, fraction=fraction)
        train, held_out = part.subset(first), part.subset(second)
    if not len(train) or not len(held_out):
        raise InputError(f"{path}: {len(train)} images to learn from and {len(held_out)} held out "
                         "came; one of each at least is wanted")  # fmt: skip
    source_range = ((0.0, DEEPEST),) * len(train.class_names)
    if MASKS not in source:
        source_range = _ranges(train, tuple(source))
    target_range = _ranges(train, tuple(target))
    return TranslationData(
        train, held_out, tuple(source), tuple(target), source_range, target_range,
        target_image(train, 0, tuple(target)),
    )  # fmt: skip


def source_image(dataset: Dataset, index: int, names: Sequence[str]) -> Image:
    """What a translator is shown of an image: channels, or how many cells lie where."""
    if tuple(names) == (MASKS,):
        from cellwright.geometry.depth import depth

        size = dataset.record(index).get("pixel_size")
        pixel_size = (float(size[0]), float(size[1])) if size else None
        return Image(depth(dataset.instances(index)), "CYX", pixel_size, (), dataset.tags(index))
    return target_image(dataset, index, names)


def target_image(dataset: Dataset, index: int, names: Sequence[str]) -> Image:
    """Some channels of an image; what is wrong names the image."""
    from cellwright.zoo.channels import chosen

    try:
        return chosen(dataset.image(index), names)
    except InputError as error:
        raise InputError(f"{dataset.names[index]}: {error}") from error


def scaled(planes: np.ndarray, ranges: Ranges) -> np.ndarray:
    """(plane, row, column) float32 with each plane's range at -1 to 1.

    Raises
    ------
    InputError
        If there are other planes than ranges.
    """
    if len(planes) != len(ranges):
        raise InputError(f"images of {len(planes)} and of {len(ranges)} planes came: all "
                         "images of a training have equal planes")  # fmt: skip
    low, high = (np.array(v, np.float32)[:, None, None] for v in zip(*ranges, strict=True))
    return (2 * (planes.astype(np.float32) - low) / np.maximum(high - low, 1e-6) - 1).astype(
        np.float32
    )


def _ranges(dataset: Dataset, names: tuple[str, ...]) -> Ranges:
    """Percentiles of each plane over the images together."""
    seen = []
    for index in range(0, len(dataset), -(-len(dataset) // RANGED_IMAGES)):
        planes = target_image(dataset, index, names).stack()
        step = max(1, int(np.sqrt(planes[0].size / RANGED_PIXELS)))
        seen.append(planes[:, ::step, ::step].reshape(len(planes), -1))
    counts = sorted({len(s) for s in seen})
    if len(counts) > 1:
        raise InputError(f"images of {' and '.join(map(str, counts))} planes came for "
                         f"{', '.join(names)}; choose one kind with --where")  # fmt: skip
    low, high = np.percentile(np.concatenate(seen, axis=1), [LOW, HIGH], axis=1)
    return tuple((float(a), float(b)) for a, b in zip(low, high, strict=True))
