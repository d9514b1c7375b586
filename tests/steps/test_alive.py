"""The alive step and its command: tags, classes, table, corrections."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import numpy as np
import pytest
import typer
from typer.testing import CliRunner

from cellwright.cli.alive import alive as command
from cellwright.formats import open_dataset, write_dataset
from cellwright.geometry import from_masks
from cellwright.steps import alive as module
from cellwright.steps.alive import alive
from cellwright.steps.simulate import simulate
from cellwright.types import Image, InputError, Sample

SIMULATED = {"fields": 2, "shape": (128, 128), "cells": 24, "pixel_size": 1.0, "overlap": 0.2,
             "modality": "both", "quiet": True}  # fmt: skip


@pytest.fixture(scope="module")
def plate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("plate")
    simulate(folder, dead=0.4, contrast=3.0, bleed=0.2, **SIMULATED)
    return folder


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.read_text().splitlines()))


def lives(folder: Path) -> list[bool]:
    dataset = open_dataset(folder)
    return [t["alive"] for s in dataset for t in s.instances.tags]


def test_a_plate_is_judged(plate: Path, tmp_path: Path) -> None:
    result = alive(plate, tmp_path / "out", channel="fluorescence", quiet=True)
    assert (result.done, result.skipped, result.ok) == (2, 0, True)
    given, made = open_dataset(plate), open_dataset(tmp_path / "out")
    assert made.class_names == ("Alive", "Dead")
    assert made.names == given.names
    same = [a == b for a, b in zip(lives(plate), lives(tmp_path / "out"), strict=True)]
    assert np.mean(same) > 0.95
    for before, after in zip(given, made, strict=True):
        assert (after.image.data == before.image.data).all()
        assert after.image.channels == ("brightfield", "fluorescence")
        assert (after.instances.boxes == before.instances.boxes).all()
        names = [after.instances.class_names[c] for c in after.instances.classes]
        assert names == ["Alive" if t["alive"] else "Dead" for t in after.instances.tags]
        assert after.instances.tags[0]["cell"] == before.instances.tags[0]["cell"]
    files = [open_dataset(folder).path(0).read_bytes() for folder in (plate, tmp_path / "out")]
    assert files[0] == files[1]
    assert result.details["alive"] + result.details["dead"] == 48


def test_the_table_lists_every_cell(plate: Path, tmp_path: Path) -> None:
    result = alive(plate, tmp_path / "out", channel=1, quiet=True)
    table = rows(result.details["table"])
    assert [r["image"] for r in table] == ["field_0000"] * 24 + ["field_0001"] * 24
    assert [int(r["cell"]) for r in table[:24]] == list(range(1, 25))
    assert all((float(r["contrast"]) > float(r["threshold"])) == (r["alive"] == "true")
               for r in table)  # fmt: skip


def test_a_corrected_table_is_taken_back(plate: Path, tmp_path: Path) -> None:
    first = alive(plate, tmp_path / "a", channel="1", quiet=True)
    table = rows(first.details["table"])
    table[3]["alive"] = "Dead" if table[3]["alive"] == "true" else "Alive"
    changed = tmp_path / "mine.csv"
    with changed.open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(table)
    second = alive(plate, tmp_path / "b", channel="1", corrections=changed, quiet=True)
    assert second.details["by_hand"] == 1
    again = alive(tmp_path / "b", tmp_path / "c", channel="1", quiet=True)  # measured anew
    assert again.details["by_hand"] == 1
    before, after = lives(tmp_path / "a"), lives(tmp_path / "c")
    assert [i for i in range(48) if before[i] != after[i]] == [3]


def test_dead_cells_are_left_out_and_still_listed(plate: Path, tmp_path: Path) -> None:
    kept = alive(plate, tmp_path / "all", channel=1, quiet=True)
    less = alive(plate, tmp_path / "living", channel=1, dead="exclude", quiet=True)
    assert open_dataset(tmp_path / "living").class_names == ("cell",)
    assert all(lives(tmp_path / "living"))
    assert len(lives(tmp_path / "living")) == kept.details["alive"]
    assert rows(less.details["table"]) == rows(kept.details["table"])


def test_what_is_done_is_not_done_again(plate: Path, tmp_path: Path) -> None:
    alive(plate, tmp_path / "out", channel=1, quiet=True)
    again = alive(plate, tmp_path / "out", channel=1, quiet=True)
    assert (again.done, again.skipped) == (0, 2)
    assert again.details["alive"] > 0
    with pytest.raises(InputError, match="another dead"):
        alive(plate, tmp_path / "out", channel=1, dead="exclude", quiet=True)


def test_other_cells_need_another_folder(plate: Path, tmp_path: Path) -> None:
    samples = [s.with_instances(s.instances[2:]) for s in open_dataset(plate)]
    write_dataset(open_dataset(plate), tmp_path / "in", class_names=("cell",))
    alive(tmp_path / "in", tmp_path / "out", channel=1, quiet=True)
    shutil.rmtree(tmp_path / "in")
    write_dataset(samples, tmp_path / "in", class_names=("cell",))
    with pytest.raises(InputError, match="another cells"):
        alive(tmp_path / "in", tmp_path / "out", channel=1, quiet=True)


def test_a_stopped_call_goes_on(plate: Path, tmp_path: Path, monkeypatch) -> None:
    copies = []

    def stop(source: Path, target: Path) -> None:
        copies.append(target)
        if len(copies) == 2:
            raise KeyboardInterrupt
        copy(source, target)

    copy = module._copy
    monkeypatch.setattr(module, "_copy", stop)
    with pytest.raises(KeyboardInterrupt):
        alive(plate, tmp_path / "out", channel=1, quiet=True)
    monkeypatch.setattr(module, "_copy", copy)
    result = alive(plate, tmp_path / "out", channel=1, quiet=True)
    assert (result.done, result.skipped) == (1, 1)
    assert len(rows(result.details["table"])) == 48


def test_tags_alone_and_one_class_alone(tmp_path: Path) -> None:
    simulate(tmp_path / "in", dead=0.5, contrast=4.0, nuclei=True, **SIMULATED)
    only = alive(tmp_path / "in", tmp_path / "a", channel=1, only="cell", quiet=True)
    made = open_dataset(tmp_path / "a")
    assert made.class_names == ("Alive", "Dead", "nucleus")
    cells = made.instances(0)
    kinds = [cells.class_names[c] for c in cells.classes]
    judged = ["contrast" in t for t in cells.tags]
    assert judged == [k != "nucleus" for k in kinds]
    assert kinds.count("nucleus") > 10
    assert only.details["alive"] + only.details["dead"] == 48
    alive(tmp_path / "in", tmp_path / "b", channel=1, only="cell", categories=False, quiet=True)
    assert open_dataset(tmp_path / "b").class_names == ("cell", "nucleus")
    with pytest.raises(InputError, match="no class 'cyst'"):
        alive(tmp_path / "in", tmp_path / "c", channel=1, only="cyst", quiet=True)


def test_one_bad_image_is_reported_and_the_rest_done(plate: Path, tmp_path: Path) -> None:
    samples = list(open_dataset(plate))
    mask = np.zeros((40, 40), bool)
    mask[10:20, 10:20] = True
    grey = Sample("grey", Image(np.ones((40, 40), np.uint8)), from_masks([mask]))
    bare = Sample("bare", Image(np.ones((2, 40, 40), np.uint8), "CYX",
                                channels=("brightfield", "fluorescence")))  # fmt: skip
    write_dataset([*samples, grey, bare], tmp_path / "in", class_names=("cell",))
    result = alive(tmp_path / "in", tmp_path / "out", channel="fluorescence", quiet=True)
    assert (result.done, len(result.failed)) == (3, 1)
    assert "no channel 'fluorescence'" in result.failed[0].message
    made = open_dataset(tmp_path / "out")
    assert not made.labelled(made.names.index("bare"))


@pytest.mark.parametrize(
    ("line", "message"),
    [("field_0009,1,true", "no image 'field_0009'"), ("field_0000,0,true", "from 1"),
     ("field_0000,1,maybe", "true or false")],
)  # fmt: skip
def test_wrong_corrections_are_said(plate: Path, tmp_path: Path, line: str, message: str) -> None:
    table = tmp_path / "t.csv"
    table.write_text(f"image,cell,alive\n{line}\n")
    with pytest.raises(InputError, match=message):
        alive(plate, tmp_path / "out", channel=1, corrections=table, quiet=True)
    with pytest.raises(InputError, match="itself"):
        alive(plate, plate, channel=1, quiet=True)


def test_the_command(plate: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    out = str(tmp_path / "out")
    done = CliRunner().invoke(app, [str(plate), "-o", out, "--channel", "fluorescence"])
    assert done.exit_code == 0, done.output
    assert "alive" in done.output
    assert "alive.csv" in done.output.replace("\n", "")
    wrong = CliRunner().invoke(app, [str(plate), "-o", out + "2"])
    assert wrong.exit_code == 1
    assert "say which is fluorescence" in " ".join(wrong.output.split())


def test_other_dead_cells_need_another_folder(plate: Path) -> None:
    with pytest.raises(InputError, match="contrast"):
        simulate(plate, dead=0.4, contrast=2.0, bleed=0.2, **SIMULATED)
    with pytest.raises(InputError, match="dead"):
        simulate(plate, **SIMULATED)
