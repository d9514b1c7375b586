"""The methods side by side: equal minutes, the same images, scored on images they never saw.

    python benchmarks/methods.py WORK [--minutes 3] [--sets a,b] [--methods a,b] [--picture PNG]

"simulated": fluorescence fields of 256 x 256 in which four of ten cells overlap; 24 to learn
from (4 of them are the fold), 10 others of 384 x 384 for the score. "dsb2018": the fluorescence
images of `train` and `test`. Every method runs on one core, at sizes that suit a CPU (below),
with its own optimiser and schedule; its thresholds are tuned on its fold. Two processes may
share WORK, each with half of the methods. What is recorded there is not run again; the tables
are made of all that is recorded.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from commands import DATA, cellwright
from overfit import COMPACT_RCNN
from trials import Trial, run

from cellwright.formats import write_dataset
from cellwright.synth import simulate_field
from cellwright.types import Sample

WIDTHS = [16, 32, 64, 128, 256]
SMALL = [16, 32, 64, 128]
SETS = ("simulated", "dsb2018")

TRIALS = (
    Trial("unet-distance", "unet-distance", {"widths": WIDTHS}),
    Trial("unet-bce", "unet-bce", {"widths": WIDTHS}),
    Trial("unet-deep", "unet-deep", {"widths": [*WIDTHS, 256]}),
    Trial("seunet-4head", "seunet-4head", {"widths": WIDTHS}),
    Trial("seunet-overlap", "seunet-overlap", {"widths": WIDTHS}),
    Trial("sparse-seunet", "sparse-seunet", {}),
    Trial("sparse-seunet-multilevel", "sparse-seunet-multilevel", {}),
    Trial("iaunet", "iaunet", {}),
    Trial(
        "maskrcnn",
        "maskrcnn",
        COMPACT_RCNN,
        (
            "--optimizer",
            "adamw",
            "--learning-rate",
            "1e-3",
            "--schedule",
            "one-cycle",
            "--crop",
            "256",
            "256",
        ),
    ),
    Trial("centermask-v19-slim-dw", "centermask-v19-slim-dw", {"levels": [2, 6]}),
)
#: dsb2018 has no nuclei inside of cells: the head for them cannot be trained
INSTEAD = {("dsb2018", "seunet-4head"): Trial("seunet-3head", "seunet-3head", {"widths": WIDTHS})}

COLUMNS = (
    ("AP", "AP"), ("AP50", "AP50"), ("AP75", "AP75"), ("APs", "AP_S"), ("APm", "AP_M"),
    ("APl", "AP_L"), ("AFNR", "AFNR"), ("pixel_f1", "pixel F1"), ("overlap_f1", "overlap F1"),
    ("covered_recall", "recall of covered"), ("parameters", "parameters"), ("steps", "steps"),
    ("seconds_per_megapixel", "s / Mpx"), ("peak_mib", "peak MiB"),
)  # fmt: skip


def fields(seed: int, count: int, side: int, cells: int) -> Iterator[Sample]:
    """Overlapping cells with their nuclei."""
    for number in range(count):
        sample = simulate_field(
            seed, number, shape=(side, side), cells=cells, overlap=0.4, max_shared=0.35,
            diameter=12, spread=0.2, nuclei=True,
        )  # fmt: skip
        yield Sample(f"field{number:03d}", sample.image, sample.instances)


def data(name: str, source: Path, work: Path) -> tuple[Path, Path]:
    """The images to learn from and those for the score; made where they are not there yet."""
    parts = work / name / "train", work / name / "test"
    for part, split in zip(parts, ("train", "test"), strict=True):
        if (part / "annotations.json").exists():
            continue
        if name == "simulated":
            drawn = fields(1, 24, 256, 28) if split == "train" else fields(1001, 10, 384, 64)
            write_dataset(drawn, part)
            continue
        raw = source / "dsb2018"
        cellwright(
            *("import", raw / split / "images", "-o", part),
            *("--masks", raw / split / "labels", "--tag", "part=" + split),
            *("--tag-table", raw / "index.json", "--where", "kind=fluorescence"),
        )
    return parts


def trial_of(name: str, trial: Trial) -> Trial:
    """The trial on this data: one without nuclei where there are none, cells only elsewhere."""
    trial = INSTEAD.get((name, trial.name), trial)
    only_cells = name == "simulated" and trial.method != "seunet-4head"
    flags = (*trial.flags, *(("--classes", "cell") if only_cells else ()))
    return Trial(trial.name, trial.method, trial.options, (*flags, "--val-fraction", "0.15"))


def row(figures: dict[str, Any]) -> str:
    """A line of the table."""
    shown = []
    for key, _ in COLUMNS:
        value = figures[key]
        shown.append(
            "" if value is None else f"{value:,}" if isinstance(value, int) else f"{value:.3f}"
        )
    return f"| {figures['name']} | " + " | ".join(shown) + " |"


def draw(found: dict[str, list[dict[str, Any]]], path: Path) -> None:
    """Score on the fold against seconds trained, a panel for each set."""
    from matplotlib import colormaps
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 3.8), layout="constrained")
    panels = figure.subplots(1, len(found), sharey=True, squeeze=False)[0]
    colours = colormaps["tab10"]
    for panel, (name, some) in zip(panels, found.items(), strict=True):
        for number, figures in enumerate(some):
            seconds, score = zip(*figures["curve"], strict=True)
            style = {"color": colours(number), "marker": "o^sDv"[number % 5], "markersize": 3}
            panel.plot(seconds, score, label=figures["name"], linewidth=1.2, **style)
        panel.set(title=name, xlabel="processor seconds of training", ylim=(0, 1))
        panel.grid(alpha=0.3)
    panels[0].set_ylabel("TP/(TP+FP+FN) at IoU 0.50, fold")
    handles, names = panels[0].get_legend_handles_labels()
    figure.legend(handles, names, loc="outside right", fontsize=7)
    figure.savefig(path, dpi=130)


def main() -> None:
    """Run what is asked for and print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--minutes", type=float, default=3.0)
    parser.add_argument("--sets", default=",".join(SETS))
    parser.add_argument("--methods", default=",".join(t.name for t in TRIALS))
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--picture", type=Path, help="draw the curves of score over time")
    options = parser.parse_args()
    wanted = options.methods.split(",")
    found: dict[str, list[dict[str, Any]]] = {}
    for name in options.sets.split(","):
        train, test = data(name, options.data, options.work)
        print(f"\n{name}\n\n| method | " + " | ".join(c for _, c in COLUMNS) + " |")
        print("| --- |" + " --- |" * len(COLUMNS), flush=True)
        for trial in TRIALS:
            if trial.name in wanted:
                figures = run(
                    trial_of(name, trial), train=train, test=test, work=options.work / name,
                    minutes=options.minutes, seed=options.seed,
                )  # fmt: skip
                print(row(figures), flush=True)
                found.setdefault(name, []).append(figures)
    if options.picture:
        draw(found, options.picture)


if __name__ == "__main__":
    main()
