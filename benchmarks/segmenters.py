"""Every segmenter that needs no weights, alone and as prompts, on dsb2018 (fluorescence).

    python benchmarks/segmenters.py [--data DATA] [--split test] [--every 1] [--names otsu,...]

Default settings, nothing chosen on the test part. Accuracy is TP/(TP+FP+FN) with counts summed over
images, pixel Dice is over all pixels of all images, seconds are processor time (of all threads), so
that other work on the machine does not count.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

from commands import DATA
from zero_shot import IOUS, dsb2018

from cellwright.evaluate.match import MatchCounts, match
from cellwright.geometry import to_semantic
from cellwright.label.segmenters import SEGMENTERS, segmenter


def row(name: str, pairs: list) -> str:
    """One line of the table."""
    worker = segmenter(name)
    worker.segment(pairs[0][0])  # loads what is loaded late
    total = [MatchCounts()] * len(IOUS)
    both = either = pixels = 0
    seconds = 0.0
    for image, truth in pairs:
        start = time.process_time()
        found = worker.segment(image)
        seconds += time.process_time() - start
        total = [t + m for t, m in zip(total, match(truth, found, list(IOUS)), strict=True)]
        a, b = to_semantic(truth) > 0, to_semantic(found) > 0
        both, either = both + int((a & b).sum()), either + int(a.sum()) + int(b.sum())
        pixels += a.size
    numbers = [f"{2 * both / max(either, 1):.3f}", *(f"{t.accuracy:.3f}" for t in total)]
    each = f"{seconds / len(pairs):.3f} | {seconds / pixels * 1e6:.2f}"
    return f"| {name} | {' | '.join(numbers)} | {each} |"


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--split", default="test", choices=("train", "test"))
    parser.add_argument("--every", type=int, default=1)
    parser.add_argument("--names")
    options = parser.parse_args()
    names = [e.name for e in SEGMENTERS if not e.needs_download]
    pairs = list(dsb2018(options.data, options.split))[:: options.every]
    heads = ("segmenter", "Dice", *(f"{t:g}" for t in IOUS), "s / image", "s / megapixel")
    print(f"{len(pairs)} images\n\n| {' | '.join(heads)} |")
    print(f"|---{'|---:' * (len(heads) - 1)}|")
    for name in options.names.split(",") if options.names else names:
        print(row(name, pairs), flush=True)


if __name__ == "__main__":
    main()
