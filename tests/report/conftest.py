"""A model, predictions, scores and a data set as the other steps write them, made by hand."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from cellwright.types import Instances

SHAPE = (60, 80)


def cells(shape: tuple[int, int] = SHAPE) -> Instances:
    """Two overlapping rectangles and one alone."""
    boxes = np.array([[5, 5, 25, 30], [15, 20, 40, 45], [45, 60, 55, 75]])
    masks = tuple(np.ones((r1 - r0, c1 - c0), bool) for r0, c0, r1, c1 in boxes)
    return Instances(shape, boxes, masks, scores=np.array([0.9, 0.6, 0.8]))


def picture(seed: int = 0) -> np.ndarray:
    """A noisy uint8 image with the cells of `cells` brighter."""
    image = np.random.default_rng(seed).integers(0, 60, SHAPE).astype(np.uint8)
    for row0, col0, row1, col1 in cells().boxes:
        image[row0:row1, col0:col1] += 90
    return image


def coco(names: list[str], *, category: str = "cell", scores: bool = False) -> dict:
    """COCO record with polygons of `cells` on every image."""
    annotations = []
    for image_id in range(1, len(names) + 1):
        found = cells()
        for (row0, col0, row1, col1), score in zip(
            found.boxes.tolist(), found.scores.tolist(), strict=True
        ):
            record = {
                "id": len(annotations) + 1,
                "image_id": image_id,
                "category_id": 1,
                "segmentation": [[col0, row0, col1, row0, col1, row1, col0, row1]],
                "bbox": [col0, row0, col1 - col0, row1 - row0],
                "area": (row1 - row0) * (col1 - col0),
                "iscrowd": 0,
            }
            annotations.append(record | ({"score": score} if scores else {}))
    images = [
        {
            "id": number,
            "name": name,
            "file_name": f"{number}.png",
            "height": SHAPE[0],
            "width": SHAPE[1],
            "tags": {"modality": "<i>DIC</i>", "z": number},
        }
        for number, name in enumerate(names, start=1)
    ]
    return {
        "images": images,
        "annotations": annotations,
        "categories": [{"id": 1, "name": category}],
    }


def block(accuracy: float) -> dict:
    """One set of scores."""
    matching = {
        f"{iou / 100:.2f}": {
            "tp": 8,
            "fp": 1,
            "fn": 2,
            "accuracy": accuracy * (1.4 - iou / 100),
            "precision": 0.9,
            "recall": 0.8,
            "f1": 0.85,
        }
        for iou in range(50, 100, 5)
    }
    matching["mean"] = {"accuracy": accuracy / 2}
    average = {"AP": 0.4, "AP50": 0.7, "AP75": 0.5, "APs": 0.3, "APm": 0.6, "APl": -1.0}
    return {
        "pixel": {"accuracy": 0.97, "precision": 0.9, "recall": 0.92, "f1": 0.91, "iou": 0.84},
        "matching": matching,
        "coco": {"segm": average, "bbox": average},
        "images": 2,
    }


@pytest.fixture
def sources(tmp_path: Path) -> dict[str, Path]:
    """Folders by kind; image names and texts carry characters that HTML would interpret."""
    names = ["A01 <x>&", "B02"]
    data, run, model = tmp_path / "data", tmp_path / "run", tmp_path / "model"
    for folder in (data / "images", run, model):
        folder.mkdir(parents=True)
    record = coco(names)
    for number, image in enumerate(record["images"]):
        image["file_name"] = f"images/{number}.png"
        Pillow.fromarray(picture()).save(data / "images" / f"{number}.png")
    (data / "annotations.json").write_text(json.dumps(record))
    (run / "predictions.json").write_text(json.dumps(coco(names, scores=True)))
    timed = [
        {"name": n, "path": str(data / "images" / f"{i}.png"), "seconds": 0.5 + i, "cells": 3}
        for i, n in enumerate(names)
    ]
    versions = {"cellwright": "0.1.0", "torch": "9.9.9"}
    (run / "run.json").write_text(
        json.dumps(
            {
                "schema_version": 1,
                "model": "unet-<small>",
                "settings": {"tile_shape": [512, 512], "device": "cpu"},
                "versions": versions,
                "images": timed,
                "processor": "Test CPU & co",
            }
        )
    )
    (run / "measurements.csv").write_text(
        "image,label,area_px,perimeter,centroid_row\nA,1,500,90,15\nA,2,625,100,27\nA,3,150,50,50\n"
    )
    (model / "model.json").write_text(
        json.dumps(
            {
                "schema_version": 1,
                "method": "unet",
                "builder": "unet",
                "arguments": {"depth": 4, "width": 32},
                "normalisation": {"low": 1, "high": 99.8},
                "thresholds": {"foreground": 0.45},
                "pixel_size": None,
                "provenance": {"dataset": "<script>alert(1)</script>"},
                "scores": {"accuracy@0.50": 0.81},
                "classes": ["cell"],
                "versions": versions,
            }
        )
    )
    (model / "curves.csv").write_text(
        "epoch,step,seconds,split,foreground_loss,lr\n"
        "1,10,2.0,train,0.9,0.001\n1,10,2.0,val,1.0,\n2,20,4.0,train,0.5,0.0005\n2,20,4.0,val,,\n"
    )
    scores = block(0.8) | {
        "schema_version": 1,
        "by": {"line<b>": {"A549": block(0.9), "MCF7": block(0.6)}},
        "per_image": [{"image": n, **block(0.75)} for n in names],
    }
    (tmp_path / "scores.json").write_text(json.dumps(scores))
    return {"data": data, "run": run, "model": model, "scores": tmp_path / "scores.json"}
