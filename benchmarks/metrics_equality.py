"""Are our scores those of others' code? Prints the largest difference for each comparison.

    python benchmarks/metrics_equality.py [--data DIR] [--cases 100] [--seed 0]

COCO average precision against pycocotools (masks and boxes; random cases with overlaps, score
ties, crowds, several classes, empty truth and empty prediction; the peer cases of --data),
matching against stardist.matching (label images) and against a dense assignment on all pairs
(overlapping masks). What is not installed or not there is said and left out.
"""

from __future__ import annotations

import argparse
import contextlib
import importlib.util
import io
import json
import platform
import time
from collections.abc import Callable, Iterator, Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np

from cellwright.evaluate import (
    COCO_AREAS,
    LIVECELL_AREAS,
    THRESHOLDS,
    AveragePrecision,
    match,
)
from cellwright.evaluate.greedy import Overlaps
from cellwright.geometry import from_masks, to_label_map
from cellwright.types import Instances

Pairs = list[tuple[Instances, Instances]]
KINDS = ("segm", "bbox")


def blob(rng: np.random.Generator, shape: tuple[int, int], centre: np.ndarray, radius: np.ndarray):
    """A noisy ellipse as a full-frame mask."""
    rows, columns = np.ogrid[: shape[0], : shape[1]]
    distance = ((rows - centre[0]) / radius[0]) ** 2 + ((columns - centre[1]) / radius[1]) ** 2
    return distance <= 1 + rng.uniform(-0.1, 0.1, size=shape)


def random_case(rng: np.random.Generator) -> Pairs:
    """Some images with overlapping true cells and predictions of every quality."""
    shape = tuple(int(s) for s in rng.integers(40, 220, size=2))
    names = ("cell", "nucleus", "debris")[: int(rng.integers(1, 4))]
    return [random_image(rng, shape, names) for _ in range(int(rng.integers(1, 5)))]


def random_image(
    rng: np.random.Generator, shape: tuple[int, int], names: tuple[str, ...]
) -> tuple[Instances, Instances]:
    """True and predicted cells of one image; each side is empty now and then."""
    count = 0 if rng.random() < 0.15 else int(rng.integers(1, 15))
    centres = rng.uniform(0, 1, (count, 2)) * shape
    radii = rng.choice([4.0, 12.0, 35.0, 70.0], size=(count, 1), p=[0.4, 0.35, 0.2, 0.05])
    radii = radii * rng.uniform(0.7, 1.3, (count, 2))
    classes = rng.integers(len(names), size=count)
    true = [blob(rng, shape, c, r) for c, r in zip(centres, radii, strict=True)]
    true_classes = classes.tolist()
    found, found_classes = [], []
    for k in range(count):
        for _ in range(int(rng.choice([0, 1, 2, 3], p=[0.15, 0.6, 0.2, 0.05]))):
            if rng.random() < 0.2:
                found.append(true[k])
            else:
                moved = centres[k] + rng.normal(0, 0.15, 2) * radii[k]
                found.append(blob(rng, shape, moved, radii[k] * rng.uniform(0.8, 1.25)))
            wrong = rng.random() < 0.1
            found_classes.append(int(rng.integers(len(names))) if wrong else int(classes[k]))
    for _ in range(int(rng.integers(0, 6))):
        found.append(blob(rng, shape, rng.uniform(0, 1, 2) * shape, rng.uniform(3, 30, 2)))
        found_classes.append(int(rng.integers(len(names))))
    if rng.random() < 0.1:
        found, found_classes = [], []
    truth = _instances(true, true_classes, shape, names)
    crowd = rng.random(len(truth)) < 0.1
    truth = Instances(
        shape, truth.boxes, truth.masks, truth.scores, truth.classes, names,
        tuple({"iscrowd": bool(c)} for c in crowd),
    )  # fmt: skip
    pred = _instances(found, found_classes, shape, names)
    scores = np.round(rng.random(len(pred)), int(rng.integers(1, 4)))  # one digit: many ties
    return truth, Instances(shape, pred.boxes, pred.masks, scores, pred.classes, names)


def _instances(
    masks: list[np.ndarray], classes: list[int], shape: tuple[int, int], names: tuple[str, ...]
) -> Instances:
    keep = [k for k, mask in enumerate(masks) if mask.any()]
    cells = from_masks([masks[k] for k in keep], shape=shape)
    return Instances(
        shape, cells.boxes, cells.masks, classes=[classes[k] for k in keep], class_names=names
    )


def full_frame(cells: Instances, k: int) -> np.ndarray:
    """Mask `k` on the whole frame."""
    mask = np.zeros(cells.shape, dtype=bool)
    row0, col0, row1, col1 = cells.boxes[k]
    mask[row0:row1, col0:col1] = cells.masks[k]
    return mask


def reference_dataset(pairs: Pairs) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Truth and results for pycocotools, encoded by pycocotools from full-frame masks."""
    from pycocotools import mask as coder

    def record(cells: Instances, k: int, image: int) -> dict[str, Any]:
        rle = coder.encode(np.asfortranarray(full_frame(cells, k).astype(np.uint8)))
        return {
            "image_id": image,
            "category_id": int(cells.classes[k]) + 1,
            "segmentation": rle,
            "bbox": coder.toBbox(rle).tolist(),
            "area": float(coder.area(rle)),
        }

    truth: list[dict[str, Any]] = []
    found: list[dict[str, Any]] = []
    images = []
    for n, (true, pred) in enumerate(pairs, start=1):
        images.append({"id": n, "height": true.shape[0], "width": true.shape[1]})
        for k in range(len(true)):
            crowd = int(bool(true.tags[k]["iscrowd"])) if true.tags else 0
            truth.append({**record(true, k, n), "id": len(truth) + 1, "iscrowd": crowd})
        found += [{**record(pred, k, n), "score": float(pred.scores[k])} for k in range(len(pred))]
    names = pairs[0][0].class_names
    categories = [{"id": k, "name": name} for k, name in enumerate(names, start=1)]
    return {"images": images, "annotations": truth, "categories": categories}, found


def pycocotools_figures(
    truth: dict[str, Any], found: Sequence[dict[str, Any]], kind: str, **options: Any
) -> dict[str, float]:
    """Figures by pycocotools; see `coco_figures`."""
    from pycocotools.coco import COCO
    from pycocotools.cocoeval import COCOeval

    return coco_figures(COCO, COCOeval, truth, found, kind, **options)


def faster_figures(
    truth: dict[str, Any], found: Sequence[dict[str, Any]], kind: str, **options: Any
) -> dict[str, float]:
    """Figures by faster-coco-eval; see `coco_figures`."""
    from faster_coco_eval import COCO, COCOeval_faster

    return coco_figures(COCO, COCOeval_faster, truth, found, kind, **options)


def coco_figures(
    coco: Any,
    coco_eval: Any,
    truth: dict[str, Any],
    found: Sequence[dict[str, Any]],
    kind: str,
    *,
    max_detections: int = 2000,
    areas: dict[str, tuple[float, float]] = COCO_AREAS,
) -> dict[str, float]:
    """AP, AP50, AP75, AR, and AP and AR per area bin, by one of the two packages' classes.

    A figure that is not defined is -1.
    """
    drop = "bbox" if kind == "segm" else "segmentation"
    results = [{k: v for k, v in f.items() if k not in (drop, "area")} for f in found]
    with contextlib.redirect_stdout(io.StringIO()):
        true = coco()
        true.dataset = json.loads(json.dumps(truth, default=_text))
        true.createIndex()
        pred = true.loadRes(json.loads(json.dumps(results, default=_text))) if results else coco()
        evaluator = coco_eval(true, pred, kind)
        evaluator.params.maxDets = [max_detections]
        evaluator.params.areaRng = [[0, 1e10], *(list(bounds) for bounds in areas.values())]
        evaluator.params.areaRngLbl = ["all", *areas]
        evaluator.evaluate()
        evaluator.accumulate()
    return figures_of(evaluator.eval["precision"], evaluator.eval["recall"], areas)


def figures_of(
    precision: np.ndarray, recall: np.ndarray, areas: dict[str, tuple[float, float]]
) -> dict[str, float]:
    """Figures of COCO's tables (IoU, recall, class, area, limit) and (IoU, class, area, limit)."""
    precision, recall = np.asarray(precision)[..., 0], np.asarray(recall)[..., 0]
    parts = {"AP": precision[..., 0], "AP50": precision[0, ..., 0], "AP75": precision[5, ..., 0]}
    parts |= {f"AP{name}": precision[..., b] for b, name in enumerate(areas, start=1)}
    parts["AR"] = recall[..., 0]
    parts |= {f"AR{name}": recall[..., b] for b, name in enumerate(areas, start=1)}
    return {n: float(p[p > -1].mean()) if (p > -1).any() else -1.0 for n, p in parts.items()}


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def difference(ours: dict[str, float | None], theirs: dict[str, float]) -> float:
    """Largest absolute difference of their figures; an undefined one is -1 on both sides."""
    if missing := set(theirs) - set(ours):
        raise ValueError(f"we lack {sorted(missing)}")
    return max(abs((-1.0 if ours[n] is None else ours[n]) - theirs[n]) for n in theirs)


def random_coco(
    cases: int, seed: int, peer: Callable[..., dict[str, float]] = pycocotools_figures
) -> Iterator[tuple[float, int]]:
    """Largest difference and number of figures compared, for each random case."""
    rng = np.random.default_rng(seed)
    for case in range(cases):
        pairs = random_case(rng)
        # every third case tests few detections, every fourth other area bins
        most = 5 if case % 3 == 2 else 2000
        areas = LIVECELL_AREAS if case % 4 == 3 else COCO_AREAS
        gathered = AveragePrecision(max_detections=most, areas=areas)
        for truth, pred in pairs:
            gathered.add(truth, pred)
        ours, reference = gathered.figures(), reference_dataset(pairs)
        theirs = {k: peer(*reference, k, max_detections=most, areas=areas) for k in KINDS}
        worst = max(difference(ours[kind], theirs[kind]) for kind in KINDS)
        yield worst, sum(len(figures) for figures in theirs.values())


def peer_case(
    truth: dict[str, Any], found: list[dict[str, Any]], kinds: Sequence[str]
) -> tuple[dict[str, dict[str, float | None]], dict[str, dict[str, float]]]:
    """Our figures and those of pycocotools on COCO's own dictionaries, at 100 detections."""
    gathered = AveragePrecision(kinds=kinds, max_detections=100)
    for image in sorted(truth["images"], key=lambda i: i["id"]):
        true = [a for a in truth["annotations"] if a["image_id"] == image["id"]]
        pred = [a for a in found if a["image_id"] == image["id"]]
        labels = sorted({a["category_id"] for a in (*true, *pred)})
        gathered.add_overlaps(
            {
                kind: {
                    label: peer_overlaps(
                        [a for a in true if a["category_id"] == label],
                        [a for a in pred if a["category_id"] == label],
                        None if kind == "bbox" else (image["height"], image["width"]),
                    )
                    for label in labels
                }
                for kind in kinds
            }
        )
    theirs = {kind: pycocotools_figures(truth, found, kind, max_detections=100) for kind in kinds}
    return gathered.figures(), theirs


def peer_overlaps(
    true: list[dict[str, Any]], pred: list[dict[str, Any]], shape: tuple[int, int] | None
) -> Overlaps:
    """COCO's own dictionaries of one image and class as what our matching takes.

    With a shape their masks are compared, drawn by pycocotools; without one their boxes, whose
    sides are floats here.
    """
    crowd = np.array([bool(a.get("iscrowd", 0)) for a in true], dtype=bool)
    if shape is None:
        a, b = (np.array([r["bbox"] for r in part], float).reshape(-1, 4) for part in (true, pred))
        ends = np.minimum((a[:, :2] + a[:, 2:])[:, None], (b[:, :2] + b[:, 2:])[None])
        sides = np.clip(ends - np.maximum(a[:, None, :2], b[None, :, :2]), 0, None)
        shared, size_a, size_b = sides.prod(axis=2), a[:, 2:].prod(axis=1), b[:, 2:].prod(axis=1)
    else:
        a, b = dense_masks(true, shape), dense_masks(pred, shape)
        shared, size_a, size_b = a @ b.T, a.sum(axis=1), b.sum(axis=1)
    either = np.where(crowd[:, None], size_b[None], size_a[:, None] + size_b[None] - shared)
    i, j = np.nonzero(shared)
    iou = (shared / np.maximum(either, 1e-9))[i, j]
    true_areas = np.array([r["area"] for r in true], float)
    scores = np.array([r["score"] for r in pred], float)
    return Overlaps(i, j, iou, true_areas, crowd, size_b, scores)


def dense_masks(found: list[dict[str, Any]], shape: tuple[int, int]) -> np.ndarray:
    """(N, pixels) float64 of the polygons or RLE masks of one image."""
    from pycocotools import mask as coder

    masks = np.zeros((len(found), shape[0] * shape[1]))
    for mask, record in zip(masks, found, strict=True):
        rle = record["segmentation"]
        if isinstance(rle, list):
            rle = coder.merge(coder.frPyObjects(rle, *shape))
        mask[:] = coder.decode(rle).ravel()
    return masks


def detectron2_toy(data: Path) -> tuple[Any, Any, dict[str, list[float]]]:
    """Our figures, those of pycocotools, and the recorded ones of detectron2's toy case."""
    folder = data / "peer_metrics" / "detectron2_coco_toy"
    toy = json.loads((folder / "toy.json").read_text())
    recorded = json.loads((folder / "expected_pycocotools.json").read_text())
    return *peer_case(toy["gt"], toy["detections"], KINDS), {k: recorded[k] for k in KINDS}


def object_detection_metrics(data: Path) -> tuple[Any, Any, dict[str, list[float]]]:
    """The same for the 100 COCO images of review_object_detection_metrics (boxes only)."""
    folder = data / "peer_metrics/object_detection_metrics/tests/test_coco_eval"
    truth = json.loads((folder / "gts/sampled_gts_bbox_area.json").read_text())
    found = json.loads((folder / "cocoapi_results.json").read_text())
    recorded = [0.503647, 0.696973, 0.571667, 0.593252, 0.557991, 0.489363]
    return *peer_case(truth, found, ("bbox",)), {"bbox": recorded}


def recorded_difference(ours: Any, recorded: dict[str, list[float]]) -> float:
    """Largest difference to recorded six-digit figures (AP, AP50, AP75, APs, APm, APl)."""
    order = ("AP", "AP50", "AP75", "APs", "APm", "APl")
    return max(
        difference(ours[kind], dict(zip(order, values[:6], strict=True)))
        for kind, values in recorded.items()
    )


def label_pair(rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A true and a predicted label image: splits, merges, shifts, misses, empty ones."""
    shape = tuple(int(s) for s in rng.integers(20, 120, size=2))
    truth, _ = random_image(rng, shape, ("cell",))
    true = to_label_map(truth).astype(np.int32)
    pred = np.roll(true, rng.integers(-3, 4, size=2), axis=(0, 1))
    if rng.random() < 0.5:
        pred[(pred > 0) & (np.arange(shape[1]) > shape[1] // 2)] += 100  # split
    if rng.random() < 0.3:
        pred[pred == 2] = 1  # merge
    pred[rng.random(shape) < 0.05] = 0
    return true, pred if rng.random() > 0.1 else np.zeros_like(pred)


def matching_against_stardist(cases: int, seed: int) -> Iterator[int]:
    """Largest difference of tp, fp, fn over all thresholds, for each random label image pair."""
    from stardist.matching import matching

    from cellwright.geometry import from_label_map

    rng = np.random.default_rng(seed)
    for _ in range(cases):
        true, pred = label_pair(rng)
        ours = match(from_label_map(true), from_label_map(pred), THRESHOLDS)
        theirs = matching(true, pred, thresh=THRESHOLDS)
        yield max(
            abs(a - b)
            for o, t in zip(ours, theirs, strict=True)
            for a, b in ((o.tp, t.tp), (o.fp, t.fp), (o.fn, t.fn))
        )


def matching_against_dense(cases: int, seed: int) -> Iterator[int]:
    """The same for overlapping masks, against one dense assignment over all pairs."""
    from scipy.optimize import linear_sum_assignment

    rng = np.random.default_rng(seed)
    for _ in range(cases):
        truth, pred = random_image(rng, (90, 90), ("cell",))
        truth = Instances(truth.shape, truth.boxes, truth.masks)
        a = np.array([full_frame(truth, k).ravel() for k in range(len(truth))]).reshape(-1, 8100)
        b = np.array([full_frame(pred, k).ravel() for k in range(len(pred))]).reshape(-1, 8100)
        shared = a.astype(np.int64) @ b.T.astype(np.int64)
        iou = shared / np.maximum(a.sum(1)[:, None] + b.sum(1)[None] - shared, 1)
        thresholds = (0.1, 0.25, *THRESHOLDS)
        worst = 0
        for counts, t in zip(match(truth, pred, thresholds), thresholds, strict=True):
            best = linear_sum_assignment((iou >= t).astype(float), maximize=True)
            tp = int((iou[best] >= t).sum())
            worst = max(worst, abs(tp - counts.tp), abs(len(pred) - tp - counts.fp))
        yield worst


def main() -> None:
    """Run all comparisons and print a table in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--cases", type=int, default=100)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    names = ("numpy", "scipy", "faster-coco-eval", "pycocotools", "stardist")
    have = {
        name: version(name) for name in names if importlib.util.find_spec(name.replace("-", "_"))
    }
    print(f"Python {platform.python_version()}, {platform.machine()}", have, "\n")
    print("| comparison | cases | figures | largest difference | seconds |\n|---|--:|--:|--:|--:|")

    def line(what: str, cases: int, figures: int, worst: float, start: float) -> None:
        seconds = time.perf_counter() - start
        print(f"| {what} | {cases} | {figures} | {worst:.2g} | {seconds:.1f} |", flush=True)

    if "pycocotools" in have:
        start = time.perf_counter()
        found = list(random_coco(options.cases, options.seed))
        line("COCO AP, masks and boxes, random cases, pycocotools", len(found),
             sum(n for _, n in found), max(d for d, _ in found), start)  # fmt: skip
        peers = {"detectron2 toy": detectron2_toy, "100 COCO images": object_detection_metrics}
        for name, run in peers.items():
            if not (options.data / "peer_metrics").is_dir():
                print(f"{name}: no {options.data / 'peer_metrics'}, left out")
                continue
            start = time.perf_counter()
            ours, theirs, recorded = run(options.data)
            worst = max(difference(ours[kind], theirs[kind]) for kind in theirs)
            line(f"COCO AP, {name}, pycocotools", 1, 6 * len(theirs), worst, start)
            line(f"COCO AP, {name}, recorded six digits", 1, 6 * len(recorded),
                 recorded_difference(ours, recorded), start)  # fmt: skip
    figures = 3 * len(THRESHOLDS) * options.cases
    if "stardist" in have:
        start = time.perf_counter()
        gaps = list(matching_against_stardist(options.cases, options.seed))
        line("matching, label images, stardist", len(gaps), figures, max(gaps), start)
    start = time.perf_counter()
    gaps = list(matching_against_dense(options.cases, options.seed))
    line("matching, overlapping masks, dense assignment", len(gaps), figures, max(gaps), start)


if __name__ == "__main__":
    main()
