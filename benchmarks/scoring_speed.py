"""How fast is scoring? A simulated set of LIVECell's test part, ours against others' code.

    python benchmarks/scoring_speed.py [--images 1564] [--peers faster,pycocotools] [--repeats 3]

The set is simulated: 1,564 images of 520 x 704 px with 300 cells on average and up to 3,000,
overlapping, and predictions that shift, split, merge, miss, double and invent. It is written as
two COCO files. Every tool goes from these files to all COCO mask figures at 2000 detections;
each runs in a process of its own, one after the other, and its time to load, its time to
evaluate, its processor time (which a busy machine changes less) and its largest memory are told.
Ours says the same figures to 1e-9, or the run fails.
"""

from __future__ import annotations

import argparse
import contextlib
import io
import json
import platform
import resource
import statistics
import subprocess
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

SHAPE = (520, 704)
AREAS = {"s": (0, 324), "m": (324, 961), "l": (961, 1e10)}


def cell(rng: np.random.Generator, radius: float) -> np.ndarray:
    """A mask of an uneven, turned ellipse in its box."""
    size = int(2.2 * radius) + 3
    rows, columns = np.mgrid[:size, :size] - size // 2
    turn, stretch = rng.uniform(0, np.pi), rng.uniform(1, 1.8)
    u = columns * np.cos(turn) + rows * np.sin(turn)
    v = rows * np.cos(turn) - columns * np.sin(turn)
    angle = np.arctan2(v, u)
    edge = 1 + 0.15 * np.sin(3 * angle + rng.uniform(0, 6)) * rng.random()
    return (u / stretch) ** 2 + (v * stretch) ** 2 <= (radius * 0.75 * edge) ** 2


def field(rng: np.random.Generator, count: int) -> tuple[Any, Any]:
    """True and predicted cells of one image."""
    from cellwright.geometry import tighten
    from cellwright.types import Instances

    radius = np.sqrt(SHAPE[0] * SHAPE[1] * 0.5 / count / np.pi).clip(4, 16)
    boxes: list[Any] = []
    masks: list[np.ndarray] = []

    def put(mask: np.ndarray, row: int, column: int) -> bool:
        row, column = int(row), int(column)
        a, b = max(row, 0), max(column, 0)
        c, d = min(row + mask.shape[0], SHAPE[0]), min(column + mask.shape[1], SHAPE[1])
        part = mask[a - row : c - row, b - column : d - column]
        if a >= c or b >= d or not part.any():
            return False
        boxes.append((a, b, c, d))
        masks.append(part)
        return True

    def taken() -> Instances:
        found = tighten(Instances(SHAPE, boxes, tuple(masks)))
        boxes.clear()
        masks.clear()
        return found

    for _ in range(count):
        shape = cell(rng, radius * rng.uniform(0.7, 1.4))
        put(shape, *(rng.uniform(-0.02, 0.98, 2) * SHAPE))
    truth = taken()
    for box, mask in zip(truth.boxes, truth.masks, strict=True):
        kind = rng.random()
        row, column = box[:2] + rng.normal(0, 0.08, 2) * mask.shape
        if kind < 0.06:
            continue
        if kind < 0.10 and mask.shape[0] > 6:
            middle = mask.shape[0] // 2
            put(mask[:middle], row, column)
            put(mask[middle:], row + middle, column)
        else:
            put(mask, round(row), round(column))
            if kind > 0.96:
                put(mask, round(row) + 1, round(column))
    for _ in range(count // 12):
        put(cell(rng, radius), *(rng.uniform(0, 0.97, 2) * SHAPE))
    pred = taken()
    scores = np.round(rng.beta(4, 1.5, len(pred)), 4)
    return truth, Instances(SHAPE, pred.boxes, pred.masks, scores)


def make(folder: Path, images: int, seed: int) -> dict[str, int]:
    """Write truth.json and pred.json; a set that is there already is kept."""
    from cellwright.geometry import encode_rle

    facts = folder / "facts.json"
    if facts.is_file():
        return json.loads(facts.read_text())
    folder.mkdir(parents=True, exist_ok=True)
    rng = np.random.default_rng(seed)
    counts = np.clip(rng.lognormal(np.log(220), 0.8, images), 5, 3000).astype(int)
    counts[0] = 3000
    records: dict[str, list[Any]] = {"truth": [], "pred": []}
    for number, count in enumerate(counts, start=1):
        for name, cells in zip(records, field(rng, int(count)), strict=True):
            for box, area, score, rle in zip(
                cells.boxes.tolist(), cells.areas.tolist(), cells.scores.tolist(),
                encode_rle(cells), strict=True,
            ):  # fmt: skip
                records[name].append(
                    {
                        "id": len(records[name]) + 1, "image_id": number, "category_id": 1,
                        "bbox": [box[1], box[0], box[3] - box[1], box[2] - box[0]],
                        "area": area, "iscrowd": 0, "segmentation": rle,
                        **({"score": round(score, 4)} if name == "pred" else {}),
                    }
                )  # fmt: skip
    frames = [
        {"id": n, "file_name": f"{n:05d}.tif", "height": SHAPE[0], "width": SHAPE[1]}
        for n in range(1, images + 1)
    ]
    for name, found in records.items():
        text = json.dumps(
            {"images": frames, "annotations": found, "categories": [{"id": 1, "name": "cell"}]}
        )
        (folder / f"{name}.json").write_text(text)
    told = {"images": images, "truth": len(records["truth"]), "predicted": len(records["pred"]),
            "largest": int(counts.max())}  # fmt: skip
    facts.write_text(json.dumps(told))
    return told


def ours(folder: Path, what: str) -> dict[str, Any]:
    """Our figures: COCO masks only, matching metrics, or all that `evaluate` gives."""
    from cellwright.evaluate import AveragePrecision
    from cellwright.evaluate.scorer import Scorer
    from cellwright.formats.dataset import read_coco

    start = time.perf_counter()
    truth, pred = read_coco(folder / "truth.json"), read_coco(folder / "pred.json")
    loaded = time.perf_counter()
    figures: dict[str, Any] = {}
    if what == "ours":
        gathered = AveragePrecision(kinds=["segm"], max_detections=2000, areas=AREAS)
        for k in range(len(truth)):
            gathered.add(truth.instances(k), pred.instances(k))
        figures = gathered.figures()["segm"]
    else:
        scorer = Scorer(coco=what == "ours-all", areas=AREAS)
        for k, name in enumerate(truth.names):
            scorer.add(name, truth.instances(k), pred.instances(k))
        figures = scorer.result().matching["0.50"]
    done = time.perf_counter()
    return {"load": loaded - start, "evaluate": done - loaded, "figures": figures}


def peer(folder: Path, what: str) -> dict[str, Any]:
    """The figures of faster-coco-eval or pycocotools."""
    if what == "faster":
        from faster_coco_eval import COCO
        from faster_coco_eval import COCOeval_faster as Evaluator
    else:
        from pycocotools.coco import COCO
        from pycocotools.cocoeval import COCOeval as Evaluator
    sys.path.insert(0, str(Path(__file__).parent))
    from metrics_equality import figures_of

    start = time.perf_counter()
    with contextlib.redirect_stdout(io.StringIO()):
        truth = COCO(str(folder / "truth.json"))
        found = json.loads((folder / "pred.json").read_text())["annotations"]
        for record in found:  # with a box they would take its area for that of the mask
            del record["bbox"]
        pred = truth.loadRes(found)
        loaded = time.perf_counter()
        evaluator = Evaluator(truth, pred, "segm")
        evaluator.params.maxDets = [2000]
        evaluator.params.areaRng = [[0, 1e10], *(list(v) for v in AREAS.values())]
        evaluator.params.areaRngLbl = ["all", *AREAS]
        evaluator.evaluate()
        evaluator.accumulate()
    figures = figures_of(evaluator.eval["precision"], evaluator.eval["recall"], AREAS)
    done = time.perf_counter()
    return {"load": loaded - start, "evaluate": done - loaded, "figures": figures}


def one(folder: Path, what: str) -> None:
    """Run one tool in this process and print its record as JSON."""
    start = time.process_time()
    found = (ours if what.startswith("ours") else peer)(folder, what)
    found["cpu"] = time.process_time() - start
    found["peak_mib"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(json.dumps(found))


def main() -> None:
    """Run every tool and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--images", type=int, default=1564)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--tools", default="ours,faster,pycocotools,ours-matching,ours-all")
    parser.add_argument("--work", type=Path, default=Path("bench-work/scoring"))
    parser.add_argument("--one", help=argparse.SUPPRESS)
    options = parser.parse_args()
    folder = options.work / f"{options.images}-{options.seed}"
    if options.one:
        one(folder, options.one)
        return
    told = make(folder, options.images, options.seed)
    print(f"simulated set: {told}")
    names = ("numpy", "scipy", "faster-coco-eval", "pycocotools")
    print(f"Python {platform.python_version()}", {n: version(n) for n in names})
    tools = options.tools.split(",")
    runs: dict[str, list[dict[str, Any]]] = {tool: [] for tool in tools}
    for _ in range(options.repeats):  # in turn, so that a busy moment hits all alike
        for tool in tools:
            if tool == "pycocotools" and runs[tool]:
                continue  # minutes: once is enough
            command = [sys.executable, __file__, "--one", tool, "--work", str(options.work),
                       "--images", str(options.images), "--seed", str(options.seed)]  # fmt: skip
            text = subprocess.run(command, check=True, capture_output=True, text=True).stdout
            runs[tool].append(json.loads(text.splitlines()[-1]))
    print("| tool | runs | load s | evaluate s | total s | CPU s | peak MiB | largest difference |")
    print("|---|--:|--:|--:|--:|--:|--:|--:|")
    reference = runs["ours"][0]["figures"] if "ours" in runs else None
    for tool, found in runs.items():
        load, work = (statistics.median(r[k] for r in found) for k in ("load", "evaluate"))
        total = statistics.median(r["load"] + r["evaluate"] for r in found)
        cpu = statistics.median(r["cpu"] for r in found)
        peak = max(r["peak_mib"] for r in found)
        gap = "-"
        if reference and not tool.startswith("ours"):
            theirs = found[0]["figures"]
            worst = max(abs((reference[n] if reference[n] is not None else -1) - theirs[n])
                        for n in theirs)  # fmt: skip
            gap = f"{worst:.1e}"
            if worst > 1e-9:
                raise SystemExit(f"{tool} gives other figures: {theirs} against {reference}")
        print(
            f"| {tool} | {len(found)} | {load:.1f} | {work:.1f} | {total:.1f} | {cpu:.1f} "
            f"| {peak:.0f} | {gap} |"
        )


if __name__ == "__main__":
    main()
