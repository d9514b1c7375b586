"""Write a data set of simulated fields with exact truth."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellwright.steps.progress import track
from cellwright.steps.result import StepResult
from cellwright.steps.simulating import Made, Maker, maker_of
from cellwright.types import Image, InputError, Sample

SETTINGS_NAME = "simulate.json"
RAW_NAME = "raw"
SIGNALS_NAME = "signals"
CHANNEL_NUMBERS = {"brightfield": 1, "fluorescence": 2, "phase": 1, "dic": 1}
BOTH = (1, 2)
log = logging.getLogger(__name__)


def simulate(
    output: str | Path,
    *,
    preset: str | None = None,
    fields: int = 8,
    shape: tuple[int, int] = (256, 256),
    times: int = 1,
    cells: int | None = None,
    coverage: float | None = None,
    overlap: float | None = None,
    max_shared: float | None = None,
    cluster: int | None = None,
    planes: int | None = None,
    modality: str | None = None,
    kind: str | None = None,
    diameter: float | None = None,
    pixel_size: float | None = None,
    nuclei: bool | None = None,
    dead: float | None = None,
    contrast: float | None = None,
    bleed: float = 0.0,
    dust: float | None = None,
    raw: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> StepResult:
    """Simulate `fields` fields of cells into the data set `output`.

    Fields that are there already are skipped, so that a stopped call is finished by
    the same call, and more fields are added by a larger `fields`. The images carry the tags
    ``field``, ``modality`` and ``seed``, and what makes them easy or hard: ``cells``,
    ``coverage`` (share of the pixels under cells) and ``overlap`` (share of those under two).

    Parameters
    ----------
    output
        Data-set folder, made if needed.
    preset
        Name of a preset of `cellwright.synth.presets`, from which every field draws its own
        arguments; arguments that are given count before those drawn. ``"fish"`` makes FISH
        frames instead: DAPI and four probes, the signals of each nucleus in its tags, and every
        signal in ``output/signals``; it takes `fields`, `shape`, `cells` and `seed` only.
    fields
        Number of fields, at least 1.
    times
        Time points of each field, in which its cells move, grow and divide
        (`cellwright.synth.simulate_growth`): an image for each, tag ``time``. The layout is then
        that of growing cells, without `coverage`, `overlap` and `cluster`.
    shape, cells, coverage, overlap, max_shared, cluster, planes, modality, kind, diameter, nuclei
        As in `cellwright.synth.simulate_field`. None is the preset's, or without one what
        `cellwright.steps.simulating.DEFAULTS` says.
    pixel_size, dust
        Micrometres per pixel, and specks of dust per megapixel.
    dead, contrast, bleed
        As in `cellwright.synth.Vitality`: dead cells, seen in bright field but not in
        fluorescence. None of all three leaves all alive, without the tag ``alive``.
    raw
        Also write every plane as a file of its own into ``output/raw``, named as a
        microscope would: ``day1t1c{channel}xy{position}z{z}.tif``, numbered from 1;
        channel 1 is transmitted light, channel 2 fluorescence.
    seed
        Number of the simulated dish; the same call gives the same bytes.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        ``details`` holds ``cells``, the cells of the fields made in this call, and
        ``raw``, the folder of the raw planes or None.

    Raises
    ------
    InputError
        If an argument makes no sense, or `output` was made with other settings.
    """
    from cellwright.formats.atomic import write_json
    from cellwright.formats.dataset import DatasetWriter

    if fields < 1 or times < 1:
        raise InputError(f"{fields} fields and {times} times came: at least 1 of each is wanted")
    given = {
        "cells": cells, "coverage": coverage, "overlap": overlap, "max_shared": max_shared,
        "cluster": cluster, "planes": planes, "modality": modality, "kind": kind,
        "diameter": diameter, "pixel_size": pixel_size, "nuclei": nuclei, "dead": dead,
        "contrast": contrast, "bleed": bleed or None, "dust": dust,
        "times": times if times > 1 else None,
    }  # fmt: skip
    given = {key: value for key, value in given.items() if value is not None}
    output = Path(output)
    maker = maker_of(preset, given, shape=(int(shape[0]), int(shape[1])), seed=seed)
    if raw and (preset is not None or times > 1 or "+" in str(given.get("modality", ""))):
        raise InputError(
            "raw planes are named for one or both of bright field and fluorescence: leave out "
            "raw, or preset, times and other channels"
        )
    _refuse_other_settings(output, maker.settings)
    # Made before anything is written, so that bad arguments leave no folder behind.
    fresh = not (output / SETTINGS_NAME).is_file()
    first = maker.field(0) if fresh else None
    done = skipped = total = 0
    with DatasetWriter(output, class_names=maker.class_names) as writer:
        if fresh:
            write_json(maker.settings, output / SETTINGS_NAME)
        finished = set(writer.done)
        for field in track(range(fields), "simulate", quiet=quiet):
            lacking = raw and _raw_missing(output, field, maker)
            if set(maker.names(field)) <= finished and not lacking:
                skipped += 1
                continue
            made = first if field == 0 and first else maker.field(field)
            for sample in made.samples:
                if raw:
                    _write_raw(sample, output / RAW_NAME)
                if sample.name not in finished:
                    writer.add(sample)
                total += sum(c == 0 for c in sample.instances.classes) if sample.instances else 0
            if made.signals:
                _write_signals(made, output / SIGNALS_NAME)
            done += 1
    log.info("simulated %d fields with %d cells into %s", done, total, output)
    folder = output / RAW_NAME if raw else None
    return StepResult(output, done, skipped, details={"cells": int(total), "raw": folder})


def raw_name(field: int, channel: int, plane: int) -> str:
    """File name of one plane; `field` and `plane` count from 0, the name from 1."""
    return f"day1t1c{channel}xy{field + 1}z{plane + 1}.tif"


def _raw_names(field: int, planes: int, modality: str) -> dict[str, tuple[int, int]]:
    """File names of a field with their (plane, channel) indices into the image."""
    channels = BOTH if modality == "both" else (CHANNEL_NUMBERS[modality],)
    return {
        raw_name(field, number, plane): (plane, index)
        for plane in range(planes)
        for index, number in enumerate(channels)
    }


def _raw_missing(output: Path, field: int, maker: Maker) -> bool:
    names = _raw_names(field, maker.settings["planes"], maker.settings["modality"])
    return any(not (output / RAW_NAME / name).is_file() for name in names)


def _write_raw(sample: Sample, folder: Path) -> None:
    from cellwright.formats.tiff import write_image

    image = sample.image
    folder.mkdir(parents=True, exist_ok=True)
    data = image.data.reshape((image.size("Z"), image.size("C"), *image.shape))
    names = _raw_names(int(image.tags["field"]), len(data), str(image.tags["modality"]))
    for name, (plane, channel) in names.items():
        write_image(Image(data[plane, channel], pixel_size=image.pixel_size), folder / name)


def _write_signals(made: Made, folder: Path) -> None:
    """A table of every signal of a FISH frame; the image it is of gives it its name."""
    from cellwright.formats.atomic import write_text

    folder.mkdir(parents=True, exist_ok=True)
    lines = ["row,column,probe,nucleus", *(",".join(map(str, line)) for line in made.signals)]
    write_text("\n".join(lines) + "\n", folder / f"{made.samples[0].name}.csv")


def _refuse_other_settings(output: Path, settings: Mapping[str, Any]) -> None:
    path = output / SETTINGS_NAME
    if not path.is_file():
        return
    before = json.loads(path.read_text(encoding="utf-8"))
    other = [k for k in {**before, **settings} if before.get(k) != settings.get(k)]
    if other:
        what = ", ".join(f"{k} {before.get(k)} (now {settings.get(k)})" for k in other)
        raise InputError(
            f"{output} was simulated with {what}: use the same settings or another output folder"
        )
