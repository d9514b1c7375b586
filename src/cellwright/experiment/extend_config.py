"""Extended data of a recipe: more images of another part, and translators for them."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator

from cellwright.types import Tag

Whole = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Number = Annotated[float, Field(ge=0)]
#: a range as on the command line, "20..1000"
Span = Annotated[str, Field(pattern=r"^[0-9.]+\.\.[0-9.]+$")]
Above = Annotated[float, Field(gt=0)]


class Strict(BaseModel):
    """A table of a recipe; an unknown key is an error."""

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)


class Translator(Strict):
    """A network from one kind of picture to another; arguments of ``cellwright learn-translation``.

    Parameters
    ----------
    data
        Name of the images, with both kinds as channels, that it learns from.
    """

    data: str
    source: Annotated[tuple[str, ...], Field(min_length=1)]
    target: Annotated[tuple[str, ...], Field(min_length=1)]
    how: Literal["pix2pix", "autoencoder"] = "pix2pix"
    widths: tuple[Whole, ...] | None = None
    crop: Whole = 512
    batch_size: Whole = 4
    epochs: Whole | None = None
    minutes: Above | None = None
    learning_rate: Above = 2e-4
    l1_weight: Number = 100.0
    val_fraction: Annotated[float, Field(gt=0, lt=1)] = 0.15
    features: str = "cells"
    seed: Annotated[int, Field(ge=0)] = 0

    #: keys that `cellwright.experiment.stages` sees to, not the step
    AFTER: ClassVar[tuple[str, ...]] = ("data",)


class Extend(Strict):
    """Images made of the cells of another part; arguments of ``cellwright extend``.

    Parameters
    ----------
    from_
        Name of the images whose cells they are made of; those of val and test are refused.
    translator
        Name of the translator of ``how = "pix2pix"``.
    """

    from_: str = Field(default="train", alias="from")
    how: Literal["grey", "phase", "pix2pix", "simulate"] = "grey"
    n: Whole = 100
    density: Literal["own"] | Whole | tuple[Whole, Whole] | Span = "own"
    by: str | None = None
    overlap: Share | tuple[Share, Share] | Span = "0..0.2"
    clustered: Share | None = None
    mixed: Whole = 4
    shape: tuple[Whole, Whole] | None = None
    resize: Above | tuple[Above, Above] | None = None
    elastic: Number | None = None
    rotate: bool = True
    edge: Number | None = None
    halo: bool = True
    carried: str | tuple[str, ...] = "nucleus"
    translator: str | None = None
    model: Path | None = None
    preset: str | None = None
    modality: str | None = None
    where: dict[str, Tag | tuple[Tag, ...]] = {}
    originals: bool = False
    seed: Annotated[int, Field(ge=0)] = 0

    #: keys that `cellwright.experiment.stages` sees to, not the step
    AFTER: ClassVar[tuple[str, ...]] = ("from_", "translator")

    @model_validator(mode="after")
    def _from_what_may_be_learnt(self) -> Extend:
        if self.from_ in ("val", "test"):
            raise ValueError(f"cells of {self.from_} must not be learnt from; name another part")
        named = self.translator is not None or self.model is not None
        if (self.how == "pix2pix") != named or None not in (self.translator, self.model):
            raise ValueError("pix2pix, and nothing else, wants one of translator and model")
        return self

    def arguments(self) -> dict[str, Any]:
        """What `cellwright.steps.extend.extend` is called with besides folders and translator."""
        found = self.model_dump(exclude={*self.AFTER, "where", "model"})
        pairs = [
            (key, str(value))
            for key, values in self.where.items()
            for value in (values if isinstance(values, tuple) else (values,))
        ]
        return found | {"where": pairs}
