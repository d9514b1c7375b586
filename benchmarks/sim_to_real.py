"""From simulated fields to real images: a model that saw simulated cells only, and ten real ones.

    python benchmarks/sim_to_real.py WORK [--data DATA] [--sets usiigaci,...] [--fields 48]
        [--minutes 2] [--more 1.5] [--seed 0]

For each real set: `unet-fast` trained on fields of the preset that mimics it, the same model gone
on with ten labelled real images of the train part added (as many as there are, where a set has
fewer), and one trained on these ten alone. Scored once on the test part. All images of a set are
brought to cells of about 30 pixels, by a factor per set that is known without the test part.
Minutes are processor time of one thread. What is in WORK is not done again.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
from commands import DATA, cellwright
from default_models import YEAST
from trials import Trial, run

from cellwright.formats import write_dataset
from cellwright.formats.dataset import open_dataset
from cellwright.geometry import resize
from cellwright.plate.resize import resize_image
from cellwright.types import Sample

DIAMETER = 30.0
REAL = 10
SIDE = 320


@dataclass(frozen=True)
class Set:
    """A real set: its preset, flags that import it, values of its parts, its cells in pixels.

    `diameter` is None where images keep their size: nuclei of dsb2018 are of many sizes.
    """

    name: str
    preset: str
    light: str
    flags: tuple[str, ...]
    train: tuple[str, ...]
    test: tuple[str, ...]
    diameter: float | None


SETS = (
    Set("usiigaci", "adherent", "transmitted",
        ("usiigaci", "--pattern", "set{set}/phase", "--masks", "usiigaci",
         "--mask-pattern", "set{set}/labels"),
        ("--where", "set=01,05,09,13,18"), ("--where", "set=22,26,33"), 66),
    Set("bbbc009", "red-cells", "transmitted",
        ("bbbc009/images", "--masks", "bbbc009/outlines", "--mask-kind", "outlines"),
        ("--where", "name=48hr-001,6hr-001"), ("--where", "name=6hr-002"), 70),
    Set("baby_yeast", "yeast", "transmitted", YEAST,
        ("--where", "trap=evolve_testA,evolve_testB,evolve_testC,evolve_testD,evolve_testE"),
        ("--where", "trap=evolve_testF*,evolve_testG*,prime95b_testA"), 20),
    Set("dsb2018", "dapi", "fluorescence", (), (), (), None),
)  # fmt: skip


def imported(one: Set, part: str, data: Path, work: Path) -> Path:
    """A part of a real set as it is."""
    target = work / one.name / f"{part}-whole"
    if (target / "annotations.json").exists():
        return target
    if one.name == "dsb2018":
        words = (f"dsb2018/{part}/images", "--masks", f"dsb2018/{part}/labels",
                 "--tag-table", "dsb2018/index.json", "--where", "kind=fluorescence")  # fmt: skip
    else:
        words = (*one.flags, *(one.train if part == "train" else one.test))
    places = {0} | {i + 1 for i, w in enumerate(words) if w in ("--masks", "--tag-table")}
    cellwright(
        "import", *(data / w if i in places else w for i, w in enumerate(words)), "-o", target
    )
    return target


def sized(samples: Iterator[Sample], factor: float) -> Iterator[Sample]:
    """The samples with `factor` times their rows and columns, each plane an image of its own."""
    for sample in samples:
        shape = tuple(max(32, round(n * factor)) for n in sample.image.shape)
        cells = sample.instances
        assert cells is not None
        cells = replace(cells[cells.classes == 0], class_names=("cell",))
        planes = sample.image.stack()
        for number, plane in enumerate(planes):
            name = f"{sample.name}_{number}" if len(planes) > 1 else sample.name
            tags = {k: v for k, v in sample.image.tags.items() if k != "split"}
            image = replace(sample.image, data=plane, axes="YX", channels=(), tags=tags)
            yield Sample(name, resize_image(image, shape), resize(cells, shape))


def simulated(one: Set, work: Path, fields: int, seed: int) -> Path:
    """Fields of the preset, each brought to the wanted diameter by its own cells."""
    target = work / one.name / "simulated"
    if (target / "annotations.json").exists():
        return target
    raw = work / one.name / "fields"
    cellwright("simulate", "-o", raw, "--preset", one.preset, "--fields", fields,
               "--shape", SIDE, SIDE, "--seed", seed)  # fmt: skip
    made: list[Sample] = []
    for sample in open_dataset(raw):
        found = sample.instances
        factor = 1.0
        if one.diameter is not None and found is not None and len(found):
            factor = DIAMETER / float(np.sqrt(4 * np.median(found.areas) / np.pi))
        made += sized(iter([sample]), factor)
    write_dataset(made, target)
    return target


def factor_of(one: Set) -> float:
    """By how much the images of a set are enlarged."""
    return 1.0 if one.diameter is None else DIAMETER / one.diameter


def tested(one: Set, data: Path, work: Path) -> Path:
    """The test part of a set, at the wanted diameter."""
    target = work / one.name / "test"
    if not (target / "annotations.json").exists():
        whole = open_dataset(imported(one, "test", data, work))
        write_dataset(sized(iter(whole), factor_of(one)), target)
    return target


def ten(one: Set, data: Path, work: Path, seed: int) -> list[Sample]:
    """Ten images of the train part, of as many fields as there are, at the wanted diameter."""
    train = imported(one, "train", data, work)
    order = np.random.default_rng(seed).permutation(len(open_dataset(train)))
    samples = [open_dataset(train)[int(i)] for i in order[:REAL]]
    return list(sized(iter(samples), factor_of(one)))


def joined(sim: Path, real: list[Sample], target: Path) -> Path:
    """Simulated fields with the real ones so often that they are half of the data."""
    if not (target / "annotations.json").exists():
        fields = list(open_dataset(sim))
        times = max(1, round(len(fields) / max(1, len(real))))
        more = [replace(s, name=f"real{k}_{s.name}") for k in range(times) for s in real]
        write_dataset([*fields, *more], target)
    return target


def main() -> None:
    """Run what is asked for and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--sets", default=",".join(s.name for s in SETS))
    parser.add_argument("--fields", type=int, default=48)
    parser.add_argument("--minutes", type=float, default=2.0)
    parser.add_argument("--more", type=float, default=1.5)
    parser.add_argument("--seed", type=int, default=0)
    told = parser.parse_args()
    print("| set | learnt from | minutes | accuracy 0.50 | mean accuracy | pixel F1 |")
    print("|" + " --- |" * 6, flush=True)
    for one in (s for s in SETS if s.name in told.sets.split(",")):
        work = told.work / one.name
        test = tested(one, told.data, told.work)
        real = ten(one, told.data, told.work, told.seed)
        alone = work / "ten"
        if not (alone / "annotations.json").exists():
            write_dataset(real, alone)
        sim = simulated(one, told.work, told.fields, told.seed)
        flags = ("--light", one.light, "--crop", "192", "192", "--scale", "0.7", "1.4",
                 "--val-fraction", "0.1")  # fmt: skip
        first = Trial("simulated", "unet-fast", {}, flags)
        start = work / f"simulated-{told.seed}" / "model"
        added = Trial("simulated-and-ten", "unet-fast", {}, (*flags, "--init", str(start)))
        only = Trial("ten-alone", "unet-fast", {}, flags)
        whole = told.minutes + told.more
        for trial, data, minutes in (
            (first, sim, told.minutes),
            (added, joined(sim, real, work / "joined"), told.more),
            (only, alone, whole),
        ):
            got = run(trial, train=data, test=test, work=work, minutes=minutes, seed=told.seed)
            spent = whole if trial is added else minutes
            shown = [got[k] for k in ("accuracy50", "mean_accuracy", "pixel_f1")]
            print(
                f"| {one.name} | {trial.name} ({len(open_dataset(data))} images) | {spent:g} | "
                + " | ".join(f"{v:.3f}" for v in shown) + " |",
                flush=True,
            )  # fmt: skip


if __name__ == "__main__":
    main()
