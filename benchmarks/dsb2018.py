"""Nuclei of dsb2018: no training, labels by hand, labels without a hand (spine, point 1).

    python benchmarks/dsb2018.py [--data DATA] [--work DIR] [--minutes 23.5]

Fluorescence images of `train` (351) and `test` (84) are imported. The zero-shot segmenter labels
`test`; a model is trained on the hand labels of `train`, another one on zero-shot labels of
`train` (no hand label anywhere: its tuning fold is zero-shot labelled too). All three are scored
on `test` once: TP/(TP+FP+FN), counts summed over images. What is in DIR is not done again.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from commands import DATA, cellwright, score_head, score_row


def trained(dataset: Path, model: Path, minutes: float) -> None:
    """Train with the settings of this benchmark."""
    budget = ("--minutes", minutes, "--val-fraction", 0.1, "--batch-size", 4)
    if not (model / "model.json").exists():
        cellwright("train", dataset, "-o", model, *budget, "--resume")


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--work", type=Path)
    parser.add_argument("--minutes", type=float, default=23.5)
    options = parser.parse_args()
    work = options.work or Path(tempfile.mkdtemp(prefix="dsb2018-"))
    source = options.data / "dsb2018"
    for split in ("train", "test"):
        if not (work / split / "annotations.json").exists():
            cellwright(
                *("import", source / split / "images", "-o", work / split),
                *("--masks", source / split / "labels", "--tag", f"split={split}"),
                *("--tag-table", source / "index.json", "--where", "kind=fluorescence"),
            )
    print(score_head())
    cellwright("label", work / "test", "-o", work / "zero-shot-test")
    zero_shot = work / "zero-shot-test"
    print(score_row("zero-shot labels", work / "test", zero_shot, work / "zero.json"), flush=True)
    cellwright("label", work / "train", "-o", work / "zero-shot-train")
    for name, labels in (("hand labels", "train"), ("no hand label", "zero-shot-train")):
        model = work / f"model-{name.replace(' ', '-')}"
        out = work / f"out-{name.replace(' ', '-')}"
        trained(work / labels, model, options.minutes)
        cellwright("predict", work / "test", "-m", model, "-o", out, "--format", "coco,overlay")
        scores = out.with_suffix(".json")
        print(score_row(f"trained on {name}", work / "test", out, scores), flush=True)


if __name__ == "__main__":
    main()
