"""Write a data set of simulated fields with exact truth."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from cellwright.steps.progress import track
from cellwright.steps.result import StepResult
from cellwright.types import Image, InputError, Sample

SETTINGS_NAME = "simulate.json"
RAW_NAME = "raw"
CHANNEL_NUMBERS = {"brightfield": 1, "fluorescence": 2, "phase": 1, "dic": 1}
BOTH = (1, 2)
log = logging.getLogger(__name__)


def simulate(
    output: str | Path,
    *,
    fields: int = 8,
    shape: tuple[int, int] = (256, 256),
    cells: int | None = None,
    overlap: float = 0.1,
    max_shared: float = 0.25,
    planes: int = 1,
    modality: str = "fluorescence",
    kind: str = "round",
    diameter: float = 16.0,
    pixel_size: float = 0.5,
    nuclei: bool = False,
    dead: float | None = None,
    contrast: float | None = None,
    bleed: float = 0.0,
    raw: bool = False,
    seed: int = 0,
    quiet: bool = False,
) -> StepResult:
    """Simulate `fields` fields of cells into the data set `output`.

    Fields that are there already are skipped, so that a stopped call is finished by
    the same call, and more fields are added by a larger `fields`. The images carry the tags
    ``field``, ``modality`` and ``seed``.

    Parameters
    ----------
    output
        Data-set folder, made if needed.
    fields
        Number of fields, at least 1.
    shape, cells, overlap, max_shared, planes, modality, kind, diameter, nuclei
        As in `cellwright.synth.simulate_field`.
    pixel_size
        Micrometres per pixel.
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
    from cellwright.synth import Microscope, Vitality, simulate_field

    if fields < 1:
        raise InputError(f"{fields} fields came: at least 1 is wanted")
    output = Path(output)
    settings: dict[str, Any] = {
        "shape": [int(n) for n in shape],
        "cells": cells,
        "overlap": overlap,
        "max_shared": max_shared,
        "planes": planes,
        "modality": modality,
        "kind": kind,
        "diameter": diameter,
        "pixel_size": pixel_size,
        "nuclei": nuclei,
        "seed": seed,
    }
    options = {k: v for k, v in settings.items() if k not in ("pixel_size", "seed")}
    if dead is not None or contrast is not None or bleed:
        vitality = Vitality(dead=dead or 0.0, contrast=contrast, bleed=bleed)
        settings |= {"dead": vitality.dead, "contrast": contrast, "bleed": bleed}
        options["vitality"] = vitality
    microscope = Microscope(pixel_size=pixel_size)
    _refuse_other_settings(output, settings)
    # Made before anything is written, so that bad arguments leave no folder behind.
    fresh = not (output / SETTINGS_NAME).is_file()
    first = simulate_field(seed, 0, microscope=microscope, **options) if fresh else None
    done = skipped = total = 0
    class_names = ("cell", "nucleus") if nuclei else ("cell",)
    with DatasetWriter(output, class_names=class_names) as writer:
        if fresh:
            write_json(settings, output / SETTINGS_NAME)
        finished = set(writer.done)
        for field in track(range(fields), "simulate", quiet=quiet):
            name = f"field_{field:04d}"
            if name in finished and not (raw and _raw_missing(output, field, planes, modality)):
                skipped += 1
                continue
            sample = first if field == 0 else None
            sample = sample or simulate_field(seed, field, microscope=microscope, **options)
            if raw:
                _write_raw(sample, output / RAW_NAME)
            if name not in finished:
                writer.add(sample)
            done += 1
            total += sum(c == 0 for c in sample.instances.classes) if sample.instances else 0
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


def _raw_missing(output: Path, field: int, planes: int, modality: str) -> bool:
    names = _raw_names(field, planes, modality)
    return any(not (output / RAW_NAME / name).is_file() for name in names)


def _write_raw(sample: Sample, folder: Path) -> None:
    from cellwright.formats.tiff import write_image

    image = sample.image
    folder.mkdir(parents=True, exist_ok=True)
    data = image.data.reshape((image.size("Z"), image.size("C"), *image.shape))
    names = _raw_names(int(image.tags["field"]), len(data), str(image.tags["modality"]))
    for name, (plane, channel) in names.items():
        write_image(Image(data[plane, channel], pixel_size=image.pixel_size), folder / name)


def _refuse_other_settings(output: Path, settings: dict[str, Any]) -> None:
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
