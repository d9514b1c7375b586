"""Killed at random moments, resumed, nothing damaged (acceptance of the spine, point 5).

    python benchmarks/kills.py [--kills 20] [--seed 0] [--only train|predict]

A training and a prediction on simulated fields are started, killed (SIGKILL) at a random
moment of their work (after the imports, within the next seconds), and started again with the
same command, until they were killed so often; then they run to their end. After each kill
every file under its final name is read back: JSON parses, safetensors load, TIFFs decode. At
the end the prediction is compared with one that was never killed, and the training's model
with one that was never killed.
"""

from __future__ import annotations

import argparse
import json
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

TRAIN = ["--epochs", "30", "-q", "--resume"]


def command(*words: object) -> list[str]:
    """A command line of this package."""
    return [sys.executable, "-m", "cellwright", *map(str, words)]


def damaged(folder: Path) -> list[str]:
    """Files under final names that cannot be read."""
    from safetensors.torch import load_file

    from cellwright import read_image

    bad = []
    for path in folder.rglob("*"):
        if path.name.startswith(".") or not path.is_file():
            continue
        try:
            if path.suffix == ".json":
                json.loads(path.read_text(encoding="utf-8"))
            elif path.suffix == ".safetensors":
                load_file(path)
            elif path.suffix in (".tif", ".png"):
                read_image(path)
        except Exception as error:
            bad.append(f"{path.relative_to(folder)}: {error}")
    return bad


def kept(before: dict[str, int], folder: Path) -> list[str]:
    """Finished images of the journal that were there before and are gone now."""
    now = finished(folder)
    return [name for name in before if name not in now]


def finished(folder: Path) -> dict[str, int]:
    """Images that the journal or the predictions hold, with their cells."""
    found = {}
    journal = folder / "predictions.json.journal"
    if journal.exists():
        for line in journal.read_bytes().splitlines(keepends=True):
            if line.endswith(b"\n"):
                entry = json.loads(line)
                if "image" in entry:
                    found[entry["image"]["name"]] = len(entry["annotations"])
    if (folder / "predictions.json").exists():
        from cellwright.formats import read_coco

        data = read_coco(folder / "predictions.json")
        found |= {n: len(data.instances(i)) for i, n in enumerate(data.names)}
    return found


def harass(words: list[str], folder: Path, kills: int, begin: float, rng: random.Random) -> str:
    """Start, kill, check, `kills` times; then let it finish."""
    ended = lost = broken = 0
    for _ in range(kills):
        before = finished(folder)
        process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        time.sleep(rng.uniform(0.7 * begin, begin + 5))
        if process.poll() is not None:
            ended += 1
        process.send_signal(signal.SIGKILL)
        process.wait()
        lost += len(kept(before, folder))
        broken += len(damaged(folder))
    last = subprocess.run(words, capture_output=True, text=True)
    broken += len(damaged(folder))
    return (
        f"{kills} kills ({ended} after its end), damaged files {broken}, lost images {lost}, "
        f"last run exit code {last.returncode}"
    )


def same_weights(a: Path, b: Path) -> bool:
    """Whether two model folders hold equal tensors."""
    from safetensors.torch import load_file

    one, other = load_file(a / "model.safetensors"), load_file(b / "model.safetensors")
    return one.keys() == other.keys() and all(bool((one[k] == other[k]).all()) for k in one)


def main() -> None:
    """Print what was found."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=("train", "predict"))
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        data, model = folder / "data", folder / "model"
        subprocess.run(command("simulate", "-o", data, "--fields", 6, "-q"), check=True)
        subprocess.run(command("train", data, "-o", model, "--epochs", 1, "-q"), check=True)
        words = command("predict", data, "-m", model, "-o", folder / "p0", "-q")
        start = time.perf_counter()
        subprocess.run(words, check=True)
        begin = time.perf_counter() - start
        if options.only != "predict":
            killed_trainings(folder, data, options.kills, begin, rng)
        if options.only != "train":
            killed_predictions(folder, model, options.kills, begin, rng)


def killed_trainings(
    folder: Path, data: Path, kills: int, begin: float, rng: random.Random
) -> None:
    """Print what twenty kills did to a training."""
    subprocess.run(command("train", data, "-o", folder / "whole", *TRAIN), check=True)
    words = command("train", data, "-o", folder / "killed", *TRAIN)
    print("train:", harass(words, folder / "killed", kills, begin, rng), flush=True)
    equal = same_weights(folder / "whole", folder / "killed")
    print("train: weights equal to those of an unkilled training:", equal, flush=True)


def killed_predictions(
    folder: Path, model: Path, kills: int, begin: float, rng: random.Random
) -> None:
    """Print what twenty kills did to a prediction."""
    many = folder / "many"
    subprocess.run(command("simulate", "-o", many, "--fields", 2500, "-q"), check=True)
    words = command("predict", many, "-m", model, "-o", folder / "p1", "-q")
    subprocess.run(words, check=True)
    words = command("predict", many, "-m", model, "-o", folder / "p2", "-q")
    print("predict:", harass(words, folder / "p2", kills, begin, rng), flush=True)
    one, other = finished(folder / "p1"), finished(folder / "p2")
    print("predict: same images and cells as unkilled:", one == other, len(one), "images")


if __name__ == "__main__":
    main()
