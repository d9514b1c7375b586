"""What becomes of cells that the filter leaves out: background (P5), or no word in the loss.

    python benchmarks/rejected.py [--data DATA] [--work DIR] [--coarse watershed] [--seeds 0 1]

The fluorescence images of the train part of dsb2018 only: a fifth, by a hash of the names, is
kept apart and scored with its hand labels; the rest is labelled without a hand and trained on, by
`unet-fast`, as the first round of `cellwright zero-shot` does it, but for a number of steps, so
that both ways get the same work on a busy machine. Thresholds are tuned on pseudo-labels. What is
in DIR is not done again.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from pathlib import Path

from commands import DATA, cellwright, score_head, score_row

from cellwright.formats.dataset import open_dataset, write_dataset
from cellwright.steps.inputs import image_jobs
from cellwright.steps.pseudo_labels import REJECTED, first_labels, summary, verdicts, write_labels
from cellwright.train.fold import tuning_fold

#: 3 epochs of 100 batches of 4 crops of a quarter of the usual area
STEPS = ("--epochs", 3, "--crops-per-epoch", 400, "--batch-size", 4, "--crop", 128, 128)


def parts(data: Path, work: Path) -> tuple[Path, Path]:
    """Data sets to learn from and to score on."""
    whole, source = work / "whole", data / "dsb2018" / "train"
    if not (work / "fold").exists():
        cellwright(
            *("import", source / "images", "-o", whole, "--masks", source / "labels"),
            *("--tag-table", data / "dsb2018" / "index.json", "--where", "kind=fluorescence"),
        )
        known = open_dataset(whole)
        tags = [{k: v for k, v in known.tags(i).items() if k == "field"} for i in range(len(known))]
        for name, picked in zip(
            ("learn", "fold"), tuning_fold(known.names, tags, fraction=0.2), strict=True
        ):
            write_dataset([known[i] for i in picked], work / name)
    return work / "learn", work / "fold"


def labels(images: Path, work: Path, coarse: str) -> dict[str, Path]:
    """The pseudo-labels of the first round, found once, by what becomes of the rejected ones."""
    jobs = image_jobs(images)
    names = [job.name for job in jobs]
    held = {names[i] for i in tuning_fold(names, [{}] * len(names), fraction=0.15)[1]}
    find, made = first_labels(coarse, "none"), {}
    for rejected in REJECTED:
        made[rejected] = work / f"{coarse}-{rejected}"
        write_labels(
            jobs, made[rejected], find, rejected=rejected, held_out=held, quiet=True, say="labels"
        )
        known = verdicts(made[rejected])
        find = lambda job, image, known=known: known[job.name]  # noqa: E731
    return made


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--coarse", default="watershed")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1])
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="rejected-"))
    learn, fold = parts(options.data, work)
    made = labels(learn, work, options.coarse)
    print(f"{len(open_dataset(learn))} images to learn from, {len(open_dataset(fold))} scored")
    print(f"{summary(made['fill'])}\n\n{score_head()}", flush=True)
    for seed in options.seeds:
        for name, dataset in made.items():
            here = work / f"{options.coarse}-{name}-{seed}"
            if not (here / "model" / "model.json").exists():
                before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
                cellwright(
                    *("train", dataset, "-o", here / "model", "--method", "unet-fast"),
                    *(*STEPS, "--seed", seed, "-j", 1, "--resume"),
                )
                spent = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before
                print(f"<!-- {name} {seed}: {spent / 60:.2f} processor minutes -->", flush=True)
            out = here / "out"
            cellwright("predict", fold, "-m", here / "model", "-o", out, "--format", "coco")
            print(score_row(f"{name}, seed {seed}", fold, out, here / "scores.json"), flush=True)


if __name__ == "__main__":
    main()
