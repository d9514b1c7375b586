"""Data sets side by side: where extended images are like the original ones, and where not."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.steps.machine import versions
from cellwright.steps.progress import track
from cellwright.steps.result import StepResult
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.measure.data_sets import DataComparison, DataSet, Map

log = logging.getLogger(__name__)

RECORD, PAGE = "data-comparison.json", "data-comparison.html"
#: tag that tells types of cells apart where none is named (P3, LIVECell)
CELL_LINE = "cell_line"
#: pixels of each image whose intensities are looked at
PIXELS = 4096


def compare_data(
    datasets: Sequence[str | Path],
    output: str | Path | None = None,
    *,
    names: Sequence[str] | None = None,
    by: str | None = None,
    features: str = "cells",
    crop: int = 64,
    max_images: int = 300,
    seed: int = 0,
    quiet: bool = False,
) -> StepResult:
    """Compare data sets with the first of them: components, densities, sizes, intensities, FID.

    Parameters
    ----------
    datasets
        Two or more; the first is what the others are compared with, for example the original.
    output
        ``NAME.json`` for the record, ``NAME.html`` for the page, or a folder that gets both; None
        for nothing.
    names
        Names of the data sets, one each; None for those of their folders.
    by
        Tag that tells types of cells apart; None is ``cell_line`` where all images have it.
    features
        Feature network of the FID and of the second map: "cells" or "inception-v3" (see
        `cellwright.zoo.feature_networks`).
    crop
        Rows and columns of the crops whose features are computed.
    max_images
        Images of a data set whose pixels are looked at, evenly spread; cells are counted in all.
    seed
        Of the crops, where data sets differ in their numbers: FID wants equal ones.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        ``done`` counts the data sets; ``details`` holds ``fid`` by data set, and ``features``.

    Raises
    ------
    InputError
        Fewer than two data sets, two of one name, images that differ in their planes or are
        smaller than a crop, or no images.
    """
    from cellwright.formats.dataset import open_dataset
    from cellwright.measure.data_sets import DataComparison

    target = None if output is None else Path(output)
    if target is not None and target.suffix not in ("", ".json", ".html"):
        raise InputError(f"{target}: wanted is NAME.json, NAME.html or a folder without suffix")
    if max_images < 2:
        raise InputError(f"{max_images} images at most came; two at least are wanted")
    opened = _named(datasets, names, open_dataset)
    by = _tag(opened, by)
    chosen = {n: _spread(d, max_images) for n, d in opened.items()}
    seen = _look(chosen, features=features, crop=crop, quiet=quiet)
    sets = tuple(_counted(n, d, by=by, seen=seen[n], chosen=chosen[n]) for n, d in opened.items())
    distances, counted = _distances({n: s["features"] for n, s in seen.items()}, seed)
    comparison = DataComparison(
        sets,
        by or "",
        _maps(chosen, seen, features, by),
        distances,
        {"features": features, "crop": crop, "crops": counted},
        {
            "data sets": {n: str(Path(d)) for n, d in zip(opened, datasets, strict=True)},
            "images looked at": {n: len(d) for n, d in chosen.items()},
            "features": features,
            "crop": crop,
            "seed": seed,
            "made": f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S} UTC",
        },
    )
    if target is not None:
        _write(comparison, target)
    details = {"fid": dict(distances), "features": features, "crops": counted}
    return StepResult(target or Path(datasets[0]), len(opened), details=details)


def _named(
    datasets: Sequence[str | Path], names: Sequence[str] | None, open_dataset: Any
) -> dict[str, Dataset]:
    if len(datasets) < 2:
        raise InputError(f"{len(datasets)} data set came: name two or more, the original first")
    given = list(names) if names else [Path(d).resolve().name for d in datasets]
    if len(given) != len(datasets):
        raise InputError(f"{len(given)} names came for {len(datasets)} data sets: one each")
    if len(set(given)) != len(given):
        raise InputError(f"names {', '.join(given)} repeat one: give each its own with --name")
    opened = {name: open_dataset(d) for name, d in zip(given, datasets, strict=True)}
    for name, dataset in opened.items():
        if len(dataset) < 2:
            raise InputError(f"{name} has {len(dataset)} images; two at least are wanted")
    return opened


def _tag(opened: dict[str, Dataset], by: str | None) -> str | None:
    tags = [d.tags(i) for d in opened.values() for i in range(len(d))]
    if by is None:
        return CELL_LINE if all(CELL_LINE in t for t in tags) else None
    if not any(by in t for t in tags):
        known = ", ".join(sorted({k for t in tags for k in t})) or "none"
        raise InputError(f"no image has the tag {by!r}; tags there: {known}")
    return by


def _spread(dataset: Dataset, most: int) -> Dataset:
    """At most so many images, evenly spread."""
    count = min(len(dataset), most)
    places = np.unique(np.linspace(0, len(dataset) - 1, count).round().astype(int))
    return dataset.subset(places.tolist())


def _images(dataset: Dataset) -> Iterable[Any]:
    return (dataset.image(i) for i in range(len(dataset)))


def _look(
    chosen: dict[str, Dataset], *, features: str, crop: int, quiet: bool
) -> dict[str, dict[str, Any]]:
    """What needs pixels: features of the images and of their crops, intensities, contrasts."""
    from cellwright.geometry import to_semantic
    from cellwright.zoo.feature_networks import feature_network
    from cellwright.zoo.image_distance import plane_bounds
    from cellwright.zoo.image_features import learned_features, pixel_features

    network = feature_network(features)
    bounds = plane_bounds(_images(next(iter(chosen.values()))))
    small, learned = pixel_features(bounds), learned_features(network, bounds, crop)
    low, span = bounds[0, 0], max(float(bounds[0, 1] - bounds[0, 0]), 1e-6)
    found: dict[str, dict[str, Any]] = {}
    for name, dataset in chosen.items():
        pixels, crops, levels, contrasts = [], [], [], []
        for i in track(range(len(dataset)), f"look at {name}", quiet=quiet):
            image = dataset.image(i)
            pixels.append(small(image))
            crops.append(learned(image))
            plane = (image.stack()[0].astype(np.float32) - low) / span
            levels.append(plane.ravel()[:: max(1, plane.size // PIXELS)])
            if dataset.labelled(i):
                under = to_semantic(dataset.instances(i)).any(axis=0)
                if under.any() and not under.all():
                    contrasts.append(float(plane[under].mean() - plane[~under].mean()))
        found[name] = {
            "pixels": np.concatenate(pixels),
            "features": crops,
            "intensities": np.concatenate(levels),
            "contrasts": np.array(contrasts),
        }
    return found


def _counted(
    name: str, dataset: Dataset, *, by: str | None, seen: dict[str, Any], chosen: Dataset
) -> DataSet:
    from cellwright.codecs.centres import cells_and_nuclei
    from cellwright.measure.data_sets import DataSet, shared_shares

    kinds, per_image, densities, per_mm2, areas, shared = [], [], [], [], [], []
    for i in range(len(dataset)):
        if not dataset.labelled(i):
            continue
        cells = dataset.instances(i)
        cells = cells_and_nuclei(cells)[0]
        pixels = cells.shape[0] * cells.shape[1]
        kinds.append(str(dataset.tags(i).get(by, "")) if by else "")
        per_image.append(len(cells))
        densities.append(len(cells) / pixels * 1e6)
        if size := dataset.record(i).get("pixel_size"):
            per_mm2.append(len(cells) / (pixels * float(size[0]) * float(size[1])) * 1e6)
        areas.append(cells.areas)
        shared.append(shared_shares(cells))
    none = np.zeros(0)
    return DataSet(
        name,
        len(dataset),
        sum(per_image),
        tuple(kinds),
        np.array(per_image),
        np.array(densities),
        np.array(per_mm2),
        np.concatenate(areas) if areas else none,
        np.concatenate(shared) if shared else none,
        seen["intensities"],
        seen["contrasts"],
    )


def _distances(
    crops: dict[str, list[np.ndarray]], seed: int
) -> tuple[dict[str, float | None], int]:
    """FID of each from the first by equal numbers of crops; of the first, that of its halves."""
    from cellwright.evaluate.frechet import frechet

    rng = np.random.default_rng(seed)
    rows = {n: np.concatenate(c) for n, c in crops.items()}
    count = min(len(r) for r in rows.values())
    some = {n: r[rng.choice(len(r), count, replace=False)] for n, r in rows.items()}
    first = next(iter(some))
    found: dict[str, float | None] = {
        n: frechet(some[first], r) if n != first else None for n, r in some.items()
    }
    images = crops[first]
    halves = [np.concatenate(images[k::2]) for k in (0, 1)]
    if min(len(h) for h in halves) >= 2:
        found[first] = frechet(*halves)
    return found, count


def _maps(
    chosen: dict[str, Dataset], seen: dict[str, dict[str, Any]], features: str, by: str | None
) -> tuple[Map, ...]:
    from cellwright.zoo.image_features import SIDE

    kinds = {
        n: tuple(str(d.tags(i).get(by, "")) if by else "" for i in range(len(d)))
        for n, d in chosen.items()
    }
    names = {n: tuple(str(i) for i in d.names) for n, d in chosen.items()}
    own = {n: s["pixels"] for n, s in seen.items()}
    learned = {n: np.stack([c.mean(axis=0) for c in s["features"]]) for n, s in seen.items()}
    return (
        _map(f"the images, brought to {SIDE} x {SIDE} pixels", own, names, kinds),
        _map(f"the features {features}, mean of the crops of an image", learned, names, kinds),
    )


def _map(features: str, rows: dict[str, np.ndarray], names: Any, kinds: Any) -> Map:
    from cellwright.measure.data_sets import Map
    from cellwright.measure.principal import principal_components

    found = principal_components(np.concatenate(list(rows.values())))
    ends = np.cumsum([len(r) for r in rows.values()])[:-1]
    places = dict(zip(rows, np.split(found.places, ends), strict=True))
    return Map(features, (float(found.shares[0]), float(found.shares[1])), places, names, kinds)


def _write(found: DataComparison, target: Path) -> None:
    from cellwright.formats.atomic import write_json, write_text
    from cellwright.report.data_page import data_page

    folder = target.suffix == ""
    if target.suffix != ".html":
        write_json(found.to_json(), target / RECORD if folder else target)
    if target.suffix != ".json":
        write_text(data_page(found, versions=versions()), target / PAGE if folder else target)
