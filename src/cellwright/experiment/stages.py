"""The stages of a recipe: what each needs, where its output lies, and the step that makes it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cellwright.experiment.config import Label, Recipe, Run, Variant
from cellwright.experiment.data_config import Source
from cellwright.experiment.extend_config import Extend
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
    inputs
        What it reads: outputs of earlier stages, or data sets made elsewhere.
    action
        Runs the step; called with True if an earlier call of the same settings was cut short.
    variant
        Whose stage it is; "" for data that all variants share.
    """

    name: str
    output: Path
    settings: dict[str, Any]
    inputs: tuple[Path, ...]
    action: Callable[[bool], tuple[Failure, ...]]
    variant: str = ""


def plan(recipe: Recipe, folder: Path, *, device: str, quiet: bool) -> list[Stage]:
    """All stages of `recipe` up to the scores, in an order in which they can run."""
    stages: list[Stage] = []
    places = data_places(recipe, folder)
    sources = recipe.data.sources()
    how = {"device": device, "quiet": quiet}
    for part in wanted_data(recipe):
        made = sources[part].extend
        if made is not None:
            stages += _extend(recipe, part, made, folder, how)
        elif sources[part].dataset is None:
            stages.append(_data(part, sources[part], places[part], quiet))
    stages = list({stage.name: stage for stage in stages}.values())
    for variant in recipe.variants():
        if variant.needs:
            continue
        here, training = folder / variant.name, places[variant.data]
        if variant.segmenter is not None:
            stages.append(_segment(variant, places["test"], here / "predictions", quiet))
            run = Run(recipe.seed, variant.name)
            stages.append(_evaluate(recipe, variant, run, places["test"], here, quiet))
            continue
        label = recipe.label_of(variant)
        if label is not None:
            stages.append(_label(variant.name, label, training, here / "labels", quiet))
            training = here / "labels"
        for run in recipe.runs(variant):
            here = folder / run.place
            val = places.get("val")
            first = _first(recipe, variant, run, folder)
            stages.append(_train(recipe, variant, run, training, val, first, here / "model", how))
            if "test" in places:
                stages.append(_predict(recipe, variant, run, places["test"], here, how))
                stages.append(_evaluate(recipe, variant, run, places["test"], here, quiet))
    return stages


def data_places(recipe: Recipe, folder: Path) -> dict[str, Path]:
    """Where each data set of `recipe` lies, by its name."""
    return {
        name: source.dataset or folder / "data" / name
        for name, source in recipe.data.sources().items()
    }


def wanted_data(recipe: Recipe) -> list[str]:
    """Names of the data sets that a variant which is run needs, in the order of making them."""
    learnt = {v.data for v in recipe.variants() if not v.needs}
    names = [n for n in recipe.data.sources() if n in {"train", "val", "test", *learnt}]
    return list(recipe.data.needed(names))


def _data(part: str, source: Source, output: Path, quiet: bool) -> Stage:
    def action(resume: bool) -> tuple[Failure, ...]:
        if source.import_ is not None:
            from cellwright.steps.import_images import import_images

            settings = source.import_.model_dump()
            return import_images(settings.pop("sources"), output, **settings, quiet=quiet).failed
        if source.joined is not None:
            from cellwright.experiment.joined import join

            return join(source.joined, output, diameter=source.diameter, quiet=quiet)
        assert source.simulate is not None
        from cellwright.experiment.simulated import simulated

        simulated(source.simulate, output, quiet=quiet)
        return ()

    return Stage(f"data.{part}", output, source.model_dump(mode="json"), (), action)


def _extend(
    recipe: Recipe, part: str, settings: Extend, folder: Path, how: dict[str, Any]
) -> list[Stage]:
    """The translator that `part` needs, if it needs one, and the extended images."""
    places = data_places(recipe, folder)
    dataset, output = places[settings.from_], places[part]
    stages, inputs, model = [], [dataset], settings.model
    if settings.translator is not None:
        stage = _translator(recipe, settings.translator, folder, how)
        stages.append(stage)
        inputs.append(stage.output)
        model = stage.output

    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.extend import extend

        return extend(dataset, output, model=model, **settings.arguments(), **how).failed

    record = settings.model_dump(mode="json", by_alias=True)
    return [*stages, Stage(f"data.{part}", output, record, tuple(inputs), action)]


def _translator(recipe: Recipe, name: str, folder: Path, how: dict[str, Any]) -> Stage:
    settings = recipe.data.translator[name]
    dataset, output = data_places(recipe, folder)[settings.data], folder / "translators" / name

    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.learn_translation import learn_translation

        options = settings.model_dump(exclude=set(settings.AFTER)) | how
        return learn_translation(dataset, output, resume=resume, **options).failed

    record = settings.model_dump(mode="json")
    return Stage(f"translator.{name}", output, record, (dataset,), action)


def _label(name: str, settings: Label, images: Path, output: Path, quiet: bool) -> Stage:
    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.label import label

        return label(images, output, **settings.model_dump(), quiet=quiet).failed

    record = settings.model_dump(mode="json")
    return Stage(f"{name}.label", output, record, (images,), action, name)


def _segment(variant: Variant, images: Path, output: Path, quiet: bool) -> Stage:
    """The test images under a segmenter, which takes the place of training and prediction."""
    settings: dict[str, Any] = {"segmenter": variant.segmenter, "options": variant.options}

    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.label import label

        return label(images, output, quiet=quiet, **settings).failed

    name = variant.name
    return Stage(f"{name}.segment", output, dict(settings), (images,), action, name)


def _first(recipe: Recipe, variant: Variant, run: Run, folder: Path) -> Path | None:
    """The model from whose weights the training of `variant` starts, if a variant made it."""
    if not variant.after:
        return None
    earlier = next(v for v in recipe.variants() if v.name == variant.after)
    return next(folder / r.place / "model" for r in recipe.runs(earlier) if r.seed == run.seed)


def _train(
    recipe: Recipe,
    variant: Variant,
    run: Run,
    dataset: Path,
    val: Path | None,
    first: Path | None,
    output: Path,
    how: dict[str, Any],
) -> Stage:
    settings = recipe.train_of(variant)

    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.train import train

        options = settings.model_dump() | {"where": settings.pairs(), "seed": run.seed} | how
        options |= {"init": first} if first else {}
        return train(dataset, output, val=val, resume=resume, **options).failed

    record = settings.model_dump(mode="json") | {"seed": run.seed}
    inputs = tuple(place for place in (dataset, val, first) if place is not None)
    return Stage(f"{run.name}.train", output, record, inputs, action, variant.name)


def _predict(
    recipe: Recipe, variant: Variant, run: Run, images: Path, here: Path, how: dict[str, Any]
) -> Stage:
    settings = recipe.predict_of(variant)
    model, output = here / "model", here / "predictions"

    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.predict import predict

        return predict(images, model, output, **settings.model_dump(), **how).failed

    record = settings.model_dump(mode="json")
    return Stage(f"{run.name}.predict", output, record, (images, model), action, variant.name)


def _evaluate(
    recipe: Recipe, variant: Variant, run: Run, truth: Path, here: Path, quiet: bool
) -> Stage:
    predictions, output = here / "predictions", here / "scores.json"
    settings = recipe.evaluate

    def action(resume: bool) -> tuple[Failure, ...]:
        from cellwright.steps.evaluate import evaluate

        evaluate(truth, predictions, output, **settings.model_dump(), quiet=quiet)
        return ()

    record = settings.model_dump(mode="json")
    inputs = (truth, predictions)
    return Stage(f"{run.name}.evaluate", output, record, inputs, action, variant.name)
