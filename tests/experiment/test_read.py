"""Recipes are strict, and all that are shipped are valid."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellwright.experiment.merge import merged
from cellwright.experiment.read import known_keys, read_recipe
from cellwright.types import InputError

MINIMAL = 'title = "t"\n[data.train]\nsimulate = { fields = 20 }\n'


def written(folder: Path, text: str) -> Path:
    path = folder / "recipe.toml"
    path.write_text(text, encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ('titel = "t"', r"unknown key 'titel' .*did you mean title\?.*known are about, columns"),
        (MINIMAL + "[train]\nepoch = 3", r"'epoch' in \[train\] .*epochs\?.*known are accumulate"),
        (
            MINIMAL + "[data.test]\nsimulate = { field = 3 }",
            r"'field' in \[data.test.simulate\].*known are bleed, cells, cluster, contrast",
        ),
        (MINIMAL + "[train]\nepochs = 0", r"train.epochs: .*greater than or equal to 1, 0 came"),
        (MINIMAL + '[[variant]]\nname = "a"\n[[variant]]\nname = "a"', "share a name"),
        (
            MINIMAL + '[[variant]]\nname = "a"\ntrain = { lr = 1 }',
            r"variant a: .*'lr' in \[train\]",
        ),
        (MINIMAL + '[[variant]]\nname = "../a"', r"variant.0.name: .*pattern"),
        (
            MINIMAL + '[[paper]]\nname = "x"\nvariant = "unet-distance"',
            r"\[data.test\]",
        ),
        (
            MINIMAL + '[[paper]]\nname = "x"\nfigures = { F1 = 1 }',
            r"F1 are no columns; \[columns\] has none",
        ),
        (MINIMAL + '[[paper]]\nname = "x"\nvariant = "y"', "paper rows name the variants y"),
        (
            MINIMAL + '[[variant]]\nname = "a"\nsegmenter = "watershed"',
            r"segmenter is run on the test images, .*\[data.test\]",
        ),
        (
            MINIMAL + '[[variant]]\nname = "a"\nsegmenter = "b"\ntrain = { epochs = 1 }',
            "a segmenter takes options",
        ),
        (
            MINIMAL + '[[variant]]\nname = "a"\n[quick]\nonly = ["b"]',
            "quick.only names 'b'; the variants are a",
        ),
        (
            'title = "t"\n[data.train]\nsimulate = { planes = 2, z = [1] }',
            "1 planes are named in z, there are 2",
        ),
        (
            'title = "t"\n[data.train]\nsimulate = [{ nuclei = true }, {}]',
            "must agree in nuclei and vitality",
        ),
        (
            'title = "t"\n[data]\ntrain = {}',
            "one of simulate, import, dataset, joined, extend; 0 came",
        ),
        ("title = ", "not TOML"),
        ('title = "t"\n[data.train]\ndataset = "$NO_SUCH_PLACE/x"', r"\$NO_SUCH_PLACE"),
    ],
)
def test_errors_are_one_line_that_helps(tmp_path: Path, text: str, wanted: str) -> None:
    with pytest.raises(InputError, match=wanted) as error:
        read_recipe(written(tmp_path, text), quick="[quick]" in text)
    assert "\n" not in str(error.value)


def test_quick_without_a_table_is_small(tmp_path: Path) -> None:
    recipe = read_recipe(written(tmp_path, MINIMAL + "[train]\nminutes = 30"), quick=True)
    assert recipe.data.train.simulate is not None
    assert [part.fields for part in recipe.data.train.simulate] == [4]
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


def test_options_of_a_variant_are_laid_over_those_of_the_recipe(tmp_path: Path) -> None:
    text = MINIMAL + "[train]\noptions = { widths = [1], map = 1 }\n"
    text += '[[variant]]\nname = "b"\ntrain = { options = { map = 2 } }'
    recipe = read_recipe(written(tmp_path, text))
    assert recipe.train_of(recipe.variants()[0]).options == {"widths": [1], "map": 2}


def test_tables_are_laid_over_each_other() -> None:
    assert merged({"a": {"x": 1, "y": 2}, "b": 3}, {"a": {"y": 4}}) == {
        "a": {"x": 1, "y": 4},
        "b": 3,
    }
    assert merged({"a": [{"x": 1}, {"x": 2}]}, {"a": {"x": 3}}) == {"a": [{"x": 3}, {"x": 3}]}
    assert merged({"a": [1, 2]}, {"a": [3]}) == {"a": [3]}
    named = [{"name": "p", "x": 1}, {"name": "q", "x": 2}]
    assert merged({"a": named}, {"a": [{"name": "q", "x": 3}, {"name": "r"}]}) == {
        "a": [{"name": "p", "x": 1}, {"name": "q", "x": 3}, {"name": "r"}]
    }


def test_images_of_another_kind_replace_those_of_the_full_form(tmp_path: Path) -> None:
    text = MINIMAL + '[data.test.import]\nsources = ["a"]\n[quick.data.test]\nsimulate = {}\n'
    text += "[quick.data.train.simulate]\nfields = 2"
    path = written(tmp_path, text)
    full, quick = read_recipe(path).data, read_recipe(path, quick=True).data
    assert full.test is not None
    assert quick.test is not None
    assert full.test.import_ is not None
    assert quick.test.import_ is None
    assert quick.test.simulate is not None
    assert quick.train.simulate is not None
    assert quick.train.simulate[0].fields == 2


def test_the_quick_form_runs_some_variants_and_says_so_of_the_others(tmp_path: Path) -> None:
    text = MINIMAL + '[[variant]]\nname = "a"\n[[variant]]\nname = "b"\n'
    text += '[quick]\nonly = ["b"]\n[quick.train]\nepochs = 1'
    path = written(tmp_path, text)
    full, quick = read_recipe(path), read_recipe(path, quick=True)
    assert [v.needs for v in full.variants()] == ["", ""]
    assert ["--quick" in v.needs for v in quick.variants()] == [True, False]
    assert quick.train.epochs == 1


def test_the_paper_s_own_data_are_taken_where_they_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = 'title = "t"\nsource = "P, on cells"\nstand_in = "simulated"\n'
    text += "[data.train]\nsimulate = {}\n[train]\nepochs = 9\n"
    text += '[paper_data]\nvariable = "CELLS"\nsettings = { epochs = 3 }\n'
    text += '[paper_data.train]\ndataset = "$CELLS/a"\n'
    path = written(tmp_path, text)
    monkeypatch.delenv("CELLS", raising=False)
    stand_in = read_recipe(path)
    assert stand_in.data.train.simulate is not None
    assert "not the paper's data: simulated" in stand_in.data_line()
    monkeypatch.setenv("CELLS", "/cells")
    own = read_recipe(path)
    assert (own.data.train.dataset, own.train.epochs) == (Path("/cells/a"), 3)
    assert "Measured on the same data" in own.data_line()
    assert read_recipe(path, quick=True).data.train.simulate is not None


def test_known_keys_use_the_names_of_the_file() -> None:
    assert known_keys(["data", "train"]) == [
        "dataset", "diameter", "extend", "import", "joined", "simulate",
    ]  # fmt: skip
    assert "batch_size" in known_keys(["train"])


def test_training_defaults_are_those_of_the_call() -> None:
    import inspect

    from cellwright.experiment.config import Evaluate, Label, Predict, Train
    from cellwright.experiment.data_config import Import, Simulate
    from cellwright.experiment.extend_config import Extend, Translator
    from cellwright.steps.evaluate import evaluate
    from cellwright.steps.extend import extend
    from cellwright.steps.import_images import import_images
    from cellwright.steps.label import label
    from cellwright.steps.learn_translation import learn_translation
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
        Extend: extend,
        Translator: learn_translation,
    }
    for table, call in calls.items():
        known = inspect.signature(call).parameters
        for name, field in table.model_fields.items():
            if name in getattr(table, "AFTER", ()):
                continue
            assert name in known, f"{call.__name__} has no {name}"
            if field.default and known[name].default is not inspect.Parameter.empty:
                assert known[name].default in (field.default, None), f"{call.__name__} {name}"
