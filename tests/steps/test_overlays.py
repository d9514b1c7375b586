"""Pictures of a data set to be checked by eye."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import typer
from PIL import Image as Pillow
from typer.testing import CliRunner

from cellwright.cli.overlays import overlays as command
from cellwright.formats import open_dataset, write_dataset
from cellwright.geometry import from_masks, to_label_map
from cellwright.steps.overlay_picture import (
    ALIVE_COLOUR,
    CLASS_COLOURS,
    DEAD_COLOUR,
    TRUTH_COLOUR,
    UNKNOWN,
    cell_colours,
    overlay_picture,
)
from cellwright.steps.overlays import overlays
from cellwright.types import Image, InputError, Sample


def square(row, col, side=10, shape=(48, 64)):
    mask = np.zeros(shape, bool)
    mask[row : row + side, col : col + side] = True
    return mask


CELLS = from_masks([square(5, 5), square(20, 30), square(24, 34)], classes=[0, 1, 1],
                   class_names=("a", "b"))  # fmt: skip
GREY = Image(np.random.default_rng(0).integers(0, 900, (48, 64)).astype(np.uint16))


def has(picture, colour):
    return (picture == np.array(colour)).all(-1)


def test_outlines_have_the_colour_of_their_class():
    picture = overlay_picture(GREY, CELLS)
    assert (picture.dtype, picture.shape) == (np.uint8, (48, 64, 3))
    first = has(picture, CLASS_COLOURS[0])
    assert first[5, 5:15].all()
    assert first[14, 5:15].all()
    assert first.sum() == 36
    second = has(picture, CLASS_COLOURS[1])
    assert second[20, 30:40].all()
    assert second[24, 34:44].all()  # the outline of the covered cell goes on inside the other
    assert not second[6:14, 6:14].any()


def test_a_class_keeps_its_colour_where_others_are_missing():
    names = ("a", "b", "c")
    assert cell_colours(CELLS[1:], names).tolist() == [list(CLASS_COLOURS[1])] * 2
    assert cell_colours(replace(CELLS, class_names=("c", "a")), names)[0].tolist() == list(
        CLASS_COLOURS[2]
    )


def test_alive_and_dead_by_tag_or_class():
    tagged = replace(CELLS, tags=({"alive": True}, {"alive": False}, {}))
    assert cell_colours(tagged).tolist() == [list(c) for c in (ALIVE_COLOUR, DEAD_COLOUR, UNKNOWN)]
    named = replace(CELLS, class_names=("Alive", "Dead"))
    assert cell_colours(named).tolist() == [
        list(c) for c in (ALIVE_COLOUR, DEAD_COLOUR, DEAD_COLOUR)
    ]


def test_truth_lies_around_in_blue():
    picture = overlay_picture(GREY, CELLS[:1], truth=CELLS[:1])
    blue = has(picture, TRUTH_COLOUR)
    assert blue[4, 5:15].all()
    assert blue.sum() == 40
    assert has(picture, CLASS_COLOURS[0])[5, 5:15].all()


def test_numbers_are_written_at_the_middle():
    plain, numbered = overlay_picture(GREY, CELLS), overlay_picture(GREY, CELLS, ids=True)
    changed = (plain != numbered).any(-1)
    assert changed[6:14, 6:14].any()
    assert not changed[40:].any()


def test_large_images_are_shrunk_and_views_are_drawn():
    data = np.random.default_rng(1).integers(0, 900, (2, 48, 64)).astype(np.uint16)
    both = Image(data, "CYX", channels=("fluorescence", "phase"))
    for view in ("plain", "clahe", "fluorescence"):
        assert overlay_picture(both, CELLS, view=view, max_side=32).shape == (24, 32, 3)
    with pytest.raises(InputError, match="unknown"):
        overlay_picture(both, CELLS, view="bright")
    with pytest.raises(InputError, match="frame of"):
        overlay_picture(Image(np.zeros((9, 9))), CELLS)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    stack = np.random.default_rng(2).integers(0, 900, (3, 48, 64)).astype(np.uint16)
    samples = [
        Sample("flat", GREY, CELLS),
        Sample("stack", Image(stack, "ZYX"), CELLS[:2]),
        Sample("bare", GREY),
    ]
    write_dataset(samples, tmp_path / "in", class_names=("a", "b"))
    return tmp_path / "in"


def pngs(path: Path) -> list[str]:
    return sorted(p.name for p in path.glob("*.png"))


def test_one_picture_per_image(folder: Path, tmp_path: Path) -> None:
    result = overlays(folder, tmp_path / "out", quiet=True)
    assert pngs(tmp_path / "out") == ["bare.png", "flat.png", "stack.png"]
    assert (result.done, result.skipped, result.details["pictures"]) == (3, 0, 3)
    drawn = np.asarray(Pillow.open(tmp_path / "out" / "flat.png"))
    assert (drawn == overlay_picture(GREY, CELLS)).all()


def test_one_picture_per_plane(folder: Path, tmp_path: Path) -> None:
    result = overlays(folder, tmp_path / "out", planes=True, quiet=True)
    assert pngs(tmp_path / "out") == [
        "bare.png", "flat.png", "stack_z01.png", "stack_z02.png", "stack_z03.png",
    ]  # fmt: skip
    assert result.details["pictures"] == 5
    planes = [np.asarray(Pillow.open(tmp_path / "out" / f"stack_z0{z}.png")) for z in (1, 2)]
    assert (planes[0] != planes[1]).any()


def test_only_what_changed_is_drawn_again(folder: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    overlays(folder, out, quiet=True)
    times = {p.name: os.stat(p).st_mtime_ns for p in out.iterdir()}
    again = overlays(folder, out, quiet=True)
    assert (again.done, again.skipped) == (0, 3)
    assert times == {p.name: os.stat(p).st_mtime_ns for p in out.iterdir()}
    (out / "stack.png").write_bytes(b"torn")
    assert overlays(folder, out, quiet=True).details["pictures"] == 1
    assert overlays(folder, out, ids=True, quiet=True).details["pictures"] == 3

    samples = list(open_dataset(folder))
    corrected = replace(samples[0].instances, tags=({"alive": True},) * 3)
    write_dataset([samples[0].with_instances(corrected), *samples[1:]], tmp_path / "two",
                  class_names=("a", "b"))  # fmt: skip
    for i in range(3):  # the same images at the same time: only cells differ
        facts = os.stat(open_dataset(folder).path(i))
        os.utime(open_dataset(tmp_path / "two").path(i), ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert overlays(tmp_path / "two", out, ids=True, quiet=True).details["pictures"] == 1
    drawn = np.asarray(Pillow.open(out / "flat.png"))
    assert has(drawn, ALIVE_COLOUR).any()


def test_predictions_over_the_truth(folder: Path, tmp_path: Path) -> None:
    (tmp_path / "labels").mkdir()
    Pillow.fromarray(to_label_map(CELLS[:1]).astype(np.uint8)).save(tmp_path / "labels/flat.png")
    result = overlays(folder, tmp_path / "out", cells=tmp_path / "labels", quiet=True)
    assert pngs(tmp_path / "out") == ["flat.png"]
    assert result.done == 1
    drawn = np.asarray(Pillow.open(tmp_path / "out" / "flat.png"))
    assert has(drawn, TRUTH_COLOUR).any()
    (tmp_path / "other").mkdir()
    Pillow.fromarray(np.ones((4, 4), np.uint8)).save(tmp_path / "other/elsewhere.png")
    with pytest.raises(InputError, match="none of its 1 images"):
        overlays(folder, tmp_path / "out", cells=tmp_path / "other", quiet=True)


def test_one_bad_file_is_reported_and_the_rest_done(folder: Path, tmp_path: Path) -> None:
    open_dataset(folder).path(0).write_bytes(b"no image")
    result = overlays(folder, tmp_path / "out", quiet=True)
    assert (result.done, len(result.failed)) == (2, 1)
    assert "flat" in result.failed[0].path
    assert (tmp_path / "out" / "failures.json").is_file()
    assert pngs(tmp_path / "out") == ["bare.png", "stack.png"]


def test_the_command(folder: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, [str(folder), "-o", str(out), "--planes", "--ids"])
    assert done.exit_code == 0, done.output
    assert len(pngs(out)) == 5
    wrong = CliRunner().invoke(app, [str(folder), "-o", str(out), "--view", "odd"])
    assert wrong.exit_code == 2
