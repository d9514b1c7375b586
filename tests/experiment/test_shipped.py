"""The recipes that are shipped: one for each table, all valid in both forms."""

from __future__ import annotations

import inspect
from pathlib import Path

import pytest

from cellwright.experiment.config import Recipe
from cellwright.experiment.read import read_recipe

SHIPPED = 27
TABLES = {
    "p1": ("table-1", "table-2", "table-3", "table-4"),
    "p2": ("table-1", "table-2"),
    "p3": ("table-1", "table-2", "table-3", "table-4"),
    "p4": (
        *(f"table-5-{n}" for n in range(1, 12)),
        "objectness-5-7-3",
    ),
    "p5": ("table-1",),
    "models": ("cells", "nuclei"),
    "spine": ("demo", "dsb2018"),
}
NAMES = [f"{folder}/{name}" for folder, names in TABLES.items() for name in names]


@pytest.fixture
def recipes(repository: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CELLWRIGHT_DATA", "images")
    monkeypatch.delenv("LIVECELL", raising=False)
    return repository / "recipes"


def test_there_is_one_for_each_table(recipes: Path) -> None:
    found = {p.relative_to(recipes).with_suffix("").as_posix() for p in recipes.rglob("*.toml")}
    assert found == set(NAMES)
    assert len(found) == SHIPPED


@pytest.mark.parametrize("name", NAMES)
def test_both_forms_are_valid(recipes: Path, name: str) -> None:
    full = read_recipe(recipes / f"{name}.toml")
    quick = read_recipe(recipes / f"{name}.toml", quick=True)
    assert quick.quick
    assert quick != full
    for recipe in (full, quick):
        assert any(not v.needs for v in recipe.variants())
        for variant in recipe.variants():
            if variant.segmenter is None:
                options_are_known(recipe, variant)


def options_are_known(recipe: Recipe, variant) -> None:
    from cellwright.zoo.builders import entry

    train = recipe.train_of(variant)
    known = inspect.signature(entry(train.method).build).parameters
    assert not set(train.options) - set(known), f"{train.method} has no such option"


@pytest.mark.parametrize("name", [n for n in NAMES if n.startswith("p")])
def test_a_paper_s_table_says_what_it_was_measured_on(recipes: Path, name: str) -> None:
    recipe = read_recipe(recipes / f"{name}.toml")
    assert recipe.paper
    assert recipe.source
    quick = read_recipe(recipes / f"{name}.toml", quick=True)
    assert quick.stand_in.startswith("simulated")
    assert recipe.stand_in == quick.stand_in or recipe.stand_in.startswith("dsb2018")
    assert recipe.data_line().startswith("The paper's figures: ")
    assert "not the paper's data" in recipe.data_line()
    assert any(row.figures and row.variant for row in recipe.paper) or name == "p1/table-4"
    assert recipe.about
    assert recipe.quick["data"]["test"]["simulate"]["shape"] == [128, 128]


@pytest.mark.parametrize("name", NAMES)
def test_overlaps_are_those_of_cells(recipes: Path, name: str) -> None:
    """A nucleus lies in its cell: where there are nuclei, overlaps are scored without them."""
    recipe = read_recipe(recipes / f"{name}.toml")
    test = recipe.data.test
    scenes = (test.simulate or ()) if test is not None else ()
    if any(path.startswith("overlap/") for path in recipe.columns.values()):
        assert recipe.evaluate.classes == ("cell",) or not any(s.nuclei for s in scenes)


def test_the_paper_s_own_images_of_livecell(recipes: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIVECELL", "/cells")
    for name in (*(f"p3/table-{n}" for n in (1, 2, 3, 4)), "p4/table-5-8"):
        recipe = read_recipe(recipes / f"{name}.toml")
        assert recipe.data.test is not None
        assert recipe.data.test.import_ is not None
        assert recipe.data.test.import_.sources == (Path("/cells"),)
        assert not recipe.stand_in


@pytest.mark.parametrize(
    ("name", "column", "row", "figure"),
    [
        ("p1/table-1", "mAP", "Mask R-CNN, COCO weights", 38.2),
        ("p1/table-2", "mAP", "Mask R-CNN, COCO weights", 0.098),
        ("p1/table-3", "label accuracy", "z16, COCO weights", 82.0),  # printed as 820
        ("p1/table-3", "IoU masks", "z22, COCO weights", 86.26),  # printed as 86,26
        ("p1/table-4", "F1", "YOLOv5-seg, COCO weights, never trained on cells", 6.5),
        ("p2/table-1", "F1", "z20, BCE", 0.76),
        ("p2/table-2", "IoU", "Overall, MSE", 0.54),
        ("p3/table-1", "F1", "LIVECell, U-Net (EL)", 0.2591),
        ("p3/table-1", "F1", "BV2, U-Net (EL)", 0.7953),
        ("p3/table-1", "F1", "SKOV3, Deep U-Net Ensemble (EL)", 0.3405),  # printed with an asterisk
        ("p3/table-2", "F1", "SH-SY5Y, U-Net (EL)", 0.6081),
        ("p3/table-3", "AP", "LIVECell, V-99", 48.5),
        ("p3/table-4", "AFNR", "SkBr3, V-19-SlimDW (L)", 32.6),
        ("p3/table-4", "AP", "SH-SY5Y, V-19-SlimDW (EL)", 0.028),  # printed as 0.02899.4
        ("p4/table-5-1", "F1", "SEU-Net (4-head)", 0.9282),
        ("p4/table-5-2", "F1", "SEU-Net (4-head)", 0.9152),
        ("p4/table-5-3", "F1", "SEU-Net + attn. map (v4)", 0.2490),
        ("p4/table-5-4", "F1", "SEU-Net (2-head), synthetic (1000)", 0.9305),
        ("p4/table-5-5", "F1", "SEU-Net (2-head), original", 0.9152),  # as the 4-head of Table 5.2
        ("p4/table-5-6", "F1", "SEU-Net (3-head), synthetic (1000)", 0.2412),
        ("p4/table-5-7", "AP50", "SparseSEU-Net", 75.8),
        ("p4/table-5-8", "AP_S", "SparseSEU-Net", 26.5),
        ("p4/table-5-9", "AP", "+ overlap head, attn. mask", 38.8),
        ("p4/table-5-10", "AP", "multi-level", 44.3),
        ("p4/table-5-11", "AP", "w/ gt mask", 97.8),
        ("p5/table-1", "Dice", "Mask R-CNN, labels by our method", 87.65),
        ("p5/table-1", "seconds per frame", "SAM", 37.33),  # printed as 37,33
        ("p4/objectness-5-7-3", "AP", "+ IoU-aware objectness", 25),
    ],
)
def test_figures_are_those_of_the_papers(
    recipes: Path, name: str, column: str, row: str, figure: float
) -> None:
    recipe = read_recipe(recipes / f"{name}.toml")
    found = [r.figures[column] for r in recipe.paper if r.name == row]
    assert found == [figure]


@pytest.mark.parametrize("quick", [False, True])
def test_the_levels_of_table_5_10_differ(recipes: Path, quick: bool) -> None:
    from cellwright.zoo.builders import build

    recipe = read_recipe(recipes / "p4/table-5-10.toml", quick=quick)
    ours = [recipe.train_of(v) for v in recipe.variants() if not v.needs]
    branches = {
        t.method: len(build(t.method, inputs=2, **t.options).net.mask_branches) for t in ours
    }
    assert branches["sparse-seunet"] == 1
    assert branches["sparse-seunet-multilevel"] > 1


def test_tables_of_extended_data_train_equally(recipes: Path) -> None:
    names = [*(f"p3/table-{n}" for n in (1, 2)), *(f"p4/table-5-{n}" for n in (4, 5, 6))]
    for name in names:
        recipe = read_recipe(recipes / f"{name}.toml")
        assert len(recipe.seeds) == 3
        steps = {
            (t.epochs, t.crops_per_epoch, t.batch_size, t.crop)
            for t in map(recipe.train_of, recipe.variants())
        }
        assert len(steps) == 1
        assert None not in steps.pop()
        assert len({v.data for v in recipe.variants()}) > 1


def test_the_weights_of_cellpose_that_p5_trains_on_from_are_known(recipes: Path) -> None:
    from cellwright.peers.weights import CELLPOSE_NAMES

    recipe = read_recipe(recipes / "p5/table-1.toml")
    (tuned,) = (v for v in recipe.variants() if v.name == "cellpose-tuned")
    assert recipe.train_of(tuned).options["weights"] in CELLPOSE_NAMES[3]
