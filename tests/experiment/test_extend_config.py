"""Extended images and translators as parts of a recipe."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

import pytest

from cellwright.experiment.extend_config import Extend
from cellwright.experiment.read import parse_recipe, read_recipe
from cellwright.experiment.run import run
from cellwright.experiment.stages import Stage, plan
from cellwright.formats.dataset import open_dataset
from cellwright.types import InputError

RECIPE = """
title = "Extended"
[data.train]
simulate = { fields = 2 }
[data.test]
simulate = { fields = 1, seed = 9 }
[data.more.phase]
simulate = { fields = 2, modality = "phase" }
[data.more.pairs]
simulate = { fields = 4, modality = "brightfield", with_phase = true }
[data.more.pasted]
extend = { from = "phase", how = "phase", n = 5, density = [20, 1000], overlap = [0, 0.2] }
[data.more.bright]
extend = { from = "pasted", how = "pix2pix", n = 6, translator = "bright" }
[data.translator.bright]
data = "pairs"
source = ["phase"]
target = ["brightfield-0"]
crop = 64
[[variant]]
name = "original"
[[variant]]
name = "more"
data = "bright"
"""


def parsed(text: str = RECIPE):
    return parse_recipe(tomllib.loads(text), "recipe")


def staged(text: str, folder: Path) -> list[Stage]:
    return plan(parsed(text), folder, device="cpu", quiet=True)


def test_all_that_an_extension_is_made_of_is_made_before_it(tmp_path: Path) -> None:
    stages = staged(RECIPE, tmp_path)
    made = [s.name for s in stages if s.name.startswith(("data.", "translator."))]
    assert made == ["data.train", "data.test", "data.phase", "data.pasted", "data.pairs",
                    "translator.bright", "data.bright"]  # fmt: skip
    bright = next(s for s in stages if s.name == "data.bright")
    assert bright.inputs == (tmp_path / "data" / "pasted", tmp_path / "translators" / "bright")
    assert bright.settings["from"] == "pasted"


def test_what_no_variant_needs_is_not_made(tmp_path: Path) -> None:
    text = RECIPE.partition('[[variant]]\nname = "more"')[0]
    made = [s.name for s in staged(text, tmp_path) if not s.name.startswith("original")]
    assert made == ["data.train", "data.test"]


def test_the_steps_get_what_the_recipe_says(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: dict[str, tuple[tuple[Any, ...], dict[str, Any]]] = {}

    class Done:
        failed = ()

    def noting(name: str):
        def call(*places: Any, **options: Any) -> Done:
            calls[name] = (places, options)
            return Done()

        return call

    monkeypatch.setattr("cellwright.steps.extend.extend", noting("extend"))
    learn = "cellwright.steps.learn_translation.learn_translation"
    monkeypatch.setattr(learn, noting("learn"))
    stages = {s.name: s for s in staged(RECIPE, tmp_path)}
    stages["translator.bright"].action(False)
    places, options = calls["learn"]
    assert places == (tmp_path / "data" / "pairs", tmp_path / "translators" / "bright")
    assert (options["source"], options["crop"], options["resume"]) == (("phase",), 64, False)
    assert "data" not in options
    stages["data.pasted"].action(True)
    places, options = calls["extend"]
    assert places == (tmp_path / "data" / "phase", tmp_path / "data" / "pasted")
    assert (options["how"], options["n"], options["density"]) == ("phase", 5, (20, 1000))
    assert options["model"] is None
    stages["data.bright"].action(False)
    assert calls["extend"][1]["model"] == tmp_path / "translators" / "bright"


def test_conditions_become_pairs() -> None:
    some = Extend(where={"cell_line": ("A", "B"), "z": 1})
    assert some.arguments()["where"] == [("cell_line", "A"), ("cell_line", "B"), ("z", "1")]


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('from = "phase"', 'from = "test"', "cells of test must not be learnt from"),
        ('from = "phase"', 'from = "bright"', "extended from itself"),
        ('from = "phase"', 'from = "faze"', "pasted.extend.from is one of train, test, phase"),
        ('data = "pairs"', 'data = "test"', "translator.bright.data is one of train, phase"),
        ('translator = "bright"', 'translator = "dim"', "'dim' came; the recipe has bright"),
        (', translator = "bright"', "", "wants one of translator and model"),
        ('how = "phase"', 'how = "phase", model = "m"', "nothing else, wants one of"),
        ("n = 5", "n = 5, many = 2", "unknown key 'many' in .data.more.pasted.extend."),
    ],
)
def test_what_does_not_meet_is_told(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parsed(RECIPE.replace(old, new, 1))


def test_a_translator_on_disk_is_found_from_the_recipe(tmp_path: Path) -> None:
    (tmp_path / "r.toml").write_text(
        RECIPE.replace('translator = "bright"', 'model = "there/bf"'), encoding="utf-8"
    )
    made = read_recipe(tmp_path / "r.toml").data.more["bright"].extend
    assert made is not None
    assert made.model == tmp_path / "there" / "bf"


TINY = """
title = "Tiny"
[data.train]
simulate = { fields = 3, shape = [64, 64], diameter = 8.0, cells = 4, overlap = 0.0 }
[data.val]
simulate = { fields = 1, shape = [64, 64], diameter = 8.0, seed = 5 }
[data.more.larger]
extend = { how = "grey", n = 2, density = 3, originals = true }
[train]
epochs = 1
crop = [32, 32]
options = { widths = [4, 4] }
[[variant]]
name = "more"
data = "larger"
"""


def test_a_variant_learns_from_extended_images(tmp_path: Path) -> None:
    (tmp_path / "tiny.toml").write_text(TINY, encoding="utf-8")
    run(tmp_path / "tiny.toml", tmp_path / "out", device="cpu", quiet=True)
    made = open_dataset(tmp_path / "out" / "data" / "larger")
    assert len(made) == 5
    assert sum("extended" in made.tags(i) for i in range(5)) == 2
    assert (tmp_path / "out" / "more" / "model" / "model.json").is_file()
    assert run(tmp_path / "tiny.toml", tmp_path / "out", device="cpu", quiet=True).done == 0
