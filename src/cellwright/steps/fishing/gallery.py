"""From records on disk to the page of called cells."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from cellwright.measure.cac import MERGED, NOT_CALLED, SampleTotal
from cellwright.measure.fish_rule import CAC, CALLS, DELETION, GAIN, Rule
from cellwright.steps.fishing.records import read_crops, read_nuclei
from cellwright.steps.fishing.totals import DISCLAIMER

MERGES = "Suspected merges"
#: cells shown per heading
SHOWN = 300


def gallery_page(
    folder: Path,
    records: Sequence[Mapping[str, Any]],
    totals: Mapping[str, SampleTotal],
    rule: Rule,
    *,
    sample_tag: str | None = None,
    failures: Iterable[Mapping[str, str]] = (),
) -> str:
    """The page as HTML.

    Parameters
    ----------
    folder
        Output folder with nuclei and pictures.
    records
        Frames with overrules applied.
    totals
        By sample.
    rule
        The rule of the calls.
    sample_tag
        Tag of the samples; only for the page's key.
    failures
        Frames that could not be used.
    """
    from cellwright.report.fish_page import FishRun, fish_page

    names = (*CALLS, NOT_CALLED)
    sums = {name: sum(t.counts[name] for t in totals.values()) for name in names}
    samples = [
        (name, *(t.counts[n] for n in names), t.volume_ul, t.per_100_ul, t.flagged, t.sentence)
        for name, t in totals.items()
    ]
    thresholds: dict[str, list[Mapping[str, Any]]] = {}
    for record in records:
        for found in record["thresholds"]:
            thresholds.setdefault(str(found["probe"]), []).append(found)
    text = "|".join([str(sample_tag), *(f"{r['name']}{len(r['cells'])}" for r in records)])
    run = FishRun(
        key=hashlib.sha256(text.encode()).hexdigest()[:12],
        rule=rule.record(),
        totals=sums,
        samples=samples,
        groups=_groups(folder, records),
        thresholds=thresholds,
        frames=[_frame_row(record) for record in records],
        frame_columns=(
            "Frame", "Nuclei", "CAC", "Not called", "Signals", "Ghosts", "Dirt", "Blobs",
            "Nuclei, s", "Signals, s",
        ),
        failures=[(f["path"], f["message"]) for f in failures],
        disclaimer=DISCLAIMER,
    )  # fmt: skip
    return fish_page(run)


def _frame_row(record: Mapping[str, Any]) -> tuple[Any, ...]:
    cells, left = record["cells"], record["left_out"]
    return (
        record["name"], len(cells), sum(c["final"] == CAC for c in cells),
        sum(c["final"] == NOT_CALLED for c in cells), len(record["signals"]), left["ghosts"],
        left["dirt"], left["blobs"], record["seconds"]["nuclei"], record["seconds"]["signals"],
    )  # fmt: skip


def _groups(folder: Path, records: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Figures by heading; each frame is read once, cells stand where the rule put them."""
    groups: dict[str, list[Any]] = {CAC: [], GAIN: [], DELETION: [], MERGES: []}
    for record in records:
        room = {name: SHOWN - len(figures) for name, figures in groups.items()}
        wanted: list[tuple[str, Mapping[str, Any]]] = []
        for cell in record["cells"]:
            name = MERGES if MERGED in cell["reason"] else cell["call"]
            if room.get(name, 0) > 0 and "window" in cell:
                room[name] -= 1
                wanted.append((name, cell))
        for name, figure in _figures(folder, record, wanted):
            groups[name].append(figure)
    return groups


def _figures(
    folder: Path, record: Mapping[str, Any], wanted: Sequence[tuple[str, Mapping[str, Any]]]
) -> Iterable[tuple[str, Any]]:
    if not wanted:
        return
    from cellwright.report.fish_cells import cell_figure, cell_picture

    labels = read_nuclei(folder, str(record["name"]))
    crops = read_crops(folder, str(record["name"]), [c["cell"] for _, c in wanted])
    probes = list(record["probes"])
    for name, cell in wanted:
        crop = crops.get(cell["cell"])
        if crop is None:
            continue
        row0, col0, row1, col1 = cell["window"]
        signals = [
            (1 + probes.index(s["probe"]), s["row"] - row0, s["column"] - col0,
             s["cell"] == cell["cell"])
            for s in record["signals"]
            if row0 <= s["row"] < row1 and col0 <= s["column"] < col1
        ]  # fmt: skip
        picture = cell_picture(crop, labels[row0:row1, col0:col1] == cell["cell"], signals)
        counts = [f"{p} {n}" for p, n in zip(probes, cell["counts"], strict=True)]
        words = f"{record['nuclei_channel']} | " + " | ".join(counts)
        if cell["reason"]:
            words += f" ({cell['reason']})"
        yield (
            name,
            cell_figure(
                picture,
                image=str(record["name"]),
                cell=int(cell["cell"]),
                call=str(cell["call"]),
                by_hand=str(cell["by_hand"]),
                words=words,
            ),
        )
