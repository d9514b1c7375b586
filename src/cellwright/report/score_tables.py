"""Tables of scores: by IoU threshold, COCO's, of each image, and every figure there is."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from cellwright.evaluate.headlines import flatten
from cellwright.report.html import Html, escape
from cellwright.report.tables import Estimate, Table, is_number

#: Blocks of a scores file that hold no figures.
_OTHER = (
    "schema_version",
    "settings",
    "versions",
    "by",
    "per_image",
    "curves",
    "analysis",
    "worst_cells",
    "intervals",
)
_COCO = (
    ("AP", "AP, mean over IoU 0.50 to 0.95"),
    ("AP50", "AP50, at IoU 0.50"),
    ("AP75", "AP75, at IoU 0.75"),
    ("AR", "AR, recall at best, mean over IoU"),
    ("AFNR", "AFNR = 1 \N{MINUS SIGN} AR"),
)
#: Path -> name of the figures of one image in its row.
_PER_IMAGE = (
    ("matching/0.50/accuracy", "Accuracy @0.50"),
    ("matching/0.75/accuracy", "Accuracy @0.75"),
    ("matching/mean/accuracy", "Mean accuracy"),
    ("matching/0.50/f1", "F1 @0.50"),
    ("pixel/f1", "Pixel F1 (Dice)"),
)
INTERVALS = "In brackets: 95 % intervals over images."
_LARGE = 1e9
_SHORT = 20


def look_up(scores: Mapping[str, Any], path: str) -> Any:
    """The value under keys joined by "/", or None where one is not there.

    COCO's -1, which stands for "no such cell", is None too.

    >>> look_up({"coco": {"segm": {"AP": 0.5, "APl": -1}}}, "coco/segm/APl") is None
    True
    """
    keys = path.split("/")
    value: Any = scores
    for key in keys:
        if not isinstance(value, Mapping) or key not in value:
            return None
        value = value[key]
    return None if keys[0] == "coco" and is_number(value) and value < 0 else value


def figure(scores: Mapping[str, Any], path: str) -> Any:
    """The figure under `path`, with its interval where there is one; counts as they are."""
    value = look_up(scores, path)
    if isinstance(value, int):
        return value
    estimate = Estimate.of(value, (scores.get("intervals") or {}).get(path))
    return value if estimate.interval is None else estimate


def as_float(value: Any) -> float:
    """A number for a chart; NaN for None."""
    return float("nan") if value is None else float(value)


def sorted_thresholds(scores: Mapping[str, Any]) -> list[tuple[str, Mapping[str, Any]]]:
    """The threshold blocks of `matching` in the order of their IoU."""
    blocks = [(k, v) for k, v in (scores.get("matching") or {}).items() if is_text_number(k)]
    return sorted(blocks, key=lambda item: float(item[0]))


def is_text_number(text: str) -> bool:
    """Whether a text is a number.

    >>> is_text_number("0.50"), is_text_number("mean")
    (True, False)
    """
    try:
        float(text)
    except ValueError:
        return False
    return True


def worded(text: str, *, width: int = 10) -> Html:
    """Words for a cell of a table that a narrow screen does not squeeze below `width` rem."""
    style = f"display:inline-block;min-width:min({width}rem,55vw)"
    return Html(f'<span style="{style}">{escape(text)}</span>')


def unbroken(text: str) -> str | Html:
    """A short name that does not wrap in a table."""
    short = len(text) <= _SHORT
    return Html(f'<span style="white-space:nowrap">{escape(text)}</span>') if short else text


def matching_table(scores: Mapping[str, Any]) -> Table:
    """Found, missed and wrong cells by IoU threshold, from the `matching` block of scores."""
    keys = ["tp", "fp", "fn", "accuracy", "precision", "recall", "f1"]
    names = ["TP", "FP", "FN", "Accuracy", "Precision", "Recall", "F1"]
    blocks = sorted_thresholds(scores)
    mean = (scores.get("matching") or {}).get("mean")
    with_fnr = any("fnr" in block for _, block in blocks)
    if with_fnr:
        keys, names = [*keys, "fnr"], [*names, "FNR"]
    rows = [(f"{float(t):.2f}", t) for t, _ in blocks] + ([("mean", "mean")] if mean else [])
    last = "; FNR = FN / (TP + FN), its mean is the AFNR." if with_fnr else "."
    return Table(
        "Cells matched, by IoU threshold",
        ("IoU", *names),
        tuple((name, *(figure(scores, f"matching/{t}/{key}") for key in keys)) for name, t in rows),
        (f"{INTERVALS} " if scores.get("intervals") else "")
        + "TP: true cells found, FP: predicted cells without a true one, FN: true cells missed, "
        f"summed over images; accuracy = TP / (TP + FP + FN){last}",
    )


def coco_table(scores: Mapping[str, Any]) -> Table:
    """COCO average precision and recall of masks and boxes, whatever the area bins are."""
    kinds = [k for k in ("segm", "bbox") if (scores.get("coco") or {}).get(k)]
    areas = (scores.get("settings") or {}).get("areas") or {}
    present = {key for kind in kinds for key in scores["coco"][kind]}
    fixed = {key for key, _ in _COCO}
    rows = list(_COCO[:3])
    rows += [(f"AP{n}", f"AP{n}, {w}") for n, w in _bins(present - fixed, "AP", areas)]
    rows += _COCO[3:4]
    rows += [(f"AR{n}", f"AR{n}, {w}") for n, w in _bins(present - fixed, "AR", areas)]
    rows += _COCO[4:]
    cells = tuple(
        (worded(label, width=8), *(figure(scores, f"coco/{kind}/{key}") for kind in kinds))
        for key, label in rows
        if key in present
    )
    most = (scores.get("settings") or {}).get("max_detections")
    counted = f" The {most:,} surest predictions of an image count." if is_number(most) else ""
    names = {"segm": "Masks", "bbox": "Boxes"}
    return Table(
        "COCO average precision",
        ("", *(names[kind] for kind in kinds)),
        cells,
        f"1 is perfect (AFNR: 0). A dash: no cell of that size.{counted}",
    )


def _bins(keys: set[str], start: str, areas: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Name and bounds in words of the area bins that have a figure."""
    known = [str(name) for name in areas] or ["s", "m", "l"]
    found = [name for name in known if f"{start}{name}" in keys]
    found += sorted(
        k[2:] for k in keys if k.startswith(start) and k[2:] not in known and not k[2:].isdigit()
    )
    return [(name, area_words(name, areas.get(name))) for name in found]


def area_words(name: str, bounds: Sequence[float | None] | None) -> str:
    """Bounds of an area bin in words; an upper bound of None is none.

    >>> area_words("s", [0, 1024]), area_words("l", [9216, 1e10]), area_words("m", [4, 9])
    ('cells up to 1,024 px', 'cells from 9,216 px', 'cells of 4 to 9 px')
    >>> area_words("s", None)
    'small cells'
    """
    if bounds is None or len(bounds) != 2:
        return {"s": "small cells", "m": "medium cells", "l": "large cells"}.get(name, name)
    low, high = bounds[0] or 0, bounds[1]
    if high is None or high >= _LARGE:
        return f"cells from {low:,.0f} px"
    return f"cells up to {high:,.0f} px" if low <= 0 else f"cells of {low:,.0f} to {high:,.0f} px"


def per_image_table(records: Sequence[Mapping[str, Any]]) -> Table:
    """The main scores of each image, the worst first where there is an accuracy."""
    used = [(p, n) for p, n in _PER_IMAGE if any(look_up(r, p) is not None for r in records)]
    counts = [("TP @0.50", "tp"), ("FP @0.50", "fp"), ("FN @0.50", "fn")]
    ranked = sorted(records, key=lambda r: _rank(look_up(r, _PER_IMAGE[0][0])))
    rows = tuple(
        (
            image_name(record),
            *(look_up(record, f"matching/0.50/{key}") for _, key in counts),
            *(look_up(record, path) for path, _ in used),
        )
        for record in ranked
    )
    names = ("Image", *(n for n, _ in counts), *(n for _, n in used))
    return Table("Scores of each image", names, rows, "The worst first.")


def image_name(record: Mapping[str, Any]) -> str:
    """Name of the image of a `per_image` record."""
    return str(record.get("image", record.get("name", "")))


def every_figure(scores: Mapping[str, Any], *, caption: str) -> Table:
    """All figures of a set of images by their path in the scores file, with intervals."""
    blocks = {k: v for k, v in scores.items() if k not in _OTHER}
    rows = tuple((path, figure(scores, path)) for path in flatten(blocks))
    known = any(isinstance(value, Estimate) for _, value in rows)
    return Table(caption, ("Figure", "Value"), rows, INTERVALS if known else "")


def _rank(value: Any) -> float:
    return float(value) if is_number(value) else 2.0
