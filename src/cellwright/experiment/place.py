"""Paths of a recipe: relative to its folder, with variables of the environment."""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from cellwright.experiment.config import Recipe
from cellwright.experiment.data_config import Data, Import, Source
from cellwright.types import InputError

PARTS = ("train", "val", "test")


def placed(recipe: Recipe, folder: Path) -> Recipe:
    """`recipe` with every path as it is seen from `folder`.

    Raises
    ------
    InputError
        If a path names a variable that is not set.
    """
    update: dict[str, Any] = {"data": _data(recipe.data, folder)}
    if recipe.train.init is not None:
        init = _path(recipe.train.init, folder)
        update["train"] = recipe.train.model_copy(update={"init": init})
    update["variant"] = tuple(
        v.model_copy(update={"train": v.train | {"init": _path(v.train["init"], folder)}})
        if "init" in v.train
        else v
        for v in recipe.variant
    )
    return recipe.model_copy(update=update)


def _data(data: Data, folder: Path) -> Data:
    update: dict[str, Any] = {p: _source(getattr(data, p), folder) for p in PARTS}
    update["more"] = {name: _source(source, folder) for name, source in data.more.items()}
    return data.model_copy(update=update)


def _source(source: Source | None, folder: Path) -> Source | None:
    if source is None:
        return None
    update: dict[str, Any] = {}
    if source.dataset is not None:
        update["dataset"] = _path(source.dataset, folder)
    if source.import_ is not None:
        update["import_"] = _import(source.import_, folder)
    if source.joined is not None:
        update["joined"] = tuple(
            p.model_copy(update={"import_": _import(p.import_, folder)}) if p.import_ else p
            for p in source.joined
        )
    if source.extend is not None and source.extend.model is not None:
        model = _path(source.extend.model, folder)
        update["extend"] = source.extend.model_copy(update={"model": model})
    return source.model_copy(update=update)


def _import(settings: Import, folder: Path) -> Import:
    update: dict[str, Any] = {"sources": tuple(_path(p, folder) for p in settings.sources)}
    for name in ("masks", "tag_table"):
        if (path := getattr(settings, name)) is not None:
            update[name] = _path(path, folder)
    return settings.model_copy(update=update)


def _path(path: Path | str, folder: Path) -> Path:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise InputError(f"the recipe needs ${name}: set it to a folder, for example {name}=.")
        return os.environ[name]

    return (folder / Path(re.sub(r"\$(\w+)", value, str(path))).expanduser()).resolve()
