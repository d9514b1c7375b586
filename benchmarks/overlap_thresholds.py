"""What the overlap heads of ablations.py say, at P4's threshold and at one of their own.

    python benchmarks/overlap_thresholds.py WORK map-none-0,map-v4-map-0

WORK is that of ablations.py; a trial is its name and seed. The threshold of the highest F1 on the
training fields is applied to the test fields.
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
from scipy.stats import rankdata

from cellwright.codecs.centres import cells_and_nuclei
from cellwright.formats import open_dataset
from cellwright.overlap import overlap_map
from cellwright.predict.predictor import predictor_for
from cellwright.zoo.checkpoint import load_model

THRESHOLDS = np.arange(0.02, 0.6, 0.005)
PAPER = 0.3


def pixels(model: Path, data: Path) -> tuple[np.ndarray, np.ndarray]:
    """Probability of an overlap and whether there is one, of all pixels of a data set."""
    method, card = load_model(model)
    predictor = predictor_for(method, card, device="cpu")
    channel = list(method.codec.maps).index("overlap")
    said, true = [], []
    for sample in open_dataset(data):
        said.append(predictor.probabilities(sample.image)[channel].ravel())
        true.append(overlap_map(cells_and_nuclei(sample.instances)[0]).ravel())
    return np.concatenate(said), np.concatenate(true)


def at(said: np.ndarray, true: np.ndarray, threshold: float) -> tuple[float, float, float]:
    """F1, precision and recall; 0 where nothing is found."""
    found = said >= threshold
    both = float((found & true).sum())
    return (
        2 * both / max(found.sum() + true.sum(), 1),
        both / max(found.sum(), 1),
        both / max(true.sum(), 1),
    )


def main() -> None:
    """Print a line for each trial."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("work", type=Path)
    parser.add_argument("trials")
    options = parser.parse_args()
    head = "trial | AUC | median on overlaps | 99% of the others below | F1 at 0.3 | own threshold"
    print(f"| {head} | F1 there | precision | recall |\n|{' --- |' * 9}", flush=True)
    for name in options.trials.split(","):
        model = options.work / "small-trials" / name / "model"
        said, true = pixels(model, options.work / "small/train")
        own = THRESHOLDS[np.argmax([at(said, true, t)[0] for t in THRESHOLDS])]
        said, true = pixels(model, options.work / "small/test")
        count = int(true.sum())
        over = rankdata(said)[true].sum() - count * (count + 1) / 2
        shown = [
            over / (count * (len(true) - count)),
            np.median(said[true]),
            np.quantile(said[~true], 0.99),
            at(said, true, PAPER)[0],
            own,
            *at(said, true, own),
        ]
        print(f"| {name} | " + " | ".join(f"{v:.3f}" for v in shown) + " |", flush=True)


if __name__ == "__main__":
    main()
