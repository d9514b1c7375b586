"""Recipes are strict, and all that are shipped are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellwright.experiment.read import known_keys, merged, read_recipe
from cellwright.types import InputError

SHIPPED = 5
MINIMAL = 'title = "t"\n[data.train]\nsimulate = { fields = 20 }\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


def test_all_shipped_recipes_are_valid(repository: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from cellwright.zoo.builders import METHODS

    monkeypatch.setenv("CELLWRIGHT_DATA", "images")
    found = sorted((repository / "recipes").rglob("*.toml"))
    assert len(found) == SHIPPED
    for path in found:
        full, quick = read_recipe(path), read_recipe(path, quick=True)
        assert quick.quick
        assert quick != full
        for variant in full.variants():
            assert full.train_of(variant).method in {m.name for m in METHODS}
        assert not full.paper or full.source


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('titel = "t"', r"unknown key 'titel' .*did you mean title\?.*known are about, data"),
        (MINIMAL + "[train]\nepoch = 3", r"'epoch' in \[train\] .*epochs\?.*known are accumulate"),
        (
            MINIMAL + "[data.test]\nsimulate = { field = 3 }",
            r"'field' in \[data.test.simulate\].*known are cells, diameter, fields",
        ),
        (MINIMAL + "[train]\nepochs = 0", r"train.epochs: .*greater than or equal to 1, 0 came"),
        (MINIMAL + '[[variant]]\nname = "a"\n[[variant]]\nname = "a"', "share a name"),
        (
            MINIMAL + '[[variant]]\nname = "a"\ntrain = { lr = 1 }',
            r"variant a: .*'lr' in \[train\]",
        ),
        (MINIMAL + '[[variant]]\nname = "../a"', r"variant.0.name: .*pattern"),
        (
            MINIMAL
            + '[[paper]]\nname = "x"\nvariant = "unet-distance"\nmetric = "pixel/f1"\nvalue = 1',
            r"\[data.test\]",
        ),
        ('title = "t"\n[data]\ntrain = {}', "one of simulate, import, dataset; 0 came"),
        ("title = ", "not TOML"),
        ('title = "t"\n[data.train]\ndataset = "$NO_SUCH_PLACE/x"', r"\$NO_SUCH_PLACE"),
    ],
)
def test_errors_are_one_line_that_helps(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted) as error:
        read_recipe(written(tmp_path, text))
    assert "\n" not in str(error.value)


def test_quick_without_a_table_is_small(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, MINIMAL + "[train]\nminutes = 30"), quick=True)
    assert recipe.data.train.simulate is not None
    assert recipe.data.train.simulate.fields == 4
    assert (recipe.train.epochs, recipe.train.minutes) == (2, None)


def test_paths_stand_beside_the_recipe(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLATE", "/plates/one")
    text = 'title = "t"\n[data.train.import]\nsources = ["a", "$PLATE/b"]\nmasks = "m"'
    text += '\n[[variant]]\nname = "v"\ntrain = { init = "before" }'
    recipe = read_recipe(written(tmp_path, text))
    assert recipe.train_of(recipe.variants()[0]).init == tmp_path / "before"
    source = recipe.data.train.import_
    assert source is not None
    assert source.sources == (tmp_path / "a", Path("/plates/one/b"))
    assert source.masks == tmp_path / "m"


def test_variants_override_the_tables(tmp_path: Path) -> None:
    text = MINIMAL + '[train]\nepochs = 3\n[[variant]]\nname = "b"\ntrain = { batch_size = 2 }'
    recipe = read_recipe(written(tmp_path, text))
    train = recipe.train_of(recipe.variants()[0])
    assert (train.epochs, train.batch_size) == (3, 2)


def test_tables_are_laid_over_each_other() -> None:
    assert merged({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 4}}) == {
        "a": {"x": 1, "y": 4},
        "b": 3,
    }


def test_known_keys_use_the_names_of_the_file() -> None:
    assert known_keys(["data", "train"]) == ["dataset", "import", "simulate"]
    assert "batch_size" in known_keys(["train"])


def test_training_defaults_are_those_of_the_call() -> None:
    import inspect

    from cellwright.experiment.config import Evaluate, Import, Label, Predict, Simulate, Train
    from cellwright.steps.evaluate import evaluate
    from cellwright.steps.import_images import import_images
    from cellwright.steps.label import label
    from cellwright.steps.predict import predict
    from cellwright.steps.simulate import simulate
    from cellwright.steps.train import train

    calls = {
        Train: train,
        Label: label,
        Simulate: simulate,
        Predict: predict,
        Evaluate: evaluate,
        Import: import_images,
    }
    for table, call in calls.items():
        known = inspect.signature(call).parameters
        for name, field in table.model_fields.items():
            assert name in known, f"{call.__name__} has no {name}"
            if field.default and known[name].default is not inspect.Parameter.empty:
                assert known[name].default in (field.default, None), f"{call.__name__} {name}"
