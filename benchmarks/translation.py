"""Translation of pictures: pix2pix beside the autoencoder and masks, in equal processor time.

    python benchmarks/translation.py WORK --trial simulated-pix2pix [--minutes 2.5]
    python benchmarks/translation.py WORK --table

Simulated: phase contrast to two planes of bright field, of the same cells (`simulate_field`
draws the same cells for the same seed whatever is imaged). Real: three phase-contrast planes to
DAPI on the only field of `isl` (CELLWRIGHT_DATA), cut by columns: 0-639 to learn from, 640-831 to
choose the weights on, 832-1023 to score. Minutes are those of the processor (one thread), so that
what runs beside it does not count. What is in WORK is not done again. `--table` writes the figures
of all trials as Markdown, and a picture of each part.
"""

from __future__ import annotations

import argparse
import json
import os
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

import cellwright
from cellwright.formats import write_dataset
from cellwright.formats.atomic import atomic_path, write_json
from cellwright.steps.translation_data import scaled, target_image
from cellwright.synth import simulate_field
from cellwright.train.translation import fit as loop
from cellwright.types import Image, Sample
from cellwright.zoo.image_distance import fid
from cellwright.zoo.translator import read_translator_card

PLANES = ("brightfield-0", "brightfield-1")
FIELD = {"shape": (256, 256), "overlap": 0.4, "max_shared": 0.3, "diameter": 12.0, "nuclei": True}
#: seed and number of the simulated fields of each part
PARTS = {"train": (7100, 56), "val": (7500, 8), "test": (7900, 24), "other": (7950, 24)}
COLUMNS = {"train": (0, 640), "val": (640, 832), "test": (832, 1024)}
DEPTHS = (4, 6, 8)
GENERATOR = (24, 48, 96, 128, 128, 128, 128)
PLAIN = (16, 32, 64, 128)


@dataclass(frozen=True)
class Trial:
    """What is learnt on which part of the benchmark."""

    part: str
    how: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    minutes: float


PHASE = tuple(f"phase-{z}" for z in DEPTHS)
TRIALS = {
    "simulated-pix2pix": Trial("simulated", "pix2pix", ("phase",), PLANES, 2.5),
    "simulated-autoencoder": Trial("simulated", "autoencoder", ("phase",), PLANES, 2.5),
    "simulated-masks": Trial("simulated", "pix2pix", ("masks",), PLANES, 2.5),
    "isl-pix2pix": Trial("isl", "pix2pix", PHASE, ("DAPI",), 1.2),
    "isl-autoencoder": Trial("isl", "autoencoder", PHASE, ("DAPI",), 1.2),
}


def simulated_pairs(seed: int, count: int) -> Iterator[Sample]:
    """Fields with phase contrast and two bright-field planes of the same cells as channels."""
    for number in range(count):
        bright = simulate_field(seed, number, planes=2, modality="brightfield", **FIELD)
        phase = simulate_field(seed, number, modality="phase", **FIELD)
        data = np.concatenate([phase.image.data[None], bright.image.data])
        tags = {k: v for k, v in bright.image.tags.items() if k != "modality"}
        image = Image(data, "CYX", bright.image.pixel_size, ("phase", *PLANES), tags)
        yield Sample(bright.name, image, bright.instances)


def isl_part(folder: Path, part: str) -> Iterator[Sample]:
    """Some columns of the field, with three phase-contrast planes and DAPI as channels."""
    first, stop = COLUMNS[part]
    depths = [next(folder.glob(f"*z_depth-{z},channel-PHASE*")) for z in DEPTHS]
    files = [*depths, next(folder.glob("*channel-DAPI*"))]
    planes = [cellwright.read_image(f).stack()[0][:, first:stop] for f in files]
    yield Sample(f"columns_{first}", Image(np.stack(planes), "CYX", None, (*PHASE, "DAPI")))


def prepared(work: Path, part: str) -> None:
    """Write the data sets of a part of the benchmark that are not there yet."""
    names = PARTS if part == "simulated" else COLUMNS
    for name in names:
        path = work / part / name
        if (path / "annotations.json").is_file():
            continue
        if part == "simulated":
            write_dataset(simulated_pairs(*PARTS[name]), path)
        else:
            write_dataset(isl_part(Path(os.environ["CELLWRIGHT_DATA"]) / "isl", name), path)


def run(work: Path, name: str, minutes: float | None) -> None:
    """Learn, then `score`."""
    trial = TRIALS[name]
    minutes = minutes or trial.minutes
    # A reading costs ten seconds; in a short training twelve would double it.
    loop.clock, loop.READINGS = time.process_time, 12 if minutes >= 10 else 4
    prepared(work, trial.part)
    model, data = work / name / "model", work / trial.part
    cellwright.learn_translation(
        data / "train",
        model,
        source=trial.source,
        target=trial.target,
        how=trial.how,
        widths=GENERATOR if trial.how == "pix2pix" else PLAIN,
        crop=128,
        batch_size=2,
        learning_rate=5e-4,
        minutes=minutes,
        val=data / "val",
        jobs=1,
        resume=True,
        quiet=True,
    )
    score(work, name, trial)


def score(work: Path, name: str, trial: Trial) -> None:
    """Translate the test part and score it; the figures go into ``NAME.json``."""
    model, data = work / name / "model", work / trial.part
    cellwright.translate(data / "test", model, work / name / "out", jobs=1, quiet=True)
    card, _ = read_translator_card(model)
    made = cellwright.open_dataset(work / name / "out")
    real = cellwright.open_dataset(data / "test")
    wanted = [target_image(real, i, trial.target) for i in range(len(real))]
    found = [made.image(i) for i in range(len(made))]
    l1 = [
        np.abs(scaled(a.stack(), card.target_range) - scaled(b.stack(), card.target_range)).mean()
        for a, b in zip(wanted, found, strict=True)
    ]
    crop = 64 if trial.part == "simulated" else 32
    figures = {
        "steps": card.provenance.get("steps"),
        "seconds": card.provenance.get("seconds"),
        "chosen_at": card.scores["step"],
        "l1": float(np.mean(l1)),
        **fid(wanted, found, crop=crop),
    }
    if trial.part == "simulated":
        other = cellwright.open_dataset(data / "other")
        fresh = [target_image(other, i, trial.target) for i in range(len(other))]
        figures["floor"] = fid(wanted, fresh, crop=crop)["fid"]
    write_json({"trial": name, **figures}, work / f"{name}.json")


def table(work: Path) -> str:
    """The figures of all trials that were run."""
    lines = [
        "| trial | steps | weights of step | L1 | FID | crops |",
        "| --- | ---: | ---: | ---: | ---: | ---: |",
    ]
    for name in TRIALS:
        path = work / f"{name}.json"
        if not path.is_file():
            continue
        found = json.loads(path.read_text(encoding="utf-8"))
        lines.append(
            f"| {name} | {found['steps']} | {found['chosen_at']} | {found['l1']:.3f} | "
            f"{found['fid']:.2f} ({found['features']}) | {found['crops'][0]} of {found['crop']} |"
        )
        if "floor" in found and name == "simulated-pix2pix":
            lines.append(f"| other real fields | | | | {found['floor']:.2f} (cells) | |")
    return "\n".join(lines) + "\n"


def picture(work: Path, part: str, path: Path, *, count: int = 3) -> None:
    """Input, real and what each trial made of it, first target plane, one test crop per row."""
    from matplotlib.figure import Figure

    names = [n for n, t in TRIALS.items() if t.part == part and (work / n / "out").is_dir()]
    if not names:
        return
    real = cellwright.open_dataset(work / part / "test")
    size = 160
    places = [(k, 0) for k in range(count)] if len(real) >= count else [
        (0, k * 300) for k in range(count)
    ]  # fmt: skip
    figure = Figure(figsize=(2.3 * (2 + len(names)), 2.4 * count), layout="constrained")
    grid = figure.subplots(count, 2 + len(names), squeeze=False)
    for line, (index, row) in zip(grid, places, strict=True):
        card, _ = read_translator_card(work / names[0] / "model")
        window = slice(row, row + size), slice(0, size)
        given = real.image(index).stack()[0][window]
        shown = [("input: phase", given, np.percentile(given, [0.5, 99.5]))]
        truth = target_image(real, index, card.target).stack()[0][window]
        shown.append((f"real: {card.target[0]}", truth, card.target_range[0]))
        for name in names:
            made = cellwright.open_dataset(work / name / "out").image(index).stack()[0][window]
            shown.append((name, made, card.target_range[0]))
        for axes, (title, plane, (low, high)) in zip(line, shown, strict=True):
            axes.imshow(plane, cmap="gray", vmin=low, vmax=high, interpolation="nearest")
            axes.set_axis_off()
            axes.set_title(title, fontsize=8)
    with atomic_path(path) as out:
        figure.savefig(out, dpi=110, format="png")


def main() -> None:
    """Run one trial, or write what was found."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("work", type=Path)
    parser.add_argument("--trial", choices=TRIALS)
    parser.add_argument("--minutes", type=float)
    parser.add_argument("--table", action="store_true")
    options = parser.parse_args()
    if options.trial:
        run(options.work, options.trial, options.minutes)
    if options.table:
        print(table(options.work))
        for part in ("simulated", "isl"):
            picture(options.work, part, options.work / f"translation-{part}.png")


if __name__ == "__main__":
    main()
