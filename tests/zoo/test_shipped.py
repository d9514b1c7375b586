"""The models that ship: whole, small, described; names and folders lead to them."""

import hashlib
from pathlib import Path

import pytest

from cellwright.types import InputError
from cellwright.zoo.checkpoint import WEIGHTS, load_model
from cellwright.zoo.shipped import SHIPPED, Shipped, model_folder, shipped, suited


@pytest.mark.parametrize("model", SHIPPED, ids=lambda m: m.name)
def test_it_is_whole(model: Shipped, repository: Path) -> None:
    blob = (model.folder / WEIGHTS).read_bytes()
    assert len(blob) <= 8_000_000
    assert hashlib.sha256(blob).hexdigest() == model.sha256
    method, card = load_model(model.folder)
    assert method.net.training is False
    assert card.diameter
    assert card.inputs == 1
    assert (repository / model.recipe).is_file()
    for word in ("Licence", "Recipe", "Scores", "Limits"):
        assert word in model.card
    assert "/" not in str(card.provenance.get("dataset", ""))


def test_there_is_one_for_each_kind_of_image() -> None:
    assert [m.name for m in SHIPPED] == ["nuclei", "cells"]
    assert suited("bright").name == "nuclei"
    assert suited("dark").name == suited("texture").name == "cells"


def test_a_model_folder_goes_before_a_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert model_folder("nuclei") == shipped("nuclei").folder
    (tmp_path / "nuclei").mkdir()
    assert model_folder("nuclei") == shipped("nuclei").folder
    (tmp_path / "nuclei" / "model.json").write_text("{}")
    assert model_folder("nuclei") == Path("nuclei")


def test_an_unknown_name_lists_those_that_ship() -> None:
    with pytest.raises(InputError, match="those are nuclei, cells"):
        model_folder("nukes")
