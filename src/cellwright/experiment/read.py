"""Read a recipe file: TOML, the ``[quick]`` form, paths, and errors in one line."""

from __future__ import annotations

import difflib
import os
import re
import tomllib
import typing
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ValidationError

from cellwright.experiment.config import Import, Recipe, Source
from cellwright.types import InputError

QUICK_EPOCHS = 2
QUICK_FIELDS = 4


def read_recipe(path: Path | str, *, quick: bool = False) -> Recipe:
    """The recipe in `path`.

    Relative paths are taken from the recipe's folder; ``$NAME`` is taken from the environment.

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
        raw = merged(raw, recipe.quick) if recipe.quick else _small(raw)
        recipe = parse_recipe(raw, f"{path} with its quick table")
    return _placed(recipe, path.parent)


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


def merged(base: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    """`base` with the values of `over` on top, table by table."""
    result = dict(base)
    for key, value in over.items():
        both = isinstance(value, Mapping) and isinstance(result.get(key), Mapping)
        result[key] = merged(result[key], value) if both else value
    return result


def _small(raw: Mapping[str, Any]) -> dict[str, Any]:
    train = {k: v for k, v in raw.get("train", {}).items() if k != "minutes"}
    result = {**raw, "train": train | {"epochs": QUICK_EPOCHS}}
    for part, source in raw["data"].items():
        if "simulate" in source:
            fields = min(source["simulate"].get("fields", 8), QUICK_FIELDS)
            less = {"data": {part: {"simulate": {"fields": fields}}}}
            result = merged(result, less)
    return result


def _summary(error: ValidationError, *table: str) -> str:
    found = sorted(error.errors(include_url=False), key=lambda e: e["type"] != "extra_forbidden")
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    return _explain(found[0], *table) + more


def _explain(error: Mapping[str, Any], *outer: str) -> str:
    place = [*outer, *(str(part) for part in error["loc"])]
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


def _placed(recipe: Recipe, folder: Path) -> Recipe:
    parts = ("train", "val", "test")
    sources = {p: _placed_source(getattr(recipe.data, p), folder) for p in parts}
    update: dict[str, Any] = {"data": recipe.data.model_copy(update=sources)}
    if recipe.train.init is not None:
        init = _placed_path(recipe.train.init, folder)
        update["train"] = recipe.train.model_copy(update={"init": init})
    update["variant"] = tuple(
        v.model_copy(update={"train": v.train | {"init": _placed_path(v.train["init"], folder)}})
        if "init" in v.train
        else v
        for v in recipe.variant
    )
    return recipe.model_copy(update=update)


def _placed_source(source: Source | None, folder: Path) -> Source | None:
    if source is None:
        return None
    update: dict[str, Any] = {}
    if source.dataset is not None:
        update["dataset"] = _placed_path(source.dataset, folder)
    if source.import_ is not None:
        update["import_"] = _placed_import(source.import_, folder)
    return source.model_copy(update=update)


def _placed_import(settings: Import, folder: Path) -> Import:
    update: dict[str, Any] = {"sources": tuple(_placed_path(p, folder) for p in settings.sources)}
    for name in ("masks", "tag_table"):
        if (path := getattr(settings, name)) is not None:
            update[name] = _placed_path(path, folder)
    return settings.model_copy(update=update)


def _placed_path(path: Path | str, folder: Path) -> Path:
    def value(found: re.Match[str]) -> str:
        name = found[1]
        if name not in os.environ:
            raise InputError(f"the recipe needs ${name}: set it to a folder, for example {name}=.")
        return os.environ[name]

    return (folder / Path(re.sub(r"\$(\w+)", value, str(path))).expanduser()).resolve()
