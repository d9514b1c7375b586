"""FISH frames to signals per nucleus, calls per cell and totals per sample."""

from __future__ import annotations

import json
import logging
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.steps.fishing.channels import parse_probes
from cellwright.steps.fishing.frame import Settings, look
from cellwright.steps.fishing.frames import frames_of
from cellwright.steps.fishing.nuclei import nuclei_finder
from cellwright.steps.fishing.overrules import (
    apply_overrules,
    keep_overrules,
    kept_overrules,
    read_overrules,
)
from cellwright.steps.fishing.records import frame_names, read_frame, record_path, write_frame
from cellwright.steps.fishing.totals import sample_totals, write_tables
from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, failures_path, write_failures
from cellwright.steps.settings import note_settings
from cellwright.types import InputError

log = logging.getLogger(__name__)

SETTINGS_NAME = "fish.json"
GALLERY = "gallery.html"
DETECTORS = ("log", "spotiflow")


def fish(
    images: str | Path | Sequence[str | Path] | None,
    output: str | Path,
    *,
    probes: str | Sequence[str] | Mapping[str, str] | None = None,
    rule: str | Path = "four-colour",
    nucleus_channel: str | int | None = None,
    model: str | Path | None = None,
    nuclei: str | Path | None = None,
    segmenter: str = "watershed",
    options: Mapping[str, Any] | None = None,
    detector: str = "log",
    spot_width: float | None = None,
    thresholds: Mapping[str, float] | None = None,
    pattern: str | Sequence[str] | None = None,
    channel: Sequence[str] = (),
    pixel_size: float | None = None,
    sample_tag: str | None = None,
    volume_ul: float | None = None,
    overrule: str | Path | None = None,
    device: str = "auto",
    quiet: bool = False,
) -> StepResult:
    """Count FISH signals per nucleus and call each cell normal, gain, deletion or CAC (P5).

    This is research software and not a diagnostic device. Frames that are in `output` already are
    skipped, so that a stopped call is finished by the same call; a frame that cannot be used is
    reported and the rest is done. Tables and gallery are made anew from all frames each time.

    Parameters
    ----------
    images
        Images with a channel of the nuclei and one per probe: files, folders or a data set. None
        only makes tables and gallery of `output` anew.
    output
        Folder of ``samples.csv`` and ``.json``, ``cells.csv``, ``signals.csv``,
        ``gallery.html``, and ``frames/`` with records and nuclei.
    probes
        ``"ch1=3p22.1,ch2=3q29"``, or probe by channel: names of channels, or their numbers (the
        first is 0). Which dye carries which probe is said by the kit.
    rule
        ``"four-colour"``, ``"katz2010"``, or a TOML file; see `cellwright.measure.fish_rule`.
    nucleus_channel
        Name or number of the channel of the nuclei; None takes the one named as a nuclear
        stain, else the first.
    model, nuclei, segmenter, options
        How nuclei are found: a model folder, masks that are there (data set, or folder of label
        images), or a segmenter with its arguments.
    detector
        ``"log"``, or ``"spotiflow"`` (extra ``spots``).
    spot_width
        Standard deviation of a signal in micrometres (pixels where their size is unknown); 0.25
        um or 1.5 px by default.
    thresholds
        Responses set by hand, by probe, in standard deviations of the noise.
    pattern, channel
        As in `import_images`: file names whose ``{channel}`` differ become one frame.
    pixel_size
        Micrometres, instead of what the files say.
    sample_tag
        Tag whose values tell samples apart; None takes all frames for one sample.
    volume_ul
        Microlitres of blood that the cells of a sample were in.
    overrule
        CSV with the columns image, cell, call, as the gallery saves it; it is kept in `output`.
    device
        Where a model runs.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        ``details``: cells by call, ``samples`` (sentences by sample), ``gallery``, ``seconds``.

    Raises
    ------
    InputError
        No images, no probes, an unknown rule, or an `output` that was made in another way.
    """
    folder = Path(output)
    if overrule is not None and not Path(overrule).is_file():
        raise InputError(f"{overrule}: there is no such table of calls to overrule")
    started = time.perf_counter()
    failed: list[Failure] = []
    done = skipped = 0
    if images is None:
        chosen = _kept_rule(folder)
    else:
        if probes is None:
            raise InputError(
                "no probe came: --probes CHANNEL=PROBE,... is wanted, such as ch1=3p22.1,ch2=3q29"
            )
        settings = _settings(probes, rule, nucleus_channel, detector, spot_width, thresholds)
        chosen = settings.rule
        jobs, failed = frames_of(images, pattern=pattern, channel=channel, pixel_size=pixel_size)
        finder = nuclei_finder(
            model=model, masks=nuclei, segmenter=segmenter, options=options, device=device
        )
        note_settings(folder, SETTINGS_NAME, {
            "probes": dict(settings.probes), "rule": chosen.record(),
            "nucleus_channel": nucleus_channel, "model": _named(model), "nuclei": _named(nuclei),
            "segmenter": segmenter, "options": dict(options or {}), "detector": detector,
            "spot_width": spot_width, "thresholds": dict(settings.thresholds),
            "pixel_size": pixel_size,
        })  # fmt: skip
        new = [job for job in jobs if not record_path(folder, job.name).is_file()]
        skipped = len(jobs) - len(new)
        for job in track(new, "signals", quiet=quiet):
            try:
                looked = look(job.name, job.read(), settings, finder)
                write_frame(folder, looked, source=str(job.path.resolve()))
                done += 1
            except (InputError, OSError, ValueError, MemoryError) as error:
                message = " ".join(str(error).split()) or type(error).__name__
                log.warning("%s was left out: %s", job.path, message)
                failed.append(Failure(str(job.path), message))
        write_failures(folder, failed)
    if failed and not (folder / "frames").is_dir():
        return StepResult(folder, done, skipped, tuple(failed), {"seconds": _since(started)})
    details = summarise(
        folder, chosen, overrule=overrule, sample_tag=sample_tag, volume_ul=volume_ul
    )
    details["seconds"] = _since(started)
    return StepResult(folder, done, skipped, tuple(failed), details)


def summarise(
    folder: Path,
    rule: Any,
    *,
    overrule: str | Path | None = None,
    sample_tag: str | None = None,
    volume_ul: float | None = None,
) -> dict[str, Any]:
    """Tables and gallery of all frames of an output folder, with what a human said of them."""
    from cellwright.formats.atomic import write_text
    from cellwright.steps.fishing.gallery import gallery_page

    if volume_ul is not None and not volume_ul > 0:
        raise InputError(f"--volume-ul {volume_ul:g} came: more than 0 is wanted")
    records = [read_frame(folder, name) for name in frame_names(folder)]
    overrules = kept_overrules(folder)
    if overrule is not None:
        sizes = {str(r["name"]): len(r["cells"]) for r in records}
        overrules = keep_overrules(folder, read_overrules(overrule, sizes))
    for record in records:
        apply_overrules(record, overrules)
    totals = sample_totals(records, rule, tag=sample_tag, volume_ul=volume_ul)
    write_tables(folder, records, totals, rule, tag=sample_tag)
    listed = failures_path(folder)
    failures = json.loads(listed.read_text("utf-8"))["failed"] if listed.is_file() else []
    page = gallery_page(folder, records, totals, rule, sample_tag=sample_tag, failures=failures)
    write_text(page, folder / GALLERY)
    cells: dict[str, int] = {}
    for found in totals.values():
        for name, count in found.counts.items():
            cells[name] = cells.get(name, 0) + count
    return {
        "cells": cells,
        "samples": {name: found.sentence for name, found in totals.items()},
        "overruled": len(overrules),
        "gallery": folder / GALLERY,
    }


def _settings(
    probes: str | Sequence[str] | Mapping[str, str],
    rule: str | Path,
    nucleus_channel: str | int | None,
    detector: str,
    spot_width: float | None,
    thresholds: Mapping[str, float] | None,
) -> Settings:
    from cellwright.measure.fish_rule import read_rule

    by_channel = parse_probes(probes)
    if detector not in DETECTORS:
        raise InputError(f"detector {detector!r} is unknown; there are {', '.join(DETECTORS)}")
    if detector == "spotiflow":
        from cellwright.peers.spotiflow import check_installed

        check_installed()
    if spot_width is not None and not spot_width > 0:
        raise InputError(f"--spot-width {spot_width:g} came: more than 0 is wanted")
    given = dict(thresholds or {})
    unknown = [name for name in given if name not in by_channel.values()]
    if unknown:
        raise InputError(
            f"--threshold {unknown[0]}: there is no such probe; there are "
            f"{', '.join(by_channel.values())}"
        )
    return Settings(
        probes=by_channel,
        rule=read_rule(rule),
        nucleus_channel=nucleus_channel,
        detector=detector,
        spot_width=spot_width,
        thresholds=given,
    )


def _kept_rule(folder: Path) -> Any:
    """The rule by which the cells of an output folder were called."""
    from cellwright.measure.fish_rule import parse_rule

    note = folder / SETTINGS_NAME
    if not note.is_file():
        raise InputError(f"{folder}: no image was given and there are no results of an earlier run")
    return parse_rule(json.loads(note.read_text("utf-8"))["rule"], str(note))


def _named(path: str | Path | None) -> str | None:
    return None if path is None else Path(path).resolve().name


def _since(started: float) -> float:
    return round(time.perf_counter() - started, 3)
