"""The strict form of a recipe: every key is known, every value is checked before work begins."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cellwright.types import Tag

Pair = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
Count = Annotated[int, Field(ge=1)]
SLUG = r"^[A-Za-z0-9][A-Za-z0-9._-]*$"


class Strict(BaseModel):
    """A table of a recipe; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Simulate(Strict):
    """A simulated plate; arguments of ``cellwright simulate``."""

    fields: Count = 8
    shape: Pair = (256, 256)
    cells: Count | None = None
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    planes: Count = 1
    modality: Literal["fluorescence", "brightfield", "both"] = "fluorescence"
    kind: str = "round"
    diameter: Annotated[float, Field(gt=0)] = 16.0
    nuclei: bool = False
    seed: Annotated[int, Field(ge=0)] = 0


class Import(Strict):
    """Images on disk; arguments of ``cellwright import``."""

    sources: Annotated[tuple[Path, ...], Field(min_length=1)]
    masks: Path | None = None
    mask_kind: Literal["auto", "labels", "binary", "components", "outlines", "rois", "coco"] = (
        "auto"
    )
    mask_pattern: str | None = None
    mask_tiles: Literal["cells", "planes"] | None = None
    pattern: str | tuple[str, ...] | None = None
    tags: tuple[str, ...] = ()
    tag_table: Path | None = None
    where: tuple[str, ...] = ()
    split: tuple[str, ...] = ()
    group: tuple[str, ...] = ()
    seed: Annotated[int, Field(ge=0)] = 0
    channels: tuple[str, ...] = ()
    channel: tuple[str, ...] = ()
    keep_channels: tuple[str, ...] = ()
    modalities: Literal["stack", "each"] = "stack"
    planes: Literal["stack", "each"] = "stack"
    project: Literal["median", "max", "mean", "focus"] | None = None
    split_columns: Annotated[int, Field(ge=1)] = 1
    split_rows: Annotated[int, Field(ge=1)] = 1
    split_as: Literal["z", "channel"] = "z"
    resize: tuple[Annotated[int, Field(ge=1)], Annotated[int, Field(ge=1)]] | None = None
    axes: str | None = None
    pixel_size: Annotated[float, Field(gt=0)] | None = None
    class_name: str = "cell"


class Source(Strict):
    """Where images come from: exactly one of a simulation, an import or a data set."""

    simulate: Simulate | None = None
    import_: Import | None = Field(default=None, alias="import")
    dataset: Path | None = None

    @model_validator(mode="after")
    def _one_of_three(self) -> Source:
        given = [n for n in ("simulate", "import_", "dataset") if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(f"wants one of simulate, import, dataset; {len(given)} came")
        return self


class Data(Strict):
    """Images to learn from, to tune on, and to be scored on."""

    train: Source
    val: Source | None = None
    test: Source | None = None


class Label(Strict):
    """Labels of the training images made without a hand; they replace labels that came along."""

    segmenter: str = "watershed"
    options: dict[str, Any] = {}


class Train(Strict):
    """Arguments of ``cellwright train``."""

    method: str = "unet-distance"
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    where: dict[str, Tag | tuple[Tag, ...]] = {}
    init: Path | None = None
    epochs: Count | None = None
    minutes: Annotated[float, Field(gt=0)] | None = None
    batch_size: Count = 4
    accumulate: Count = 1
    crop: Pair = (256, 256)
    scale: tuple[float, float] = (0.6, 1.7)
    learning_rate: Annotated[float, Field(gt=0)] = 2e-3
    patience: Count | None = None
    widths: tuple[Count, ...] | None = None
    normalise: Literal["percentile", "min-max", "z-score"] | None = None

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


class Variant(Strict):
    """One line of a comparison: what differs from the recipe's own tables."""

    name: Annotated[str, Field(pattern=SLUG)]
    label: Label | None = None
    train: dict[str, Any] = {}
    predict: dict[str, Any] = {}


class PaperRow(Strict):
    """A published figure; `metric` is the path of ours in scores.json, ``pixel/f1``."""

    name: str
    metric: str
    value: float
    variant: str | None = None
    note: str = ""


class Recipe(Strict):
    """A whole experiment: data, (label,) train, predict, evaluate, report."""

    title: str
    about: str = ""
    source: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    data: Data
    label: Label | None = None
    train: Train = Train()
    predict: Predict = Predict()
    evaluate: Evaluate = Evaluate()
    variant: tuple[Variant, ...] = ()
    paper: tuple[PaperRow, ...] = ()
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
        if self.data.test is None and any(r.variant for r in self.paper):
            raise ValueError("paper rows compare with scores, which need [data.test]")
        return self

    def variants(self) -> tuple[Variant, ...]:
        """The lines of the comparison; one, named after the method, if none is written."""
        return self.variant or (Variant(name=self.train.method),)

    def train_of(self, variant: Variant) -> Train:
        """Training settings of `variant`."""
        return Train.model_validate(self.train.model_dump() | variant.train)

    def predict_of(self, variant: Variant) -> Predict:
        """Prediction settings of `variant`."""
        return Predict.model_validate(self.predict.model_dump() | variant.predict)

    def label_of(self, variant: Variant) -> Label | None:
        """Labelling settings of `variant`, None for the labels that came along."""
        return variant.label or self.label
