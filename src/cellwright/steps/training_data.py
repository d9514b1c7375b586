"""What a training learns from, and the fold it is watched and tuned on."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.types import InputError, Instances, Tag

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TrainingData:
    """Images to train on and the fold to watch and tune on."""

    train: Dataset
    fold: Dataset
    source: str
    digest: str

    @property
    def tags(self) -> list[dict[str, Tag]]:
        """Tags of all images, those of the fold included."""
        return [part.tags(i) for part in (self.train, self.fold) for i in range(len(part))]

    @property
    def cells(self) -> int:
        """Cells to train on."""
        return sum(len(known_cells(self.train, i)) for i in range(len(self.train)))

    def inputs(self) -> tuple[int, tuple[str, ...]]:
        """Planes that all images share, and the names of their channels."""
        kinds: dict[tuple[int, str], str] = {}
        channels: set[tuple[str, ...]] = set()
        for part in (self.train, self.fold):
            for i, name in enumerate(part.names):
                image = part.image(i, lazy=True)
                kinds.setdefault((image.planes, image.axes), name)
                channels.add(image.channels)
        if len({planes for planes, _ in kinds}) > 1:
            told = "; ".join(f"{n} has {p} planes ({a})" for (p, a), n in sorted(kinds.items()))
            raise InputError(
                f"the images differ in their planes: {told}; choose one kind with --where"
            )
        return next(iter(kinds))[0], channels.pop() if len(channels) == 1 else ()

    def pixel_size(self) -> tuple[float, float] | None:
        """Micrometres per pixel (row, column) if it is known and the same for all images."""
        sizes = {
            tuple(self.train.record(i).get("pixel_size") or ()) for i in range(len(self.train))
        }
        size = sizes.pop() if len(sizes) == 1 else ()
        return (float(size[0]), float(size[1])) if size else None

    def diameter(self) -> float | None:
        """Diameter in pixels of a disc as large as the typical cell, of at most 200 images."""
        import numpy as np

        from cellwright.predict import typical_diameter

        some = range(0, len(self.train), -(-len(self.train) // 200))
        areas = [known_cells(self.train, i).areas for i in some]
        size = typical_diameter(np.concatenate(areas)) if areas else None
        return round(size, 2) if size else None


def known_cells(data: Dataset, index: int) -> Instances:
    """Cells of an image; regions tagged ``iscrowd`` are not among them."""
    from cellwright.evaluate.classes import cells_and_crowds

    return cells_and_crowds(data.instances(index))[0]


def gather(
    path: Path,
    *,
    val: str | Path | None,
    fraction: float,
    where: Mapping[str, Sequence[str]],
    classes: Sequence[str] | None,
) -> TrainingData:
    """Labelled images that `where` asks for, split into training part and fold.

    Cells that were pasted from an image of the fold or of split test are refused.
    """
    from cellwright.formats.dataset import open_dataset
    from cellwright.label.zstack import mixed_routes
    from cellwright.steps.extending.origins import refuse_shared_origins
    from cellwright.train.fold import tuning_fold

    def opened(place: Path) -> Dataset:
        dataset = _labelled(open_dataset(place))
        return dataset.of_classes(classes) if classes else dataset

    whole = opened(path)
    part = whole.where(**where) if where else whole
    splits = [str(part.tags(i).get("split", "")) for i in range(len(part))]
    if "split" not in where and "test" in splits:
        log.info("%d images of split test are left out", splits.count("test"))
        part = part.subset([i for i, s in enumerate(splits) if s != "test"])
        splits = [s for s in splits if s != "test"]
    tags = [part.tags(i) for i in range(len(part))]
    if val is not None:
        train, fold = part, opened(Path(val))
    elif "split" not in where and "val" in splits and set(splits) != {"val"}:
        train = part.subset([i for i, s in enumerate(splits) if s != "val"])
        fold = part.subset([i for i, s in enumerate(splits) if s == "val"])
    else:
        first, second = tuning_fold(part.names, tags, fraction=fraction)
        train, fold = part.subset(first), part.subset(second)
    held = [("the fold", fold)] if fold.names != train.names else []  # all of it: no fold
    held.append(("the test part", _test_part(whole, train)))
    refuse_shared_origins(train, held)
    parts = {"training": train, "the fold": fold}
    for line in mixed_routes(
        {name: [data.tags(i) for i in range(len(data))] for name, data in parts.items()}
    ):
        log.warning("%s", line)
    if not any(len(known_cells(train, i)) for i in range(len(train))):
        raise InputError(f"{path}: none of the {len(train)} training images holds a cell")
    text = json.dumps([path.name, _content(train), _content(fold)])
    return TrainingData(train, fold, path.name, hashlib.sha256(text.encode()).hexdigest())


def _test_part(whole: Dataset, train: Dataset) -> Dataset:
    """Images of split test that are not trained on."""
    used = set(train.names)
    return whole.subset(
        [
            i
            for i, name in enumerate(whole.names)
            if whole.tags(i).get("split") == "test" and name not in used
        ]
    )


def _labelled(dataset: Dataset) -> Dataset:
    return dataset.subset([i for i in range(len(dataset)) if dataset.labelled(i)])


def _content(dataset: Dataset) -> list[Any]:
    """What makes a data set the one it is: names, sizes and numbers of cells."""
    return [
        (name, dataset.shape(i), len(dataset.instances(i))) for i, name in enumerate(dataset.names)
    ]
