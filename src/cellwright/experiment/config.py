"""The strict form of a recipe: every key is known, every value is checked before work begins."""

# ruff: noqa: RUF012 - pydantic gives each table a copy of a default

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from cellwright.experiment.data_config import Count, Data, Pair, PaperData, Positive, Strict
from cellwright.experiment.merge import merged
from cellwright.types import Tag

NotNegative = Annotated[float, Field(ge=0)]
AboveZero = Annotated[float, Field(gt=0, le=1)]
SLUG = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class Label(Strict):
    """Labels of the training images made without a hand; they replace labels that came along."""

    segmenter: str = "watershed"
    options: dict[str, Any] = {}


class Train(Strict):
    """Arguments of ``cellwright train``; None is the method's own."""

    method: str = "unet-distance"
    options: dict[str, Any] = {}
    classes: tuple[str, ...] | None = None
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    where: dict[str, Tag | tuple[Tag, ...]] = {}
    init: Path | None = None
    epochs: Count | None = None
    minutes: Positive | None = None
    crops_per_epoch: Count | None = None
    batch_size: Count | None = None
    accumulate: Count = 1
    crop: Pair | None = None
    scale: tuple[Positive, Positive] | None = None
    light: Literal["fluorescence", "transmitted"] | None = None
    to_diameter: Positive | None = None
    optimizer: Literal["adamw", "adam", "sgd"] | None = None
    learning_rate: Positive | None = None
    weight_decay: NotNegative | None = None
    momentum: Annotated[float, Field(ge=0, lt=1)] | None = None
    schedule: Literal["one-cycle", "cyclic", "plateau", "steps", "constant"] | None = None
    warm_up_steps: Annotated[int, Field(ge=0)] | None = None
    milestones: tuple[Count, ...] | None = None
    least_rate: NotNegative | None = None
    half_cycle: Count | None = None
    plateau_patience: Count | None = None
    loss_weights: dict[str, NotNegative] = {}
    curriculum: tuple[AboveZero, AboveZero] | None = None
    patience: Count | None = None
    widths: tuple[Count, ...] | None = None
    normalise: Literal["percentile", "min-max", "z-score"] | None = None
    precision: str = "auto"
    devices: Count | None = None
    nodes: Count = 1
    strategy: str = "auto"

    def pairs(self) -> tuple[tuple[str, str], ...]:
        """`where` as pairs of key and value; several values of one key are alternatives."""
        return tuple(
            (key, str(value))
            for key, values in self.where.items()
            for value in (values if isinstance(values, tuple) else (values,))
        )


class Predict(Strict):
    """Arguments of ``cellwright predict``."""

    formats: tuple[str, ...] = ("coco", "labels", "measurements")
    tile_shape: Pair | None = None
    halo: Pair | None = None
    average: bool = False


class Evaluate(Strict):
    """Arguments of ``cellwright evaluate``."""

    by: tuple[str, ...] = ()
    classes: tuple[str, ...] = ()
    preset: Literal["coco", "livecell"] = "coco"
    errors: bool = False
    on_training_images: bool = False
    resamples: Annotated[int, Field(ge=0)] = 1000


@dataclass(frozen=True, slots=True)
class Run:
    """A variant trained with one seed, and the folder of its outputs below that of the recipe."""

    seed: int
    place: str

    @property
    def name(self) -> str:
        """What its stages are called after."""
        return self.place.replace("/", ".")


class Variant(Strict):
    """One line of a comparison: what differs from the recipe's own tables.

    Parameters
    ----------
    data
        Name of the images that it learns from: "train", or one of ``[data.more]``.
    after
        Earlier variant from whose weights, of the same seed, its training starts; "" for none.
    label
        Labels to learn from.
    segmenter, options
        A segmenter, with its options, that finds the cells of the test images without training
        of ours; no model then.
    train, predict
        Values laid over ``[train]`` and ``[predict]``.
    needs
        What is missing to run it; the table then says so, and it is not run.
    optional
        Whether the recipe goes on where it cannot be run; the table then says why.
    """

    name: Annotated[str, Field(pattern=SLUG)]
    data: str = "train"
    after: str = ""
    label: Label | None = None
    segmenter: str | None = None
    options: dict[str, Any] = {}
    train: dict[str, Any] = {}
    predict: dict[str, Any] = {}
    needs: str = ""
    optional: bool = False

    @model_validator(mode="after")
    def _learns_or_not(self) -> Variant:
        if self.segmenter is None and self.options:
            raise ValueError("options are those of a segmenter, which is not named")
        if self.segmenter is not None and (self.train or self.predict or self.label or self.after):
            raise ValueError(
                "a segmenter takes options; train, predict, label and after are of methods"
            )
        return self


class PaperRow(Strict):
    """A row of the paper's table.

    Parameters
    ----------
    name
        What the paper calls it.
    figures
        Column -> the paper's figure; may be empty for a row of ours.
    variant
        Whose scores stand beside them; None for none.
    within
        Where in the scores the columns are looked up: ``"by/z/12"``, ``"analysis/gt mask"``.
    needs
        What is missing to measure it, where no variant does.
    note
        What has to be known of it, such as a slip of the paper.
    """

    name: str
    figures: dict[str, float] = {}
    variant: str | None = None
    within: str = ""
    needs: str = ""
    note: str = ""


class Recipe(Strict):
    """A whole experiment: data, (label,) train, predict, evaluate, report.

    Parameters
    ----------
    source
        The paper, its table, and the data of its figures.
    stand_in
        What was measured on in place of the paper's data; empty for the same data.
    seed, seeds
        Of weights and crops. With several, each variant is trained once with each, and the
        table gives the mean and the standard deviation of its figures.
    columns
        Column of the paper's table -> path of the same figure in scores.json, ``"pixel/f1"``.
    percent
        Columns that the paper gives in percent.
    notes
        What has to be known of the whole table.
    quick
        Values laid over the recipe in its ``--quick`` form. ``quick.only`` names the variants
        that it runs, of all if it is not there.
    """

    title: str
    about: str = ""
    source: str = ""
    stand_in: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    seeds: tuple[Annotated[int, Field(ge=0)], ...] = ()
    data: Data
    paper_data: PaperData | None = None
    label: Label | None = None
    train: Train = Train()
    predict: Predict = Predict()
    evaluate: Evaluate = Evaluate()
    variant: tuple[Variant, ...] = ()
    columns: dict[str, str] = {}
    percent: tuple[str, ...] = ()
    paper: tuple[PaperRow, ...] = ()
    notes: tuple[str, ...] = ()
    quick: dict[str, Any] = {}

    @model_validator(mode="after")
    def _names_meet(self) -> Recipe:
        names = [v.name for v in self.variants()]
        if len(set(names)) != len(names):
            raise ValueError(f"two variants share a name among {', '.join(names)}")
        unknown = {r.variant for r in self.paper if r.variant is not None} - set(names)
        if unknown:
            raise ValueError(
                f"paper rows name the variants {', '.join(sorted(unknown))}, "
                f"the recipe has {', '.join(names)}"
            )
        known_data = self.data.sources()
        if strange := [v.data for v in self.variants() if v.data not in known_data]:
            raise ValueError(
                f"a variant learns from the data {strange[0]!r}, "
                f"the recipe has {', '.join(known_data)}"
            )
        for number, variant in enumerate(self.variants()):
            trained = [v.name for v in self.variants()[:number] if v.segmenter is None]
            if variant.after and variant.after not in trained:
                raise ValueError(
                    f"{variant.name} goes on after {variant.after!r}, which is none of the "
                    f"variants trained before it: {', '.join(trained) or 'none'}"
                )
        if len(set(self.seeds)) != len(self.seeds):
            raise ValueError(f"seeds {', '.join(map(str, self.seeds))} repeat one")
        used = [column for row in self.paper for column in row.figures] + list(self.percent)
        if lost := sorted(set(used) - set(self.columns)):
            known = ", ".join(self.columns) or "none"
            raise ValueError(f"{', '.join(lost)} are no columns; [columns] has {known}")
        if self.data.test is None and any(r.variant for r in self.paper):
            raise ValueError("paper rows compare with scores, which need [data.test]")
        if self.data.test is None and any(v.segmenter for v in self.variants()):
            raise ValueError("a segmenter is run on the test images, which need [data.test]")
        return self

    def variants(self) -> tuple[Variant, ...]:
        """The lines of the comparison; one, named after the method, if none is written."""
        return self.variant or (Variant(name=self.train.method),)

    def runs(self, variant: Variant) -> tuple[Run, ...]:
        """The trainings of `variant`, one for each seed; a segmenter is run once."""
        if not self.seeds or variant.segmenter is not None:
            return (Run(self.seed, variant.name),)
        return tuple(Run(seed, f"{variant.name}/seed-{seed}") for seed in self.seeds)

    def train_of(self, variant: Variant) -> Train:
        """Training settings of `variant`."""
        return Train.model_validate(merged(self.train.model_dump(), variant.train))

    def predict_of(self, variant: Variant) -> Predict:
        """Prediction settings of `variant`."""
        return Predict.model_validate(self.predict.model_dump() | variant.predict)

    def label_of(self, variant: Variant) -> Label | None:
        """Labelling settings of `variant`, None for the labels that came along."""
        return variant.label or self.label

    def data_line(self) -> str:
        """On which data the paper's figures and ours were got, in one line."""
        theirs = f"The paper's figures: {self.source}. " if self.source else ""
        ours = f"stand-in, not the paper's data: {self.stand_in}" if self.stand_in else ""
        return f"{theirs}Measured on {ours or 'the same data'}."
