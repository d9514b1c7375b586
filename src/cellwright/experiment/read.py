"""Read a recipe file: TOML, the ``[quick]`` form, paths, and errors in one line."""

from __future__ import annotations

import difflib
import os
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cellwright.experiment.config import Recipe
from cellwright.experiment.merge import merged
from cellwright.experiment.place import placed
from cellwright.types import InputError

QUICK_EPOCHS = 2
QUICK_FIELDS = 4
#: where images can come from
KINDS = {"simulate", "import", "dataset", "joined", "extend"}
LEFT_OUT = "the full form (left out of --quick)"


def read_recipe(path: Path | str, *, quick: bool = False) -> Recipe:
    """The recipe in `path`.

    Relative paths are taken from the recipe's folder; ``$NAME`` is taken from the environment.
    Where the variable of ``[paper_data]`` is set, the full form takes the paper's own images.

    Parameters
    ----------
    path
        A TOML file.
    quick
        Lay the recipe's ``[quick]`` table over it; without such a table, train for
        two epochs on at most four simulated fields.

    Raises
    ------
    InputError
        If the file is missing, is not TOML, or has an unknown key or a wrong value.
    """
    path = Path(path)
    try:
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"no recipe can be read at {path}: {error.strerror}") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path} is not TOML: {error}") from error
    recipe = parse_recipe(raw, str(path))
    if quick:
        raw = _quick(raw, recipe) if recipe.quick else _small(raw)
        recipe = parse_recipe(raw, f"{path} with its quick table")
    elif recipe.paper_data is not None and recipe.paper_data.variable in os.environ:
        own = recipe.paper_data
        train = recipe.train.model_copy(update=own.settings)
        recipe = recipe.model_copy(update={"data": own, "train": train, "stand_in": ""})
    return placed(recipe, path.parent)


def parse_recipe(raw: Mapping[str, Any], name: str) -> Recipe:
    """`raw` as a recipe; `name` stands at the head of the error line."""
    try:
        recipe = Recipe.model_validate(raw)
    except ValidationError as error:
        raise InputError(f"{name}: {_summary(error)}") from error
    for variant in recipe.variants():
        for table, build in (("train", recipe.train_of), ("predict", recipe.predict_of)):
            try:
                build(variant)
            except ValidationError as error:
                line = _summary(error, table)
                raise InputError(f"{name}: variant {variant.name}: {line}") from error
    return recipe


def _quick(raw: Mapping[str, Any], recipe: Recipe) -> dict[str, Any]:
    """The quick table laid over the recipe; variants that it leaves out are not run."""
    over = dict(raw["quick"])
    names = [v.name for v in recipe.variants()]
    only = over.pop("only", names)
    if unknown := [n for n in only if n not in names]:
        raise InputError(f"quick.only names {unknown[0]!r}; the variants are {', '.join(names)}")
    small = merged(_without_replaced(raw, over), over)
    for variant in small.get("variant", ()):
        if variant["name"] not in only and not variant.get("needs"):
            variant["needs"] = LEFT_OUT
    return small


def _without_replaced(raw: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`raw` without images for which `over` has images of another kind, such as simulated ones."""
    data = dict(raw["data"])
    for part, source in over.get("data", {}).items():
        if isinstance(source, Mapping) and set(source) & KINDS and part in data:
            data[part] = {k: v for k, v in data[part].items() if k not in KINDS - set(source)}
    return {**raw, "data": data}


def _small(raw: Mapping[str, Any]) -> dict[str, Any]:
    train = {k: v for k, v in raw.get("train", {}).items() if k != "minutes"}
    result = {**raw, "train": train | {"epochs": QUICK_EPOCHS}}
    for part, source in raw["data"].items():
        if "simulate" in source:
            given = source["simulate"]
            parts = [given] if isinstance(given, Mapping) else given
            less = [{**s, "fields": min(s.get("fields", 8), QUICK_FIELDS)} for s in parts]
            result = merged(result, {"data": {part: {"simulate": less}}})
    return result


def _summary(error: ValidationError, *table: str) -> str:
    found = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return _explain(found[0], *table) + more


def _explain(error: Mapping[str, Any], *outer: str) -> str:
    loc = error["loc"]
    numbers = {i for i, part in enumerate(loc) if isinstance(part, int) and i and loc[i - 1] ==
               "simulate"}  # fmt: skip
    place = [*outer, *(str(part) for i, part in enumerate(loc) if i not in numbers)]
    if error["type"] != "extra_forbidden":
        where = ".".join(place) or "the recipe"
        came = "" if isinstance(error["input"], Mapping) else f", {error['input']!r} came"
        return f"{where}: {error['msg'].removeprefix('Value error, ')}{came}"
    table, key = place[:-1], place[-1]
    known = known_keys(table)
    close = difflib.get_close_matches(key, known, n=1)
    hint = f" (did you mean {close[0]}?)" if close else ""
    where = f"[{'.'.join(table)}]" if table else "the top level"
    return f"unknown key {key!r} in {where}{hint}; known are {', '.join(known)}"


def known_keys(table: Sequence[str]) -> list[str]:
    """The keys of the table at this place of a recipe."""
    model: type[BaseModel] = Recipe
    for part in table:
        for name, field in model.model_fields.items():
            if part in (name, field.alias):
                model = _model_in(field.annotation) or model
    return sorted(field.alias or name for name, field in model.model_fields.items())


def _model_in(annotation: Any) -> type[BaseModel] | None:
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((m for m in map(_model_in, typing.get_args(annotation)) if m), None)
