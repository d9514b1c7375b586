"""Small images with every kind of error, and their scores as `cellwright evaluate` writes them."""

import json
from pathlib import Path

import numpy as np
from PIL import Image as Pillow

from cellwright.evaluate.scorer import Scorer
from cellwright.formats.dataset import write_coco
from cellwright.report.freshness import digest
from cellwright.types import Instances

SHAPE = (64, 96)
NAMES = tuple(f"field_{i}" for i in range(6))


def boxes_of(*boxes, scores=None) -> Instances:
    masks = tuple(np.ones((r1 - r0, c1 - c0), bool) for r0, c0, r1, c1 in boxes)
    return Instances(SHAPE, np.array(boxes).reshape(-1, 4), masks, scores=scores)


def truth(index: int) -> Instances:
    """Two touching cells, one large, one that the next overlaps, one small."""
    row = index
    return boxes_of(
        (2 + row, 4, 14 + row, 16),
        (2 + row, 16, 14 + row, 28),
        (20 + row, 4, 44 + row, 28),
        (20, 40, 34, 56),
        (30, 50, 44, 66),
        (4, 70, 10, 76),
    )


def prediction(index: int) -> Instances:
    """One merge, one split, one cell missed, one false, one duplicate, one poor outline."""
    row = index
    found = [
        ((2 + row, 4, 14 + row, 28), 0.9),
        ((20 + row, 4, 32 + row, 28), 0.8),
        ((32 + row, 4, 44 + row, 28), 0.7),
        ((20, 40, 34, 51), 0.95),
        ((30, 50, 44, 66), 0.85),
        ((31, 50, 44, 66), 0.35),
        ((52, 80, 60, 90), 0.6),
    ]
    if index == 5:  # the best image: all but one cell is right
        return boxes_of(*truth(5).boxes[:5].tolist(), scores=np.linspace(0.5, 0.9, 5))
    return boxes_of(*(b for b, _ in found), scores=np.array([s for _, s in found]))


def scores(*, by=("z", "line"), errors=True, resamples=60) -> dict:
    """Scores of the six images; z has three values, line two."""
    scorer = Scorer(by=by, errors=errors, resamples=resamples)
    for i, name in enumerate(NAMES):
        tags = {"z": 5 * (i % 3), "line": "A<549>" if i % 2 else "MCF7"}
        scorer.add(name, truth(i), prediction(i), tags=tags)
    return scorer.result().to_json()


def scored_folder(folder: Path) -> dict[str, Path]:
    """A data set, predictions of it and scores that say which files they were made from."""
    data, run = folder / "data", folder / "run"
    (data / "images").mkdir(parents=True)
    run.mkdir()
    write_coco([(n, truth(i)) for i, n in enumerate(NAMES)], data / "annotations.json")
    record = json.loads((data / "annotations.json").read_text())
    for i, image in enumerate(record["images"]):
        image["file_name"] = f"images/{i}.png"
        image["tags"] = {"z": 5 * (i % 3), "licence": "CC0"}
        pixels = np.random.default_rng(i).integers(0, 200, SHAPE).astype(np.uint8)
        Pillow.fromarray(pixels).save(data / "images" / f"{i}.png")
    (data / "annotations.json").write_text(json.dumps(record))
    write_coco([(n, prediction(i)) for i, n in enumerate(NAMES)], run / "predictions.json")
    files = {"truth": data / "annotations.json", "pred": run / "predictions.json"}
    made = scores()
    made["settings"] |= {
        "made": "2026-01-02 03:04:05 UTC",
        "sources": {k: {"path": str(f), "sha256": digest(f)} for k, f in files.items()},
    }
    (folder / "scores.json").write_text(json.dumps(made))
    return {"data": data, "run": run, "scores": folder / "scores.json"}
