"""Tables of scores: by IoU threshold, of pixels, COCO's, and by the values of a tag."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.report.tables import Table, is_number


def matching_table(scores: Mapping[str, Any]) -> Table:
    """Found, missed and wrong cells by IoU threshold, from the `matching` block of scores."""
    keys = ("tp", "fp", "fn", "accuracy", "precision", "recall", "f1")
    rows = [
        (f"{float(name):.2f}", *(block.get(key) for key in keys))
        for name, block in sorted_thresholds(scores)
    ]
    mean = scores.get("matching", {}).get("mean")
    if mean:
        rows.append(("mean", *(mean.get(key) for key in keys)))
    return Table(
        "Cells matched, by IoU threshold",
        ("IoU", "TP", "FP", "FN", "Accuracy", "Precision", "Recall", "F1"),
        tuple(rows),
        "TP: true cells found, FP: predicted cells without a true one, FN: true cells missed, "
        "summed over images; accuracy = TP / (TP + FP + FN).",
    )


def sorted_thresholds(scores: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The threshold blocks of `matching` in the order of their IoU."""
    blocks = [(k, v) for k, v in scores.get("matching", {}).items() if _is_threshold(k)]
    return sorted(blocks, key=lambda item: float(item[0]))


def pixel_table(scores: Mapping[str, Any]) -> Table:
    """Pixel scores, from the `pixel` block of scores."""
    names = (
        ("accuracy", "Accuracy"),
        ("precision", "Precision"),
        ("recall", "Recall"),
        ("f1", "F1 (Dice)"),
        ("iou", "IoU"),
    )
    block = scores.get("pixel", {})
    rows = tuple((label, block.get(key)) for key, label in names)
    return Table("Pixels: cell or background", ("Score", "Value"), rows)


def coco_table(scores: Mapping[str, Any]) -> Table:
    """COCO average precision of masks and boxes, from the `coco` block of scores."""
    names = ("AP", "AP50", "AP75", "APs", "APm", "APl")
    block = scores.get("coco", {})
    labels = {"segm": "Masks", "bbox": "Boxes"}
    rows = tuple(
        (labels.get(kind, kind), *(look_up(scores, ("coco", kind, n)) for n in names))
        for kind in block
    )
    return Table(
        "COCO average precision",
        ("", *names),
        rows,
        "AP: mean over IoU 0.50 to 0.95; s, m, l: small, medium and large cells; "
        "a dash: no such cell.",
    )


SUMMARY: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("Images", ("images",)),
    ("True cells", ("truth",)),
    ("Predicted cells", ("predicted",)),
    ("Accuracy @0.50", ("matching", "0.50", "accuracy")),
    ("Accuracy @0.75", ("matching", "0.75", "accuracy")),
    ("Mean accuracy", ("matching", "mean", "accuracy")),
    ("F1 @0.50", ("matching", "0.50", "f1")),
    ("Pixel F1 (Dice)", ("pixel", "f1")),
    ("Mask AP", ("coco", "segm", "AP")),
    ("Mask AP50", ("coco", "segm", "AP50")),
)


def look_up(scores: Mapping[str, Any], path: Sequence[str]) -> Any:
    """The value under nested keys, or None where one is not there.

    COCO's -1, which stands for "no such cell", is None too.
    """
    value: Any = scores
    for key in path:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return None if path[0] == "coco" and is_number(value) and value < 0 else value


def group_table(tag: str, groups: Mapping[str, Mapping[str, Any]]) -> Table:
    """The main scores of each value of a tag, from one entry of the `by` block."""
    used = [
        (label, path)
        for label, path in SUMMARY
        if any(look_up(scores, path) is not None for scores in groups.values())
    ]
    rows = tuple(
        (value, *(look_up(scores, path) for _, path in used)) for value, scores in groups.items()
    )
    return Table(f"Scores by {tag}", (tag, *(label for label, _ in used)), rows)


def _is_threshold(key: str) -> bool:
    try:
        float(key)
    except ValueError:
        return False
    return True
