"""The stages of a recipe: what each needs, where its output lies, and the step that makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.experiment.config import Recipe, Source, Variant
from cellwright.steps.result import Failure


@dataclass(frozen=True, slots=True)
class Stage:
    """One step of a recipe.

    Parameters
    ----------
    name
        Unique in the recipe, ``unet.train``.
    output
        The file or folder that it makes.
    settings
        All that decides the output, as JSON values; other settings make the stage run again.
    needs
        Names of the stages whose output it reads.
    action
        Runs the step; called with True if an earlier call of the same settings was cut short.
    """

    name: str
    output: Path
    settings: dict[str, Any]
    needs: tuple[str, ...]
    action: Callable[[bool], tuple[Failure, ...]]


def plan(recipe: Recipe, folder: Path, *, device: str, quiet: bool) -> list[Stage]:
    """All stages of `recipe` up to the scores, in an order in which they can run."""
    stages = []
    places: dict[str, Path] = {}
    for part in ("train", "val", "test"):
        source: Source | None = getattr(recipe.data, part)
        if source is None:
            continue
        if source.dataset is not None:
            places[part] = source.dataset
        else:
            places[part] = folder / "data" / part
            stages.append(_data(part, source, places[part], quiet))
    made = {stage.name for stage in stages}
    for variant in recipe.variants():
        stages += _variant(recipe, variant, folder, places, made, device, quiet)
    return stages


def _data(part: str, source: Source, output: Path, quiet: bool) -> Stage:
    def action(resume: bool) -> tuple[Failure, ...]:
        if source.simulate is not None:
            from cellwright.steps.simulate import simulate

            return simulate(output, **source.simulate.model_dump(), quiet=quiet).failed
        from cellwright.steps.import_images import import_images

        assert source.import_ is not None
        settings = source.import_.model_dump()
        return import_images(settings.pop("sources"), output, **settings, quiet=quiet).failed

    return Stage(f"data.{part}", output, source.model_dump(mode="json"), (), action)


def _variant(
    recipe: Recipe,
    variant: Variant,
    folder: Path,
    places: dict[str, Path],
    made: set[str],
    device: str,
    quiet: bool,
) -> list[Stage]:
    here, name = folder / variant.name, variant.name
    label, settings = recipe.label_of(variant), recipe.train_of(variant)
    training, training_stage = places["train"], "data.train"
    stages = []

    def need(*names: str) -> tuple[str, ...]:
        return tuple(n for n in names if n in made or n.startswith(f"{name}."))

    if label is not None:

        def run_label(resume: bool) -> tuple[Failure, ...]:
            from cellwright.steps.label import label as step

            return step(places["train"], here / "labels", **label.model_dump(), quiet=quiet).failed

        stages.append(
            Stage(
                f"{name}.label",
                here / "labels",
                label.model_dump(mode="json") | {"images": str(places["train"])},
                need("data.train"),
                run_label,
            )
        )
        training, training_stage = here / "labels", f"{name}.label"

    def run_train(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.train import train

        options = settings.model_dump() | {"where": settings.pairs()}
        return train(
            training,
            here / "model",
            **options,
            val=places.get("val"),
            resume=resume,
            seed=recipe.seed,
            device=device,
            quiet=quiet,
        ).failed

    record = settings.model_dump(mode="json") | {"seed": recipe.seed, "dataset": str(training)}
    stages.append(
        Stage(
            f"{name}.train",
            here / "model",
            record | {"val": str(places.get("val", ""))},
            need(training_stage, "data.val"),
            run_train,
        )
    )
    if "test" in places:
        stages += _scored(recipe, variant, here, places["test"], need, device, quiet)
    return stages


def _scored(
    recipe: Recipe,
    variant: Variant,
    here: Path,
    test: Path,
    need: Callable[..., tuple[str, ...]],
    device: str,
    quiet: bool,
) -> list[Stage]:
    settings, scores = recipe.predict_of(variant), here / "scores.json"

    def run_predict(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.predict import predict

        options = settings.model_dump()
        out = here / "predictions"
        return predict([test], here / "model", out, **options, device=device, quiet=quiet).failed

    def run_evaluate(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.evaluate import evaluate

        evaluate(test, here / "predictions", scores, by=recipe.evaluate.by, quiet=quiet)
        return ()

    return [
        Stage(
            f"{variant.name}.predict",
            here / "predictions",
            settings.model_dump(mode="json") | {"images": str(test)},
            need("data.test", f"{variant.name}.train"),
            run_predict,
        ),
        Stage(
            f"{variant.name}.evaluate",
            scores,
            recipe.evaluate.model_dump(mode="json"),
            need("data.test", f"{variant.name}.predict"),
            run_evaluate,
        ),
    ]
