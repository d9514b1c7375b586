"""Tables of the blocks of scores that go beyond matching: what each figure is and what is good."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from cellwright.report.html import Html, columns, folded, join, paragraph
from cellwright.report.score_tables import figure, look_up, worded
from cellwright.report.tables import Table


@dataclass(frozen=True, slots=True)
class Block:
    """A table of figures under one heading.

    Parameters
    ----------
    title
        Heading.
    summary
        What the figures are for, in one line.
    rows
        Path of each figure, its name, its value if all is right, and what it says.
    """

    title: str
    summary: str
    rows: tuple[tuple[str, str, float | None, str], ...]

    def table(self, scores: Mapping[str, Any]) -> Table:
        """The figures that `scores` have."""
        rows = tuple(
            (name, figure(scores, path), best, words)
            for path, name, best, words in self.rows
            if look_up(scores, path.rsplit("/", 1)[0]) is not None
            and path.rsplit("/", 1)[1] in look_up(scores, path.rsplit("/", 1)[0])
        )
        best = tuple("" if row[2] is None else f"{row[2]:g}" for row in rows)
        return Table(
            self.title,
            ("Figure", "Value", "Perfect", "What it says"),
            tuple((r[0], r[1], b, worded(r[3])) for r, b in zip(rows, best, strict=True)),
        )


PIXELS = Block(
    "Pixels: cell or background",
    "Foreground pixels, whatever cell they belong to.",
    (
        ("pixel/accuracy", "Accuracy", 1, "pixels told right, background too"),
        ("pixel/precision", "Precision", 1, "predicted pixels that are true"),
        ("pixel/recall", "Recall", 1, "true pixels that are predicted"),
        ("pixel/f1", "F1 (Dice)", 1, "both in one"),
        ("pixel/iou", "IoU", 1, "shared over united pixels"),
        ("pixel/mse", "MSE", 0, "mean squared error of the highest score at a pixel"),
        ("pixel/bce", "BCE", 0, "binary cross-entropy of the same"),
    ),
)
BLOCKS: tuple[Block, ...] = (
    Block(
        "Finding and fitting in one figure: PQ, AJI",
        "How many cells are found times how well they fit.",
        (
            ("panoptic/pq", "PQ", 1, "panoptic quality = SQ \N{MULTIPLICATION SIGN} RQ"),
            ("panoptic/sq", "SQ", 1, "mean IoU of the cells found"),
            ("panoptic/rq", "RQ", 1, "F1 of cells at IoU above 0.50"),
            ("aggregated/aji", "AJI", 1, "shared over united pixels of each cell and its best fit"),
            ("aggregated/aji_plus", "AJI+", 1, "the same, each prediction taken once"),
        ),
    ),
    Block(
        "Matched cells: fit, class, size",
        "Cells matched one to one at IoU 0.50.",
        (
            ("matched/masks/iou", "Mask IoU", 1, "mean of the matched masks"),
            ("matched/masks/precision", "Mask precision", 1, "predictions matched"),
            ("matched/masks/recall", "Mask recall", 1, "true cells matched"),
            ("matched/masks/f1", "Mask F1", 1, "both in one"),
            ("matched/boxes/iou", "Box IoU", 1, "mean of the matched boxes"),
            ("matched/boxes/precision", "Box precision", 1, "predictions matched by box"),
            ("matched/boxes/recall", "Box recall", 1, "true cells matched by box"),
            ("matched/boxes/f1", "Box F1", 1, "both in one"),
            ("matched/labels/accuracy", "Class accuracy", 1, "matched cells of the right class"),
            ("sizes/bias", "Area bias", 0, "mean relative error of the area; below 0: too small"),
            ("sizes/absolute_error", "Area error", 0, "mean size of the relative error"),
        ),
    ),
    Block(
        "Outlines",
        "How close the predicted outlines lie to the true ones.",
        (
            ("boundary/precision", "Precision", 1, "predicted outline that lies near a true one"),
            ("boundary/recall", "Recall", 1, "true outline that lies near a predicted one"),
            ("boundary/f1", "F1", 1, "both in one"),
            ("boundary/hausdorff95", "Hausdorff 95, px", 0, "distance that 95 % keep within"),
            ("boundary/tolerance", "Tolerance, px", None, "what counts as near"),
        ),
    ),
    Block(
        "Pixels grouped into cells: Rand, variation of information",
        "Whether pixels of one cell stay together and those of two are kept apart.",
        (
            (
                "partition/rand_error",
                "Rand error",
                0,
                "pairs of pixels told wrong (1 \N{MINUS SIGN} F1)",
            ),
            ("partition/rand_precision", "Rand precision", 1, "low where cells are merged"),
            ("partition/rand_recall", "Rand recall", 1, "low where cells are split"),
            ("partition/vi", "VI, bits", 0, "variation of information = split + merge"),
            ("partition/vi_split", "VI split, bits", 0, "high where cells are split"),
            ("partition/vi_merge", "VI merge, bits", 0, "high where cells are merged"),
        ),
    ),
    Block(
        "Regions where cells overlap",
        "Pixels under two cells or more, true against predicted.",
        (
            ("overlap/precision", "Precision", 1, "predicted overlap that is true"),
            ("overlap/recall", "Recall", 1, "true overlap that is predicted"),
            ("overlap/f1", "F1", 1, "both in one"),
            ("overlap/iou", "IoU", 1, "shared over united overlap"),
            ("overlap/area_true", "True overlap, px", None, "pixels in all images"),
            ("overlap/area_predicted", "Predicted overlap, px", None, "pixels in all images"),
        ),
    ),
    Block(
        "Number of cells",
        "Cells of each image, predicted against true.",
        (
            ("counts/true", "True cells", None, "in all images"),
            ("counts/predicted", "Predicted cells", None, "in all images"),
            ("counts/mean_error", "Bias per image", 0, "mean error; below 0: too few"),
            ("counts/mean_absolute_error", "Error per image", 0, "mean size of the error"),
            ("counts/relative_error", "Relative error", 0, "sum of errors over true cells"),
        ),
    ),
)


def folded_blocks(scores: Mapping[str, Any]) -> list[Html]:
    """Each block that `scores` have, to be opened."""
    parts = []
    for block in BLOCKS:
        if block.title.startswith("Regions") and nothing_overlaps(scores):
            continue
        table = block.table(scores)
        if table.rows:
            body = join([paragraph(block.summary, kind="soft"), table.html()])
            parts.append(folded(block.title, body))
    return parts


def nothing_overlaps(scores: Mapping[str, Any]) -> bool:
    """Whether neither the truth nor the prediction has a pixel under two cells."""
    return not any(look_up(scores, f"overlap/area_{side}") for side in ("true", "predicted"))


def class_table(scores: Mapping[str, Any]) -> Table | None:
    """Pixel figures of each class; None for a single class, which is the foreground."""
    classes = scores.get("pixel_classes") or {}
    if len(classes) < 2:
        return None
    names = [(path.split("/")[1], name) for path, name, _, _ in PIXELS.rows]
    rows = tuple(
        (str(c), *(figure(scores, f"pixel_classes/{c}/{key}") for key, _ in names)) for c in classes
    )
    return Table("Pixels of each class", ("Class", *(n for _, n in names)), rows)


def pixel_tables(scores: Mapping[str, Any]) -> Html:
    """The pixels of all cells, and of each class where there are several."""
    tables = [PIXELS.table(scores), class_table(scores)]
    return columns([t.html() for t in tables if t is not None and t.rows])
