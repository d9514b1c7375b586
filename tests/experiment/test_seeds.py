"""Variants that learn from data of their own, and with several seeds."""

from __future__ import annotations

import json
import tomllib
from pathlib import Path

import pytest

from cellwright.experiment.read import parse_recipe
from cellwright.experiment.results import rows
from cellwright.experiment.stages import Stage, plan
from cellwright.experiment.table import comparison, figures
from cellwright.types import InputError

RECIPE = """
title = "Seeds"
seeds = [3, 5, 8]
columns = { F1 = "overlap/f1" }
paper = [
  { name = "few", variant = "few", figures = { F1 = 0.5 } },
  { name = "many", variant = "many" },
]
[data.train]
simulate = { fields = 2 }
[data.test]
simulate = { fields = 1, seed = 9 }
[data.more.larger]
simulate = { fields = 20 }
[data.more.unused]
simulate = { fields = 7 }
[[variant]]
name = "few"
[[variant]]
name = "many"
data = "larger"
[[variant]]
name = "later"
data = "unused"
needs = "a week"
[[variant]]
name = "classical"
segmenter = "watershed"
"""


def parsed(text: str = RECIPE):
    return parse_recipe(tomllib.loads(text), "recipe")


def staged(tmp_path: Path) -> dict[str, Stage]:
    return {s.name: s for s in plan(parsed(), tmp_path, device="cpu", quiet=True)}


def test_each_variant_is_trained_with_each_seed_on_its_own_data(tmp_path: Path) -> None:
    stages = staged(tmp_path)
    trained = [name for name in stages if name.endswith(".train") and name != "data.train"]
    assert trained == [f"{v}.seed-{s}.train" for v in ("few", "many") for s in (3, 5, 8)]
    one = stages["many.seed-5.train"]
    assert one.settings["seed"] == 5
    assert one.inputs == (tmp_path / "data" / "larger",)
    assert one.output == tmp_path / "many" / "seed-5" / "model"
    assert one.variant == "many"
    assert stages["few.seed-8.train"].inputs == (tmp_path / "data" / "train",)
    assert stages["many.seed-5.evaluate"].inputs[1] == tmp_path / "many/seed-5/predictions"


def test_a_segmenter_is_run_once(tmp_path: Path) -> None:
    assert staged(tmp_path)["classical.evaluate"].output == tmp_path / "classical" / "scores.json"


def test_data_that_nothing_run_learns_from_is_not_made(tmp_path: Path) -> None:
    made = [name for name in staged(tmp_path) if name.startswith("data.")]
    assert made == ["data.train", "data.test", "data.larger"]


def test_one_seed_keeps_the_folders_of_old(tmp_path: Path) -> None:
    recipe = parsed(RECIPE.replace("seeds = [3, 5, 8]", "seed = 4"))
    stages = {s.name: s for s in plan(recipe, tmp_path, device="cpu", quiet=True)}
    assert stages["few.train"].output == tmp_path / "few" / "model"
    assert stages["few.train"].settings["seed"] == 4


def scored(folder: Path, values: dict[str, list[float | None]]) -> None:
    for name, found in values.items():
        for seed, value in zip((3, 5, 8), found, strict=True):
            path = folder / name / f"seed-{seed}" / "scores.json"
            path.parent.mkdir(parents=True)
            path.write_text(json.dumps({"overlap": {"f1": value}}), encoding="utf-8")


def test_the_table_gives_mean_and_spread(tmp_path: Path) -> None:
    scored(tmp_path, {"few": [0.1, 0.2, 0.6], "many": [0.25, None, 0.75]})
    recipe = parsed()
    few, many = rows(recipe, tmp_path, {})
    assert few.measured["F1"] == pytest.approx(0.3)
    assert few.spread("F1") == pytest.approx(0.07**0.5)
    assert many.measured["F1"] == pytest.approx(0.5)
    body = comparison(recipe, [few, many]).rows
    assert body[0][2] == "0.3000 \u00b1 0.2646"
    assert body[1][2] == "0.5000 \u00b1 0.3536 (2 of 3 seeds)"
    exact = figures(recipe, [few, many])
    at = [exact.columns.index(n) for n in ("measured", "standard deviation", "seeds")]
    assert [exact.rows[0][i] for i in at] == pytest.approx([0.3, 0.07**0.5, 3])


def test_a_single_seed_has_no_spread(tmp_path: Path) -> None:
    scored(tmp_path, {"few": [0.1, None, None], "many": [None, None, None]})
    few, many = rows(parsed(), tmp_path, {})
    assert few.spread("F1") is None
    assert many.measured["F1"] is None
    assert comparison(parsed(), [few, many]).rows[0][2] == "0.1000 (1 of 3 seeds)"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('data = "larger"', 'data = "large"', "'large', the recipe has train, test, larger"),
        ("[data.more.larger]", "[data.more.val]", "val is the name of another part"),
        ("[3, 5, 8]", "[3, 5, 3]", "repeat one"),
    ],
)
def test_what_does_not_meet_is_told(old: str, new: str, said: str) -> None:
    with pytest.raises(InputError, match=said):
        parsed(RECIPE.replace(old, new))


LADDER = RECIPE.replace('name = "many"\ndata', 'name = "many"\nafter = "few"\ndata')


def test_a_training_goes_on_from_an_earlier_one_of_its_seed(tmp_path: Path, monkeypatch) -> None:
    stages = {s.name: s for s in plan(parsed(LADDER), tmp_path, device="cpu", quiet=True)}
    first = tmp_path / "few" / "seed-5" / "model"
    assert stages["many.seed-5.train"].inputs[-1] == first == stages["few.seed-5.train"].output
    seen = []
    monkeypatch.setattr("cellwright.steps.train.train", lambda *_, **k: seen.append(k) or _Done)
    stages["few.seed-5.train"].action(False)
    stages["many.seed-5.train"].action(False)
    assert [k["init"] for k in seen] == [None, first]


class _Done:
    failed = ()


@pytest.mark.parametrize("name", ["later", "classical", "nothing", "many"])
def test_a_training_goes_on_from_one_that_was_trained_before_it(name: str) -> None:
    with pytest.raises(InputError, match=f"many goes on after '{name}'"):
        parsed(LADDER.replace('after = "few"', f'after = "{name}"'))
