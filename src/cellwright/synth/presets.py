"""Presets of the simulator: ranges that mimic real data, from which every field draws its own.

A preset is plain data. Ranges were set by looking at the papers' figures and at the training
parts of openly licensed images; no pixel of a real image is in them. ``docs/simulator.md`` lists
them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from cellwright.synth.optics import Microscope
from cellwright.types import InputError

Range = tuple[float, float]
PRESET = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One kind of cells under one microscope; pairs are ranges that are drawn from evenly.

    Parameters
    ----------
    name
        Of the kind of cells; the tag ``cell_line`` of its images where a preset has several.
    kinds, clusters
        Shapes and sizes of clumps, one of which is drawn.
    diameter
        Mean diameter of a field's cells in micrometres.
    spread
        Standard deviation of the logarithm of the diameter within a field.
    coverage
        Share of the field under cells.
    overlap
        Share of the cells that overlap another one.
    touching
        Chance of a cell to be put beside another one.
    microscope
        Ranges of parameters of `cellwright.synth.Microscope` that are not at their defaults.
    """

    name: str = ""
    kinds: tuple[str, ...] = ("round",)
    clusters: tuple[int, ...] = (1,)
    diameter: Range
    spread: Range = (0.1, 0.2)
    coverage: Range = (0.1, 0.4)
    overlap: Range = (0.0, 0.15)
    touching: Range = (0.2, 0.5)
    microscope: Mapping[str, Range] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Preset:
    """A data set to mimic.

    Parameters
    ----------
    about
        Which data it mimics, in one line.
    modality, planes, nuclei, max_shared
        As of `cellwright.synth.simulate_field`.
    looks
        Kinds of cells, one of which is drawn for each field.
    """

    about: str
    modality: str
    looks: tuple[Look, ...]
    planes: int = 1
    nuclei: bool = False
    max_shared: float = 0.25


@dataclass(frozen=True, slots=True)
class Drawn:
    """What one field of a preset is made with.

    Parameters
    ----------
    arguments
        Of `cellwright.synth.simulate_field`, without seed, field and shape.
    microscope
        The microscope of the field.
    tags
        Tags of its image: ``preset``, and ``cell_line`` where there are several.
    """

    arguments: Mapping[str, Any]
    microscope: Microscope
    tags: Mapping[str, str]


#: kinds of cells of LIVECell: shapes, mean diameter (micrometres), coverage, sizes of clumps
LIVECELL: tuple[tuple[str, tuple[str, ...], Range, Range, tuple[int, ...]], ...] = (
    ("A172", ("lobed", "spindle"), (28.0, 36.0), (0.3, 0.8), (1,)),
    ("BT474", ("lobed",), (22.0, 30.0), (0.3, 0.75), (6, 12)),
    ("BV2", ("round",), (10.0, 14.0), (0.15, 0.6), (1,)),
    ("Huh7", ("oval", "lobed"), (30.0, 40.0), (0.3, 0.9), (1,)),
    ("MCF7", ("oval", "mixed"), (16.0, 24.0), (0.3, 0.8), (4, 10)),
    ("SHSY5Y", ("spindle",), (14.0, 20.0), (0.2, 0.6), (1, 5)),
    ("SkBr3", ("round",), (16.0, 22.0), (0.15, 0.5), (1,)),
    ("SKOV3", ("spindle", "oval"), (26.0, 36.0), (0.3, 0.8), (1,)),
)

#: every preset by name
PRESETS: dict[str, Preset] = {
    "protoplasts": Preset(
        about="plant protoplasts in bright field, stacks of 7 planes (P1, P2)",
        modality="brightfield",
        planes=7,
        looks=(
            Look(
                diameter=(22.0, 34.0),
                spread=(0.18, 0.28),
                coverage=(0.08, 0.3),
                overlap=(0.0, 0.12),
                microscope={"z_step": (2.0, 4.0), "unevenness": (0.1, 0.4), "dust": (0.0, 60.0)},
            ),
        ),
    ),
    "perkinelmer": Preset(
        about="dense overlapping cells with nuclei, two planes of bright field (P4)",
        modality="brightfield",
        planes=2,
        nuclei=True,
        max_shared=0.3,
        looks=(
            Look(
                kinds=("mixed", "oval", "lobed"),
                diameter=(18.0, 26.0),
                coverage=(0.4, 0.8),
                overlap=(0.2, 0.5),
                touching=(0.4, 0.7),
                microscope={"z_step": (6.0, 12.0)},
            ),
        ),
    ),
    "livecell": Preset(
        about="eight cell lines in phase contrast, tag cell_line (P3, LIVECell)",
        modality="phase",
        looks=tuple(
            Look(
                name=name,
                kinds=kinds,
                diameter=diameter,
                coverage=coverage,
                clusters=clusters,
                spread=(0.12, 0.25),
                overlap=(0.0, 0.1),
                microscope={"pixel_size": (1.0, 1.3), "aperture": (0.3, 0.3)},
            )
            for name, kinds, diameter, coverage, clusters in LIVECELL
        ),
    ),
    "dapi": Preset(
        about="nuclei in fluorescence, single, in clumps, dim beside bright (P5, dsb2018)",
        modality="fluorescence",
        looks=(
            Look(
                kinds=("flat", "flat", "oval", "mixed"),
                clusters=(1, 3, 8),
                diameter=(7.0, 18.0),
                spread=(0.1, 0.3),
                coverage=(0.02, 0.45),
                overlap=(0.0, 0.1),
                microscope={
                    "pixel_size": (0.4, 1.0),
                    "photons": (20.0, 600.0),
                    "unevenness": (0.1, 0.6),
                    "vignetting": (0.0, 0.4),
                },
            ),
        ),
    ),
    "adherent": Preset(
        about="flat spread-out granular cells in phase contrast, narrow halos (as in usiigaci)",
        modality="phase",
        looks=(
            Look(
                kinds=("stellate", "stellate", "lobed", "spindle"),
                diameter=(20.0, 40.0),
                spread=(0.15, 0.3),
                coverage=(0.05, 0.35),
                overlap=(0.0, 0.05),
                microscope={
                    "pixel_size": (0.6, 1.0),
                    "unevenness": (0.05, 0.3),
                    "dust": (0.0, 60.0),
                    "index_step": (0.0015, 0.005),
                    "granules": (1.5, 4.0),
                    "halo": (1.5, 4.0),
                },
            ),
        ),
    ),
    "red-cells": Preset(
        about="round cells side by side in differential interference contrast (as in bbbc009)",
        modality="dic",
        looks=(
            Look(
                kinds=("flat",),
                diameter=(6.5, 8.5),
                spread=(0.05, 0.12),
                coverage=(0.15, 0.5),
                overlap=(0.0, 0.05),
                touching=(0.3, 0.7),
                microscope={
                    "pixel_size": (0.12, 0.25),
                    "unevenness": (0.0, 0.2),
                    "dust": (0.0, 200.0),
                    "index_step": (0.006, 0.015),
                },
            ),
        ),
    ),
    "yeast": Preset(
        about="budding yeast in colonies, five planes of bright field (as in baby_yeast)",
        modality="brightfield",
        planes=5,
        looks=(
            Look(
                kinds=("round", "round", "oval", "dividing"),
                clusters=(4, 10, 20),
                diameter=(4.5, 6.5),
                spread=(0.12, 0.3),
                coverage=(0.05, 0.3),
                overlap=(0.0, 0.1),
                microscope={
                    "pixel_size": (0.18, 0.28),
                    "z_step": (0.5, 1.0),
                    "unevenness": (0.0, 0.15),
                    "vignetting": (0.0, 0.15),
                },
            ),
        ),
    ),
}


def preset_named(name: str) -> Preset:
    """The preset called `name`; an unknown name raises and lists the choices."""
    if name not in PRESETS:
        raise InputError(f"unknown preset {name!r}; choose one of {', '.join(PRESETS)}")
    return PRESETS[name]


def draw_preset(name: str, seed: int = 0, field: int = 0) -> Drawn:
    """Draw what field number `field` of the dish `seed` is made with.

    Parameters
    ----------
    name
        A key of `PRESETS`.
    seed, field
        Both 0 or more; the same numbers draw the same.

    Raises
    ------
    InputError
        If there is no such preset.
    """
    preset = preset_named(name)
    rng = np.random.default_rng(np.random.SeedSequence(seed, spawn_key=(field, PRESET)))
    look = preset.looks[int(rng.integers(len(preset.looks)))]
    arguments = {
        "modality": preset.modality,
        "planes": preset.planes,
        "nuclei": preset.nuclei,
        "max_shared": preset.max_shared,
        "kind": look.kinds[int(rng.integers(len(look.kinds)))],
        "cluster": look.clusters[int(rng.integers(len(look.clusters)))],
        **{
            key: float(rng.uniform(*getattr(look, key)))
            for key in ("diameter", "spread", "coverage", "overlap", "touching")
        },
    }
    light = {key: float(rng.uniform(*ends)) for key, ends in look.microscope.items()}
    tags = {"preset": name} | ({"cell_line": look.name} if look.name else {})
    return Drawn(arguments, Microscope(**light), tags)
