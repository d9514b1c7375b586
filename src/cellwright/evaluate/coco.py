"""COCO average precision of masks and boxes, image by image.

The evaluation is that of Lin et al. 2014 (cocodataset.org/#detection-eval). Of each image only
its detections are kept, 18 bytes each (score, true or false at each IoU in each area bin), so
neither masks nor IoU of more than one image are in memory, and any group of images, or a
thousand resamples of them, can be summed up without matching again. Two settings are free: how
many detections of an image count (2000; COCO's 100 are too few for cells), and the area bins.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.greedy import COCO_THRESHOLDS, Overlaps, detections
from cellwright.evaluate.precision_recall import RECALLS, Ranking, mean_defined
from cellwright.types import InputError, Instances

KINDS = ("segm", "bbox")
MAX_DETECTIONS = 2000
#: Area bins in square pixels, both ends included: COCO's and those of LIVECell (Edlund 2021).
COCO_AREAS = {"s": (0, 32**2), "m": (32**2, 96**2), "l": (96**2, 1e10)}
LIVECELL_AREAS = {"s": (0, 324), "m": (324, 961), "l": (961, 1e10)}
#: Detections and area bins by name, as `cellwright evaluate --preset` takes them.
PRESETS = {"coco": (MAX_DETECTIONS, COCO_AREAS), "livecell": (2000, LIVECELL_AREAS)}
#: Passes over a detection that the resamples of one group may take.
_WORK = 1_500_000_000
_FEWEST = 100

Figures = dict[str, float | None]


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
        by the area of its mask; an unmatched prediction by that of its mask or, for boxes, of
        its box.

    Notes
    -----
    Score ties across images keep the order in which the images came, as in pycocotools.

    Examples
    --------
    >>> cell = Instances((9, 9), [[0, 0, 3, 3]], [np.ones((3, 3))])
    >>> gathered = AveragePrecision()
    >>> gathered.add(cell, cell)
    >>> {name: round(value, 9) for name, value in gathered.figures()["segm"].items() if value}
    {'AP': 1.0, 'AP50': 1.0, 'AP75': 1.0, 'APs': 1.0, 'AR': 1.0, 'ARs': 1.0}
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
        self.areas = {name: (float(low), float(high)) for name, (low, high) in areas.items()}
        self._bins = [(0.0, 1e10), *self.areas.values()]
        self._images = 0
        self._rankings: dict[str, dict[str, Ranking]] = {kind: {} for kind in self.kinds}

    def __len__(self) -> int:
        return self._images

    def add(self, truth: Instances, pred: Instances) -> None:
        """Add one image; true cells tagged ``iscrowd`` are COCO's crowds.

        Raises
        ------
        InputError
            If the frames differ or a class is predicted that the truth does not have.
        """
        self.add_comparison(Comparison(truth, pred))

    def add_comparison(self, seen: Comparison) -> None:
        """Add one image whose cells were compared already."""
        labels = sorted({*seen.true_names, *seen.pred_names})
        self.add_overlaps(
            {
                kind: {label: _overlaps(seen, label, boxes=kind == "bbox") for label in labels}
                for kind in self.kinds
            }
        )

    def add_overlaps(self, found: Mapping[str, Mapping[str, Overlaps]]) -> None:
        """Add one image as its overlaps by kind and class."""
        shape = (len(COCO_THRESHOLDS), len(self._bins))
        for kind in self.kinds:
            for label, overlaps in found[kind].items():
                ranking = self._rankings[kind].setdefault(label, Ranking(shape))
                ranking.add(
                    self._images,
                    detections(overlaps, bins=self._bins, max_detections=self.max_detections),
                )
        self._images += 1

    def figures(self, images: Iterable[int] | None = None) -> dict[str, Figures]:
        """AP, AP50, AP75, AP per area bin (APs, APm, APl), AR likewise, and AFNR, for each kind.

        Parameters
        ----------
        images
            Which of the added images count, by their number; None for all.

        Returns
        -------
        dict
            ``{"segm": {"AP": ..., ...}, "bbox": {...}}``; a figure is None where no true cell
            is in its bin (pycocotools says -1). Each is the mean over classes with truth. AR
            is the largest recall, averaged over IoU; AFNR = 1 - AR (Kim, Song, Zheng 2022,
            Eq. 4).
        """
        return {kind: self._figures(kind, self._numbers(images)) for kind in self.kinds}

    def curves(self, images: Iterable[int] | None = None) -> dict[str, dict[str, Any]]:
        """Precision at 101 levels of recall for each kind, mean over classes with truth.

        Returns
        -------
        dict
            Kind -> ``{"recall": [...], "precision": {"0.50": [...], ..., "mean": [...]}}``;
            a kind without any true cell is left out.
        """
        found = {}
        for kind in self.kinds:
            parts = [
                ranking.of(self._numbers(images)).precision()[0][..., 0]
                for ranking in self._rankings[kind].values()
            ]
            parts = [p for p in parts if (p > -1).all()]
            if parts:
                mean = np.mean(parts, axis=0)
                lines = {
                    f"{t:.2f}": row for t, row in zip(COCO_THRESHOLDS, mean.tolist(), strict=True)
                }
                lines["mean"] = mean.mean(axis=0).tolist()
                found[kind] = {"recall": RECALLS.tolist(), "precision": lines}
        return found

    def resampled(
        self, drawn: np.ndarray, images: Iterable[int] | None = None
    ) -> dict[str, dict[str, np.ndarray]]:
        """AP, AP50, AP75, AR and AFNR of resamples of the images.

        Parameters
        ----------
        drawn
            (resample, image) how often each of `images` counts. Of very large sets fewer
            resamples are computed, 100 at least: the first rows of `drawn`.
        images
            Which of the added images, by their number; None for all.

        Returns
        -------
        dict
            Kind -> figure -> (resample,) float64, NaN where it is not defined.
        """
        numbers = self._numbers(images)
        found = {}
        for kind in self.kinds:
            ranked = [r.of(numbers) for r in self._rankings[kind].values()]
            work = sum(len(r.image) for r in ranked) * len(COCO_THRESHOLDS) * 2
            rows = drawn[: max(_FEWEST, _WORK // max(1, work))]
            every = [r.resampled(rows) for r in ranked]
            if not every:
                continue
            average = _mean_over_classes([average for average, _ in every])
            recall = _mean_over_classes([recall for _, recall in every]).mean(axis=1)
            found[kind] = {
                "AP": average.mean(axis=1),
                "AP50": average[:, 0],
                "AP75": average[:, 5],
                "AR": recall,
                "AFNR": 1 - recall,
            }
        return found

    def _numbers(self, images: Iterable[int] | None) -> np.ndarray:
        wanted = range(self._images) if images is None else sorted(set(images))
        return np.array(list(wanted), dtype=np.int64)

    def _figures(self, kind: str, wanted: np.ndarray) -> Figures:
        tables = [r.of(wanted).precision() for r in self._rankings[kind].values()]
        precision, recall = [p for p, _ in tables], [r for _, r in tables]
        figures = {
            "AP": mean_defined([p[..., 0] for p in precision]),
            "AP50": mean_defined([p[0, :, 0] for p in precision]),
            "AP75": mean_defined([p[5, :, 0] for p in precision]),
        }
        bins = list(enumerate(self.areas, start=1))
        figures |= {f"AP{name}": mean_defined([p[..., k] for p in precision]) for k, name in bins}
        found = mean_defined([r[:, 0] for r in recall])
        figures["AR"] = found
        figures |= {f"AR{name}": mean_defined([r[:, k] for r in recall]) for k, name in bins}
        figures["AFNR"] = None if found is None else 1 - found
        return figures


def _overlaps(seen: Comparison, label: str, *, boxes: bool) -> Overlaps:
    """What COCO's matching needs to know of one class of one image."""
    of_truth, of_pred = seen.true_names == label, seen.pred_names == label
    pairs = seen.boxes if boxes else seen.masks
    pairs = pairs.pick(np.asarray(of_truth[pairs.i] & of_pred[pairs.j], dtype=bool))
    pred_areas = seen.pred_box_areas if boxes else seen.pred_areas
    at_crowd = seen.crowd[pairs.i]
    iou = np.where(at_crowd, pairs.shared / np.maximum(pred_areas[pairs.j], 1), pairs.iou)
    true_number, pred_number = np.cumsum(of_truth) - 1, np.cumsum(of_pred) - 1
    return Overlaps(
        true_number[pairs.i],
        pred_number[pairs.j],
        iou,
        seen.true_areas[of_truth],
        seen.crowd[of_truth],
        pred_areas[of_pred],
        seen.pred.scores[of_pred],
    )


def _mean_over_classes(parts: Sequence[np.ndarray]) -> np.ndarray:
    """Mean over classes, NaN where no class has truth."""
    table = np.array(parts)
    known = np.isfinite(table)
    count = known.sum(axis=0)
    total = np.where(known, table, 0).sum(axis=0)
    return np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
