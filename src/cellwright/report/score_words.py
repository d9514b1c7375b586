"""What scores say in plain sentences: how good it is, and what goes wrong."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.report.score_tables import look_up
from cellwright.report.tables import is_number

_LEAST_GAIN = 0.0005
_FEW = 6

#: Kind of error -> (block key, rate key, per true cell, one, several).
ERRORS: tuple[tuple[str, str, bool, str, str], ...] = (
    ("missed", "missed_rate", True, "cell missed", "cells missed"),
    ("merges", "merge_rate", False, "merge of cells", "merges of cells"),
    ("splits", "split_rate", True, "cell split", "cells split"),
    ("spurious", "spurious_rate", False, "false cell", "false cells"),
    ("duplicates", "duplicate_rate", False, "duplicate", "duplicates"),
)

#: Correction -> (name in charts, what would have to be true).
CORRECTIONS: dict[str, tuple[str, str]] = {
    "gt mask": ("true outlines for all", "every prediction had the outline of its true cell"),
    "gt matched": ("best matches only", "only the best prediction of each cell were kept"),
    "perfect ranking": ("perfect confidence", "confidence were highest where the fit is best"),
    "perfect masks": ("perfect outlines", "the cells found were outlined perfectly"),
    "no splits": ("split cells united", "split cells were united"),
    "no merges": ("merged cells parted", "merged cells were told apart"),
    "no misses": ("missed cells found", "missed cells were found"),
    "no spurious": ("false cells removed", "false cells were removed"),
    "no duplicates": ("duplicates removed", "duplicates were removed"),
}


def found_sentence(scores: Mapping[str, Any]) -> str:
    """How many cells were found and how many predictions were wrong; "" where not known.

    >>> found_sentence({"matching": {"0.50": {"tp": 8, "fp": 1, "fn": 2}}})
    'Of 10 true cells 8 (80.0 %) were found; of 9 predicted cells 1 (11.1 %) matches no true cell (IoU 0.50).'
    """  # noqa: E501
    tp, fp, fn = (look_up(scores, f"matching/0.50/{key}") for key in ("tp", "fp", "fn"))
    if not all(is_number(n) for n in (tp, fp, fn)) or not tp + fn + fp:
        return ""
    truth, predicted = int(tp + fn), int(tp + fp)
    verb = "was" if tp == 1 else "were"
    noun = "matches no true cell" if fp == 1 else "match no true cell"
    parts = []
    if truth:
        parts.append(f"Of {truth:,} true cells {int(tp):,} ({_percent(tp, truth)}) {verb} found")
    if predicted:
        start = "of" if parts else "Of"
        share = _percent(fp, predicted)
        parts.append(f"{start} {predicted:,} predicted cells {int(fp):,} ({share}) {noun}")
    else:
        parts.append("nothing was predicted")
    return f"{'; '.join(parts)} (IoU 0.50)."


def errors_sentence(scores: Mapping[str, Any]) -> str:
    """The two most frequent kinds of error; "" where the scores have no such block.

    >>> errors_sentence({"errors": {"missed": 5, "merges": 1, "splits": 0}})
    'What goes wrong most: 5 cells missed, then 1 merge of cells.'
    """
    block = scores.get("errors") or {}
    counted = [
        (int(block[key]), one if block[key] == 1 else several)
        for key, _, _, one, several in ERRORS
        if is_number(block.get(key))
    ]
    if not counted:
        return ""
    worst = sorted((c for c in counted if c[0] > 0), key=lambda c: -c[0])[:2]
    if not worst:
        return "No cell was missed, merged, split, invented or found twice."
    return f"What goes wrong most: {', then '.join(f'{n:,} {words}' for n, words in worst)}."


def gain_sentence(rows: Sequence[Mapping[str, Any]]) -> str:
    """The correction that would gain most accuracy at IoU 0.50, and most AP if that is another.

    "" without an analysis.

    >>> rows = [{"name": "as predicted", "accuracy50": 0.78},
    ...         {"name": "no merges", "accuracy50": 0.9, "gain_accuracy50": 0.12}]
    >>> gain_sentence(rows)
    'Most would be gained if merged cells were told apart: accuracy at IoU 0.50 from 0.780 to 0.900.'
    """  # noqa: E501
    if not rows:
        return ""
    best, more = (_largest(rows, key) for key in ("accuracy50", "AP"))
    parts = []
    if best is not None:
        change = _change(rows[0], best, "accuracy50")
        parts.append(f"Most would be gained if {_words(best)}: accuracy at IoU 0.50 {change}.")
    elif is_number(rows[0].get("accuracy50")):
        parts.append("No correction would gain accuracy at IoU 0.50.")
    if more is not None and more is not best:
        parts.append(f"Mask AP would gain most if {_words(more)}: {_change(rows[0], more, 'AP')}.")
    return " ".join(parts)


def _largest(rows: Sequence[Mapping[str, Any]], key: str) -> Mapping[str, Any] | None:
    """The correction that gains most; None if none gains anything. Of equals the simplest."""
    order = list(CORRECTIONS)[::-1]
    gains = [r for r in rows[1:] if is_number(r.get(f"gain_{key}")) and is_number(r.get(key))]
    gains.sort(key=lambda r: order.index(r["name"]) if r["name"] in order else len(order))
    best = max(gains, key=lambda r: round(r[f"gain_{key}"], 3), default=None)
    return best if best is not None and best[f"gain_{key}"] >= _LEAST_GAIN else None


def _words(row: Mapping[str, Any]) -> str:
    name = str(row["name"])
    return CORRECTIONS.get(name, ("", f"of {name}"))[1]


def _change(first: Mapping[str, Any], row: Mapping[str, Any], key: str) -> str:
    return f"from {first[key]:.3f} to {row[key]:.3f}"


def image_warnings(settings: Mapping[str, Any]) -> list[str]:
    """Sentences about images without a prediction or without truth, and about training images.

    >>> image_warnings({"without_prediction": ["a"], "missing": "empty"})
    ['1 true image has no prediction and counts as one in which nothing was found: a.']
    """
    found = []
    lost, extra = (
        [str(n) for n in settings.get(k) or []] for k in ("without_prediction", "without_truth")
    )
    if lost:
        empty = settings.get("missing") == "empty"
        if len(lost) == 1:
            what = "counts as one in which nothing was found" if empty else "is left out"
            start = "1 true image has no prediction and"
        else:
            what = "count as images in which nothing was found" if empty else "are left out"
            start = f"{len(lost)} true images have no prediction and"
        found.append(f"{start} {what}: {_some(lost)}.")
    if extra:
        start = (
            "1 predicted image has no truth and is not scored"
            if len(extra) == 1
            else f"{len(extra)} predicted images have no truth and are not scored"
        )
        found.append(f"{start}: {_some(extra)}.")
    if learnt := [str(n) for n in settings.get("training_images") or []]:
        what = "image is one" if len(learnt) == 1 else "images are among those"
        found.append(f"{len(learnt)} {what} that the model learnt from: {_some(learnt)}.")
    return found


def _percent(part: float, whole: float) -> str:
    return f"{100 * part / whole:.1f} %"


def _some(names: Sequence[str]) -> str:
    rest = len(names) - _FEW
    return ", ".join(names[:_FEW]) + (f" and {rest} more" if rest > 0 else "")
