"""COCO average precision of masks and boxes, image by image.

The evaluation is that of Lin et al. 2014 (cocodataset.org/#detection-eval), run by
faster-coco-eval; its result for each image is kept and joined at the end, so neither masks
nor IoU matrices of more than one image are in memory, and any group of images can be summed
up without matching again. Two settings are ours: up to 2000 detections per image count (COCO:
100, too few for cells), and the area bins are free.
"""

from __future__ import annotations

import logging
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.evaluate.classes import check_same_frame, class_labels, crowds
from cellwright.geometry.rle import encode_rle
from cellwright.types import InputError, Instances

logger = logging.getLogger(__name__)

KINDS = ("segm", "bbox")
MAX_DETECTIONS = 2000
#: Area bins in square pixels, both ends included: COCO's and those of LIVECell (Edlund 2021).
COCO_AREAS = {"s": (0, 32**2), "m": (32**2, 96**2), "l": (96**2, 1e10)}
LIVECELL_AREAS = {"s": (0, 324), "m": (324, 961), "l": (961, 1e10)}

Figures = dict[str, float | None]


def coco_annotations(
    instances: Instances,
    labels: Sequence[str],
    *,
    crowd: Sequence[bool] | None = None,
) -> list[dict[str, Any]]:
    """COCO annotations of one image: `label`, `score`, `bbox`, `area`, `segmentation`, `iscrowd`.

    The box is [x, y, width, height] of the instance's own box, the area that of the mask.
    """
    flags = crowd if crowd is not None else [False] * len(instances)
    rows = zip(
        labels,
        instances.scores.tolist(),
        instances.boxes.tolist(),
        instances.areas.tolist(),
        encode_rle(instances),
        flags,
        strict=True,
    )
    return [
        {
            "label": label,
            "score": score,
            "bbox": [float(c0), float(r0), float(c1 - c0), float(r1 - r0)],
            "area": float(area),
            "segmentation": rle,
            "iscrowd": int(flag),
        }
        for label, score, (r0, c0, r1, c1), area, rle, flag in rows
    ]


class AveragePrecision:
    """Gathers images and gives COCO's average precision of all or some of them.

    Parameters
    ----------
    kinds
        What is compared: masks ("segm"), boxes ("bbox") or both.
    max_detections
        How many predictions of an image and class count, best scores first.
    areas
        Area bins: name -> (smallest, largest) in square pixels. A true cell belongs to a bin
        by its `area`; an unmatched prediction by the area of its mask or, for boxes, its box.

    Notes
    -----
    Score ties across images keep the order in which the images came, as in pycocotools.

    Examples
    --------
    >>> cell = Instances((9, 9), [[0, 0, 3, 3]], [np.ones((3, 3))])
    >>> gathered = AveragePrecision()
    >>> gathered.add(cell, cell)
    >>> {name: round(value, 9) for name, value in gathered.figures()["segm"].items() if value}
    {'AP': 1.0, 'AP50': 1.0, 'AP75': 1.0, 'APs': 1.0}
    """

    def __init__(
        self,
        *,
        kinds: Sequence[str] = KINDS,
        max_detections: int = MAX_DETECTIONS,
        areas: Mapping[str, tuple[float, float]] = COCO_AREAS,
    ) -> None:
        if unknown := set(kinds) - set(KINDS):
            raise InputError(f"unknown kind {sorted(unknown)}: wanted are {', '.join(KINDS)}")
        if max_detections < 1:
            raise InputError(f"max_detections is {max_detections}: at least 1 is wanted")
        self.kinds = tuple(kinds)
        self.max_detections = int(max_detections)
        self.areas = dict(areas)
        self._images = 0
        self._next_id = 1
        # kind -> label -> image -> one evaluation per area bin ("all" first)
        self._evaluations: dict[str, dict[str, dict[int, list[Any]]]] = {
            kind: defaultdict(dict) for kind in self.kinds
        }

    def __len__(self) -> int:
        return self._images

    def add(self, truth: Instances, pred: Instances) -> None:
        """Add one image; true cells tagged ``iscrowd`` are COCO's crowds.

        Raises
        ------
        InputError
            If the frames differ or a class is predicted that the truth does not have.
        """
        check_same_frame(truth, pred)
        true_labels, pred_labels = class_labels(truth, pred)
        self.add_annotations(
            coco_annotations(truth, true_labels.tolist(), crowd=crowds(truth).tolist()),
            coco_annotations(pred, pred_labels.tolist()),
            truth.shape,
        )

    def add_annotations(
        self,
        truth: Sequence[Mapping[str, Any]],
        pred: Sequence[Mapping[str, Any]],
        shape: tuple[int, int],
    ) -> None:
        """Add one image given as COCO annotations with a `label` each (see `coco_annotations`).

        `segmentation` is needed for masks only: compressed RLE, or polygons in the truth.
        """
        truth, pred = self._numbered(truth), self._numbered(pred)
        labels = sorted({a["label"] for a in truth} | {a["label"] for a in pred})
        for kind in self.kinds:
            found = self._evaluate(kind, labels, truth, pred, shape)
            for label, evaluations in zip(labels, found, strict=True):
                self._evaluations[kind][label][self._images] = evaluations
        self._images += 1

    def figures(self, images: Iterable[int] | None = None) -> dict[str, Figures]:
        """AP, AP50, AP75 and AP per area bin (APs, APm, APl) for each kind.

        Parameters
        ----------
        images
            Which of the added images count, by their number; None for all.

        Returns
        -------
        dict
            ``{"segm": {"AP": ..., ...}, "bbox": {...}}``; a figure is None where no true cell
            is in its bin (pycocotools says -1). Each is the mean over classes with truth.
        """
        wanted = range(self._images) if images is None else sorted(set(images))
        return {kind: self._figures(kind, wanted) for kind in self.kinds}

    def _numbered(self, found: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
        first, self._next_id = self._next_id, self._next_id + len(found)
        return [{"iscrowd": 0, **a, "id": first + k, "image_id": 1} for k, a in enumerate(found)]

    def _evaluator(self, kind: str, truth: Any = None, pred: Any = None) -> Any:
        from faster_coco_eval.core.faster_eval_api import COCOeval_faster

        evaluator = COCOeval_faster(
            truth, pred, iouType=kind, separate_eval=True, print_function=logger.debug
        )
        bins = {"all": (0, 1e10), **self.areas}
        evaluator.params.areaRng = [[float(low), float(high)] for low, high in bins.values()]
        evaluator.params.areaRngLbl = list(bins)
        evaluator.params.maxDets = [self.max_detections]
        return evaluator

    def _evaluate(
        self,
        kind: str,
        labels: list[str],
        truth: list[dict[str, Any]],
        pred: list[dict[str, Any]],
        shape: tuple[int, int],
    ) -> list[list[Any]]:
        """For each label, the evaluation of one image in each area bin."""
        from faster_coco_eval.core.coco import COCO

        if not labels:
            return []
        numbers = {label: k + 1 for k, label in enumerate(labels)}
        image = {"id": 1, "height": int(shape[0]), "width": int(shape[1])}

        def dataset(found: list[dict[str, Any]], boxed: bool) -> Any:
            own = [{**a, "category_id": numbers[a["label"]]} for a in found]
            for a in own if boxed else ():
                a["area"] = a["bbox"][2] * a["bbox"][3]
            categories = [{"id": k, "name": str(name)} for name, k in numbers.items()]
            return COCO({"images": [image], "annotations": own, "categories": categories})

        evaluator = self._evaluator(kind, dataset(truth, False), dataset(pred, kind == "bbox"))
        evaluator.evaluate()
        flat, bins = evaluator._evalImgs_cpp, len(evaluator.params.areaRng)
        return [list(flat[k * bins : (k + 1) * bins]) for k in range(len(labels))]

    def _figures(self, kind: str, wanted: Sequence[int]) -> Figures:
        names = ["AP", "AP50", "AP75", *(f"AP{name}" for name in self.areas)]
        precision = []
        for by_image in self._evaluations[kind].values():
            images = [k for k in wanted if k in by_image]
            if images:
                precision.append(self._accumulate(kind, by_image, images))
        if not precision:
            return dict.fromkeys(names)
        table = np.concatenate(precision, axis=2)  # IoU threshold, recall, class, area bin
        whole = table[..., 0]
        parts = [whole, whole[:1], whole[5:6], *np.moveaxis(table[..., 1:], -1, 0)]
        return {name: _mean(part) for name, part in zip(names, parts, strict=True)}

    def _accumulate(
        self, kind: str, by_image: dict[int, list[Any]], images: list[int]
    ) -> np.ndarray:
        """Precision of one class over some images: (IoU threshold, recall, 1, area bin)."""
        evaluator = self._evaluator(kind)
        evaluator.params.imgIds, evaluator.params.catIds = images, [1]
        bins = range(len(evaluator.params.areaRng))
        evaluator._paramsEval = evaluator.params
        evaluator._evalImgs_cpp = [by_image[k][b] for b in bins for k in images]
        evaluator.accumulate()
        return np.asarray(evaluator.eval["precision"])[..., 0]


def _mean(precision: np.ndarray) -> float | None:
    """Mean of the defined entries (-1 marks those of classes without truth)."""
    defined = precision[precision > -1]
    return float(defined.mean()) if defined.size else None
