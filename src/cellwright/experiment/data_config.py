"""The data of a recipe: simulated plates, images on disk, data sets."""

# ruff: noqa: RUF012 - pydantic gives each table a copy of a default

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

from pydantic import Field, field_validator, model_validator

from cellwright.experiment.extend_config import Extend, Strict, Translator
from cellwright.types import Tag

Pair = tuple[Annotated[int, Field(ge=0)], Annotated[int, Field(ge=0)]]
Count = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]
Positive = Annotated[float, Field(gt=0)]
Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]


class Simulate(Strict):
    """A simulated plate: arguments of ``cellwright simulate``, and what becomes of its images.

    Parameters
    ----------
    preset
        With a preset, only what the recipe says itself counts before what the preset draws;
        ``nuclei`` is always the recipe's.
    tags
        Further tags of its images, such as a cell line.
    z
        Names of the planes. If they are given, each plane becomes an image of its own, with
        the name as its tag ``z`` and all cells of its field.
    each_channel
        Whether each channel becomes an image of its own, with its name as tag ``modality``.
    vitality
        Whether the classes of the cells are "Alive" and "Dead", which needs `dead`.
    with_phase
        Whether each bright-field image has the phase contrast of the same cells as its first
        channel: channels "phase", "brightfield-0", "brightfield-1" ..., one for each plane.
    """

    preset: str | None = None
    fields: Count = 8
    shape: Pair = (256, 256)
    times: Count = 1
    cells: Count | None = None
    coverage: Annotated[float, Field(gt=0, le=1)] | None = None
    overlap: Annotated[float, Field(ge=0, le=0.9)] = 0.1
    max_shared: Annotated[float, Field(gt=0, le=1)] = 0.25
    cluster: Count | None = None
    planes: Count = 1
    modality: Literal["fluorescence", "brightfield", "phase", "dic", "both"] = "fluorescence"
    kind: str = "round"
    diameter: Positive = 16.0
    pixel_size: Positive = 0.5
    nuclei: bool = False
    dead: Share | None = None
    contrast: Positive | None = None
    bleed: Share = 0.0
    dust: Annotated[float, Field(ge=0)] | None = None
    seed: Annotated[int, Field(ge=0)] = 0
    tags: dict[str, Tag] = {}
    z: tuple[int, ...] = ()
    each_channel: bool = False
    vitality: bool = False
    with_phase: bool = False

    #: keys that `cellwright.experiment.simulated` sees to, not the simulator
    AFTER: ClassVar[tuple[str, ...]] = ("tags", "z", "each_channel", "vitality", "with_phase")

    @model_validator(mode="after")
    def _meets(self) -> Simulate:
        if self.z and len(self.z) != self.planes:
            raise ValueError(f"{len(self.z)} planes are named in z, there are {self.planes}")
        if self.vitality and self.dead is None:
            raise ValueError("vitality makes Alive and Dead the classes, which needs dead")
        if self.with_phase and (self.modality != "brightfield" or self.z):
            raise ValueError(
                "with_phase adds phase contrast to planes of modality brightfield without names z"
            )
        return self


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


class Joined(Strict):
    """Images that are joined with others into one data set.

    Parameters
    ----------
    name
        Stands before the names of its images and is their tag ``source``.
    simulate, import_
        Where they come from. Both: bright-field cells are simulated in the empty fields that
        are imported, `Simulate.fields` times in each.
    heights
        Micrometres of each plane of such a field above the focus.
    diameter
        Typical diameter of the cells in pixels, or in the empty fields that of the cells they
        are made for: brought to `Source.diameter`. None leaves the size as it is.
    repeat
        How often each image is in the data set, for more of its crops.
    """

    name: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]+$")]
    simulate: Simulate | None = None
    import_: Import | None = Field(default=None, alias="import")
    heights: tuple[float, ...] | None = None
    diameter: Positive | None = None
    repeat: Count = 1

    @model_validator(mode="after")
    def _from_somewhere(self) -> Joined:
        if self.simulate is None and self.import_ is None:
            raise ValueError("wants simulate, import or both; none came")
        return self


class Source(Strict):
    """Images of simulations (one or several in one data set), of an import, or a data set.

    Or several of them `joined`, whose cells are brought to one typical `diameter` in pixels; or
    those that `extend` makes of the cells of another part.
    """

    simulate: tuple[Simulate, ...] | None = None
    import_: Import | None = Field(default=None, alias="import")
    dataset: Path | None = None
    joined: tuple[Joined, ...] | None = None
    extend: Extend | None = None
    diameter: Positive | None = None

    @field_validator("simulate", mode="before")
    @classmethod
    def _in_a_list(cls, value: Any) -> Any:
        return [value] if isinstance(value, Mapping | Simulate) else value

    @field_validator("simulate")
    @classmethod
    def _together(cls, parts: tuple[Simulate, ...] | None) -> tuple[Simulate, ...] | None:
        if parts is not None and not parts:
            raise ValueError("an empty list came, at least one simulation is wanted")
        kinds = {(p.nuclei, p.vitality) for p in parts or ()}
        if len(kinds) > 1:
            raise ValueError("simulations of one data set must agree in nuclei and vitality")
        return parts

    @model_validator(mode="after")
    def _one_of_five(self) -> Source:
        kinds = ("simulate", "import_", "dataset", "joined", "extend")
        given = [n for n in kinds if getattr(self, n) is not None]
        if len(given) != 1:
            raise ValueError(
                f"wants one of simulate, import, dataset, joined, extend; {len(given)} came"
            )
        wanted = any(p.diameter for p in self.joined or ())
        if wanted != (self.diameter is not None):
            raise ValueError("a diameter of the source goes with diameters of joined parts")
        return self


class Data(Strict):
    """Images to learn from, to tune on, and to be scored on.

    Parameters
    ----------
    more
        Further images by name, which a variant may learn from in place of those of `train`.
    translator
        Translators by name, for images that are extended by pix2pix.
    """

    train: Source
    val: Source | None = None
    test: Source | None = None
    more: dict[Name, Source] = {}
    translator: dict[Name, Translator] = {}

    @model_validator(mode="after")
    def _names_meet(self) -> Data:
        if taken := sorted({"train", "val", "test"} & set(self.more)):
            raise ValueError(f"more: {taken[0]} is the name of another part")
        for name, learnt in self.translator.items():
            if learnt.data not in self.sources() or learnt.data == "test":
                known = ", ".join(n for n in self.sources() if n != "test")
                raise ValueError(f"translator.{name}.data is one of {known}; {learnt.data!r} came")
        for name in self.sources():
            self._origins(name, ())
        return self

    def _origins(self, name: str, before: tuple[str, ...]) -> tuple[str, ...]:
        """What `name` is made of, itself last; fails where that is nothing or goes in a circle."""
        if name in before:
            raise ValueError(f"{' from '.join((*before, name))}: extended from itself")
        sources = self.sources()
        made = sources[name].extend
        if made is None:
            return (name,)
        if made.from_ not in sources:
            raise ValueError(
                f"{name}.extend.from is one of {', '.join(sources)}; {made.from_!r} came"
            )
        needs = [made.from_]
        if made.translator is not None:
            if made.translator not in self.translator:
                known = ", ".join(self.translator) or "none"
                raise ValueError(
                    f"{name}.extend.translator {made.translator!r} came; the recipe has {known}"
                )
            needs.append(self.translator[made.translator].data)
        found = [n for need in needs for n in self._origins(need, (*before, name))]
        return (*dict.fromkeys(found), name)

    def needed(self, names: Iterable[str]) -> tuple[str, ...]:
        """`names` with all that they are made of, in an order in which they can be made."""
        return tuple(dict.fromkeys(n for name in names for n in self._origins(name, ())))

    def sources(self) -> dict[str, Source]:
        """All images by name."""
        parts = {"train": self.train, "val": self.val, "test": self.test, **self.more}
        return {name: source for name, source in parts.items() if source is not None}


class PaperData(Data):
    """The paper's own images, taken in place of the stand-in where the user has them.

    Parameters
    ----------
    variable
        Variable of the environment that names their folder; where it is set, these sources
        replace those of ``[data]`` in the full form of the recipe.
    settings
        Values laid over ``[train]`` with them, such as epochs that make as many steps.
    """

    variable: str
    settings: dict[str, Any] = Field(default_factory=dict)
