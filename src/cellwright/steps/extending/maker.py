"""Extended images by their number: the same number gives the same image in any process."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.steps.extending.origins import EXTENDED, fingerprint, origin_tags
from cellwright.steps.extending.survey import Held, Kind
from cellwright.synth.paste.compose import ADDED, COVERING, Compose, compose
from cellwright.synth.paste.cutouts import Source
from cellwright.synth.paste.warp import Warp
from cellwright.types import InputError, Instances, Sample, Tag

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset

HOWS = ("grey", "phase", "pix2pix", "simulate")
#: images in a row that cells are taken from the same sources for, so that each is read once
BLOCK = 8
#: bytes of prepared images that are kept
KEPT = 384 << 20
#: tags of a source that do not hold for a new image
OWN_TAGS = ("split", "field", "name")


@dataclass(frozen=True, slots=True)
class Plan:
    """All that an extended image depends on besides its number; plain values.

    Parameters
    ----------
    dataset
        Folder or COCO file of the images.
    images
        Indices of those that may be used.
    kinds
        As in `cellwright.steps.extending.survey`; their indices count within `images`.
    how, density, shape, overlap, clustered, mixed, edge, resize, elastic, halo, seed, model, device
        As of `cellwright.steps.extend.extend`, with nothing left open; density None is that
        of the kind.
    diameter
        Typical diameter of the cells in pixels.
    rotate
        Whether pasted cells are turned and mirrored.
    scene
        Arguments of the simulator, for how="simulate"; or its preset.
    split
        Tag of the new images, or None.
    """

    dataset: Path
    images: tuple[int, ...]
    kinds: tuple[Kind, ...]
    how: str
    density: tuple[int, int] | None
    shape: tuple[int, int] | None
    overlap: tuple[float, float]
    clustered: float
    mixed: int
    edge: float
    resize: tuple[float, float]
    elastic: float
    halo: bool
    carried: tuple[str, ...]
    diameter: float
    seed: int
    rotate: bool = True
    split: str | None = None
    model: str | None = None
    device: str = "cpu"
    scene: dict[str, Any] = field(default_factory=dict)


def image_name(how: str, number: int) -> str:
    """Name of extended image `number`, counted from 0."""
    return f"{how}_{number:05d}"


class Maker:
    """Makes the images of a plan one by one; a few prepared sources are kept."""

    def __init__(self, plan: Plan) -> None:
        from cellwright.formats.dataset import open_dataset

        self.plan = plan
        self.dataset: Dataset = open_dataset(plan.dataset).subset(plan.images)
        self.set_name = self.dataset.root.name
        self._sources: OrderedDict[tuple[int, int | None], tuple[Source, str]] = OrderedDict()
        self._translator: Any = None

    def make(self, number: int) -> tuple[Sample, dict[str, Any]]:
        """Image `number` with its cells, and the facts for its record."""
        plan = self.plan
        kind = plan.kinds[number % len(plan.kinds)]
        rng = _stream(plan.seed, number, 0)
        if plan.how == "simulate":
            return self._simulated(number, kind, rng)
        order = number // len(plan.kinds) // BLOCK
        chosen = self._chosen(kind, _stream(plan.seed, order, 1, number % len(plan.kinds)))
        base = int(rng.integers(len(chosen)))
        shape = plan.shape or self.dataset.shape(chosen[base].image)
        cells = self._count(kind.like(chosen[0].size), rng, shape)
        held = [self._source(one.image, kind) for one in chosen]
        sample, found = compose(
            rng,
            [source for source, _ in held],
            cells=cells,
            base=base,
            how=_compose(plan),
            shape=shape,
        )
        assert sample.instances is not None
        tags = tuple(
            origin_tags(
                old,
                name=held[k][0].name,
                cell=cell,
                dataset=self.set_name,
                mark=held[k][1],
            )
            for old, (k, cell) in zip(sample.instances.tags, found, strict=True)
        )
        instances = replace(sample.instances, tags=tags)
        image = sample.image
        if plan.how == "pix2pix":
            image = self._translated(image, number)
        background = held[base][0].name
        image = replace(image, tags=self._tags(dict(image.tags), background=background))
        placed = _placed(instances, plan.carried, kind)
        used = sorted({k for k, _ in found})
        facts = {
            "how": plan.how,
            "dataset": self.set_name,
            "number": number,
            "kind": kind.name,
            "asked": cells,
            "cells": placed,
            "background": background,
            "sources": {held[k][0].name: held[k][1] for k in used},
        }
        return Sample(image_name(plan.how, number), image, instances), {EXTENDED: facts}

    def _chosen(self, kind: Kind, rng: np.random.Generator) -> list[Held]:
        """Images that a block of new ones takes its cells from, with cells of like sizes."""
        order = [kind.sources[i] for i in rng.permutation(len(kind.sources)).tolist()]
        alike = kind.like(order[0].size)
        return [held for held in order if held in alike][: self.plan.mixed]

    def _count(self, like: Sequence[Held], rng: np.random.Generator, shape: tuple[int, int]) -> int:
        """How many cells an image of `shape` is to hold, by those of one of the images `like`."""
        if self.plan.density is not None:
            low, high = self.plan.density
            return int(rng.integers(low, high + 1))
        density = like[int(rng.integers(len(like)))].density
        return max(1, round(density * shape[0] * shape[1]))

    def _source(self, index: int, kind: Kind) -> tuple[Source, str]:
        key = (index, kind.only)
        if key in self._sources:
            self._sources.move_to_end(key)
            return self._sources[key]
        image, cells = self.dataset.image(index), self.dataset.instances(index)
        name = self.dataset.names[index]
        try:
            source = Source.of(
                name,
                image,
                cells,
                diameter=self.plan.diameter,
                edge=self.plan.edge,
                only=kind.only,
                carried=self.plan.carried,
                halos=self.plan.halo,
            )
        except InputError as error:
            raise InputError(f"{name}: {error}; leave it out with --where") from error
        self._sources[key] = source, fingerprint(image, cells)
        while (
            len(self._sources) > self.plan.mixed
            and sum(s.nbytes for s, _ in self._sources.values()) > KEPT
        ):
            self._sources.popitem(last=False)
        return self._sources[key]

    def _tags(self, old: dict[str, Tag], **new: Tag) -> dict[str, Tag]:
        tags = {k: v for k, v in old.items() if k not in OWN_TAGS}
        tags |= {EXTENDED: self.plan.how, **new}
        return tags | ({"split": self.plan.split} if self.plan.split else {})

    def _translated(self, image: Any, number: int) -> Any:
        if self._translator is None:
            from cellwright.synth.translate import load_translator

            assert self.plan.model is not None
            self._translator = load_translator(self.plan.model, self.plan.device)
        seed = int(_stream(self.plan.seed, number, 2).integers(2**31))
        return self._translator.apply(image, seed=seed)

    def _simulated(
        self, number: int, kind: Kind, rng: np.random.Generator
    ) -> tuple[Sample, dict[str, Any]]:
        from cellwright.steps.extending.scenes import simulated

        plan = self.plan
        shape = plan.shape or self.dataset.shape(kind.sources[0].image)
        asked = self._count(kind.held, rng, shape)
        sample = simulated(plan, number, cells=asked, shape=shape)
        cells = sample.instances
        assert cells is not None
        sample = replace(
            sample,
            name=image_name(plan.how, number),
            image=replace(sample.image, tags=self._tags(dict(sample.image.tags))),
        )
        facts = {
            "how": plan.how,
            "dataset": self.set_name,
            "number": number,
            "kind": kind.name,
            "asked": asked,
            "cells": _placed(cells, plan.carried, None),
        }
        return sample, {EXTENDED: facts}


def _compose(plan: Plan) -> Compose:
    return Compose(
        COVERING if plan.how == "grey" else ADDED,
        Warp(plan.resize, plan.elastic, rotate=plan.rotate, flip=plan.rotate),
        plan.overlap,
        plan.clustered,
    )


def _placed(cells: Instances, carried: tuple[str, ...], kind: Kind | None) -> int:
    """Cells of an image without those that they carry."""
    from cellwright.synth.paste.cutouts import pastable

    only = kind.only if kind is not None else None
    return int(np.count_nonzero(pastable(cells, only=only, carried=carried)))


def _stream(seed: int, number: int, part: int, *more: int) -> np.random.Generator:
    """Random numbers of one part of one image, independent of all others."""
    return np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(number, part, *more)))
