"""A tiny recipe from data to its table, and the look-up of figures."""

from __future__ import annotations

import csv
import json
import re
from pathlib import Path

import pytest

from cellwright.experiment.results import score_at
from cellwright.experiment.run import run
from cellwright.types import InputError

RECIPE = """
title = "Tiny"
source = "Nobody 2020, Table 1, on nothing"
stand_in = "three simulated fields"
columns = { F1 = "pixel/f1", AP = "coco/segm/AP", time = "seconds_per_frame" }
percent = ["AP"]
notes = ["A slip of the paper."]
paper = [
  { name = "net", variant = "net", figures = { F1 = 0.50, AP = 12.25, time = 4.19 }, note = "odd" },
  { name = "net, z 1", variant = "net", within = "by/z/1", figures = { F1 = 0.25 } },
  { name = "gt mask", variant = "net", within = "analysis/gt mask", figures = { AP = 97.8 } },
  { name = "no training", variant = "classical" },
  { name = "large", variant = "large", figures = { AP = 44 } },
  { name = "absent", variant = "absent", figures = { AP = 45 } },
  { name = "theirs", figures = { AP = 46 }, needs = "their images" },
]
[data.train]
simulate = { fields = 2, shape = [48, 48], diameter = 8.0, planes = 2, z = [1, 2] }
[data.test]
simulate = { fields = 1, shape = [48, 48], diameter = 8.0, planes = 2, z = [1, 2], seed = 9 }
[train]
epochs = 1
crop = [32, 32]
options = { widths = [4, 4] }
[predict]
formats = ["coco"]
[evaluate]
by = ["z"]
errors = true
resamples = 0
[[variant]]
name = "net"
[[variant]]
name = "classical"
segmenter = "watershed"
options = { foreground = "bright" }
[[variant]]
name = "large"
needs = "a week"
[[variant]]
name = "absent"
segmenter = "nonesuch"
optional = true
"""


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("recipes")
    (folder / "tiny.toml").write_text(RECIPE, encoding="utf-8")
    result = run(folder / "tiny.toml", folder / "out", device="cpu", quiet=True)
    assert set(result.details["not_run"]) == {"large", "absent"}
    assert Path(result.details["table"]) == folder / "out" / "table.md"
    again = run(folder / "tiny.toml", folder / "out", device="cpu", quiet=True)
    assert again.done == 0
    return folder / "out"


def test_the_first_line_says_on_which_data(made: Path) -> None:
    text = (made / "table.md").read_text(encoding="utf-8")
    first = text.splitlines()[0]
    assert "Nobody 2020, Table 1, on nothing" in first
    assert "stand-in, not the paper's data: three simulated fields" in first
    page = (made / "report.html").read_text(encoding="utf-8")
    assert page.index("three simulated fields") < page.index("Made 20")


def test_the_paper_s_rows_stand_beside_ours(made: Path) -> None:
    lines = csv.DictReader((made / "table.csv").read_text(encoding="utf-8").splitlines())
    rows = {(line["row"], line["column"]): line for line in lines}
    scores = json.loads((made / "net" / "scores.json").read_text(encoding="utf-8"))
    ours = rows["net", "AP"]
    assert float(ours["paper"]) == 12.25
    assert float(ours["measured"]) == pytest.approx(100 * scores["coco"]["segm"]["AP"])
    assert ours["note"] == "odd"
    plane = rows["net, z 1", "F1"]
    assert float(plane["measured"]) == scores["by"]["z"]["1"]["pixel"]["f1"]
    assert float(rows["no training", "F1"]["measured"]) > 0.5
    assert rows["no training", "F1"]["paper"] == ""
    assert rows["large", "AP"]["note"] == "not run: needs a week"
    assert "no segmenter 'nonesuch'" in rows["absent", "AP"]["note"]
    assert rows["theirs", "AP"]["note"] == "not run: needs their images"
    assert all(rows[name, "AP"]["measured"] == "" for name in ("large", "absent", "theirs"))


def test_the_table_says_how_it_was_made(made: Path) -> None:
    text = (made / "table.md").read_text(encoding="utf-8")
    assert "| net | 0.50 |" in text
    assert "| 12.25 |" in text
    assert "| 44.0 |" in text
    assert re.search(r"\d s in all, of which \d+ s of the processor's time", text)
    assert "In percent: AP." in text
    assert "A slip of the paper." in text
    assert "`cellwright run tiny.toml -o tiny`" in text
    assert "adamw, 0.002, one-cycle" in text
    assert "Seed: 0." in text
    assert "--quick" not in text
    assert str(made) not in text


def test_scores_are_found_by_path() -> None:
    scores = {"pixel": {"f1": 0.5}, "matching": {"0.50": {"accuracy": 0.25}}, "none": None}
    assert score_at(scores, "matching/0.50/accuracy") == 0.25
    assert score_at(scores, "none") is None
    with pytest.raises(InputError, match="'f2' is not among f1"):
        score_at(scores, "pixel/f2")
    with pytest.raises(InputError, match="not a number"):
        score_at(scores, "pixel")
    with pytest.raises(InputError, match="'x' is not among gt mask"):
        score_at({"analysis": [{"name": "gt mask"}]}, "analysis/x/AP")


def test_seconds_per_frame_are_those_of_finding_the_cells(made: Path) -> None:
    with (made / "table.csv").open(encoding="utf-8") as file:
        found = [r for r in csv.DictReader(file) if r["column"] == "time"]
    measured = {r["row"]: r["measured"] for r in found}
    stamps = {r["variant"]: r["measured"] for r in found if r["measured"]}
    assert float(measured["net"]) > 0
    assert float(measured["no training"]) > 0
    assert not measured["net, z 1"]
    assert not measured["large"]
    assert set(stamps) == {"net", "classical"}
