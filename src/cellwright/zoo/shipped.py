"""The models that come with the package: an explicit list, each with hash, data and licence.

Their weights are made by the recipes named here, from nothing but the data named here. A model
folder lies in ``models/`` beside this file, with the page about it, ``CARD.md``.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellwright.types import InputError

PLACE = Path(__file__).parent / "models"


@dataclass(frozen=True, slots=True)
class Shipped:
    """A model of the package.

    Parameters
    ----------
    name, summary
        As in ``cellwright predict -m``, and what it is for.
    sha256
        Of its weights.
    trained_on, licence
        Data sets, and the licence of each.
    recipe
        What rebuilds it, under ``recipes/``.
    bright
        Whether its cells are bright on dark; images of dark cells are inverted for it.
    far
        Factor between the diameter of the cells found and that of the training beyond which the
        image is brought to it: chosen on the fold of the training.
    """

    name: str
    summary: str
    sha256: str
    trained_on: str
    licence: str
    recipe: str
    bright: bool
    far: float

    @property
    def folder(self) -> Path:
        """Its model folder."""
        return PLACE / self.name

    @property
    def card(self) -> str:
        """The page about it, Markdown."""
        return (self.folder / "CARD.md").read_text(encoding="utf-8")


SHIPPED: tuple[Shipped, ...] = (
    Shipped(
        "nuclei",
        "nuclei in fluorescence, bright on dark",
        "6ed621a4117c05d74df2cbde120c6678dad6b42ac658c0cab1547c8b482aee57",
        "BBBC038, the Data Science Bowl 2018 (train part, fluorescence)",
        "CC0",
        "recipes/models/nuclei.toml",
        bright=True,
        far=2.0,
    ),
    Shipped(
        "cells",
        "cells in phase contrast, bright field and differential interference contrast",
        "e7077caf69df02c2d324901a0d78718e80bc7edbdff53e177492339cfd670cc1",
        "Usiigaci, BBBC009, BABY, BBBC010 (train parts) and simulated fields",
        "MIT, public domain, MIT, CC0",
        "recipes/models/cells.toml",
        bright=False,
        far=1.4,
    ),
)


def shipped(name: str) -> Shipped | None:
    """The model of that name, or None."""
    return next((model for model in SHIPPED if model.name == name), None)


def model_folder(model: str | Path) -> Path:
    """The folder of a model that is given by its name or as a folder; a folder goes first.

    Raises
    ------
    InputError
        If it is neither.
    """
    if (Path(model) / "model.json").is_file():
        return Path(model)
    known = shipped(str(model))
    if known is None and Path(model).is_dir():
        return Path(model)
    if known is None:
        raise InputError(
            f"{model} is neither a model folder nor a model that ships; those are "
            f"{', '.join(m.name for m in SHIPPED)}"
        )
    return known.folder


def suited(foreground: str) -> Shipped:
    """The model for images whose cells stand out so.

    Parameters
    ----------
    foreground
        "bright" takes ``nuclei``; "dark" and "texture" take ``cells``, as of
        `cellwright.classical.modality.guess_foreground`.
    """
    found = shipped("nuclei" if foreground == "bright" else "cells")
    if found is None:
        raise InputError(f"no model for {foreground} cells ships; give one with -m")
    return found
