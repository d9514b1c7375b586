"""What makes the fields of a simulated data set: a dish, a preset, a growing dish, FISH frames."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from cellwright.types import InputError, Sample, Tag

#: of what is given neither by the caller nor by a preset
DEFAULTS: dict[str, Any] = {
    "cells": None,
    "overlap": 0.1,
    "max_shared": 0.25,
    "planes": 1,
    "modality": "fluorescence",
    "kind": "round",
    "diameter": 16.0,
    "pixel_size": 0.5,
    "nuclei": False,
}
FISH = "fish"
#: arguments of the microscope and of the living, which a field takes as objects
MICROSCOPE, VITALITY = ("pixel_size", "dust"), ("dead", "contrast", "bleed")
NOT_GROWING = ("coverage", "overlap", "max_shared", "cluster", *VITALITY)


@dataclass(frozen=True, slots=True)
class Made:
    """The images of one field; for FISH also its signals: row, column, probe, nucleus."""

    samples: tuple[Sample, ...]
    signals: tuple[tuple[float, float, str, int], ...] = ()


@dataclass(frozen=True, slots=True)
class Maker:
    """How the fields of a data set are made.

    Parameters
    ----------
    settings
        What is written beside the data set, and must be the same when it is gone on with.
    field
        The images of a field by its number.
    class_names
        Of the cells.
    times
        Images of each field.
    """

    settings: Mapping[str, Any]
    field: Callable[[int], Made]
    class_names: tuple[str, ...] = ("cell",)
    times: int = 1

    def names(self, number: int) -> list[str]:
        """Names of the images of a field."""
        name = f"field_{number:04d}"
        return [name] if self.times == 1 else [f"{name}_t{t:03d}" for t in range(self.times)]


def maker_of(
    preset: str | None, given: Mapping[str, Any], *, shape: tuple[int, int], seed: int
) -> Maker:
    """The maker of a data set.

    Parameters
    ----------
    preset
        Name of a preset, ``"fish"``, or None.
    given
        Arguments of `cellwright.steps.simulate.simulate` that are not None.
    shape, seed
        Rows and columns of a field, number of the dish.

    Raises
    ------
    InputError
        If arguments are given that this maker does not take.
    """
    if preset == FISH:
        return _fish(given, shape, seed)
    if preset is not None:
        return _preset(preset, given, shape, seed)
    if "times" in given:
        return _growing(given, shape, seed)
    return _dish(given, shape, seed)


def _dish(given: Mapping[str, Any], shape: tuple[int, int], seed: int) -> Maker:
    """Every field with the same arguments."""
    from cellwright.synth import simulate_field

    arguments = {**DEFAULTS, **given}
    if set(VITALITY) & set(given):
        arguments |= {"dead": given.get("dead", 0.0), "contrast": given.get("contrast")}
        arguments["bleed"] = given.get("bleed", 0.0)
    options = _options(arguments)

    def one(number: int) -> Made:
        return Made((_described(simulate_field(seed, number, shape=shape, **options)),))

    settings = {"shape": list(shape), **arguments, "seed": seed}
    return Maker(settings, one, _classes(arguments["nuclei"]))


def _preset(name: str, given: Mapping[str, Any], shape: tuple[int, int], seed: int) -> Maker:
    """Every field with arguments of its own, drawn from the ranges of a preset."""
    from cellwright.synth import simulate_field
    from cellwright.synth.presets import draw_preset, preset_named

    nuclei = bool(given.get("nuclei", preset_named(name).nuclei))
    if "times" in given:
        raise InputError("times came with a preset: growing cells take their arguments themselves")

    def one(number: int) -> Made:
        drawn = draw_preset(name, seed, number)
        options = _options({**drawn.arguments, **given}, drawn.microscope)
        sample = simulate_field(seed, number, shape=shape, **options)
        return Made((_described(sample, drawn.tags),))

    settings = {"preset": name, "shape": list(shape), **given, "seed": seed}
    return Maker(settings, one, _classes(nuclei))


def _growing(given: Mapping[str, Any], shape: tuple[int, int], seed: int) -> Maker:
    """Fields whose cells move, grow and divide."""
    from cellwright.synth import simulate_growth

    if refused := [key for key in NOT_GROWING if key in given]:
        raise InputError(
            f"{', '.join(refused)} came with times: how growing cells lie comes of their growth; "
            "leave it out"
        )
    usual = {k: v for k, v in DEFAULTS.items() if k not in NOT_GROWING}
    taken = {**usual, "modality": "phase", **given}
    options = _options(taken)

    def one(number: int) -> Made:
        frames = simulate_growth(seed, number, shape=shape, **options)
        return Made(tuple(_described(sample) for sample in frames))

    settings = {"shape": list(shape), **taken, "seed": seed}
    return Maker(settings, one, _classes(taken["nuclei"]), times=given["times"])


def _fish(given: Mapping[str, Any], shape: tuple[int, int], seed: int) -> Maker:
    """FISH frames; how many signals a nucleus has of each probe stands in its tags."""
    from cellwright.synth import simulate_fish
    from cellwright.synth.fish import FishStain

    if refused := [key for key in given if key != "cells"]:
        raise InputError(
            f"{', '.join(refused)} came with the preset fish, which takes fields, shape, cells "
            "and seed: leave it out"
        )
    size = FishStain().diameter / FishStain().pixel_size
    nuclei = given.get("cells", max(1, round(0.25 * shape[0] * shape[1] / (0.785 * size**2))))

    def one(number: int) -> Made:
        frame = simulate_fish(seed, number, shape=shape, nuclei=nuclei)
        cells = frame.sample.instances
        assert cells is not None
        tags = tuple(
            {**old, **dict(zip(frame.probes, map(int, counts), strict=True))}
            for old, counts in zip(cells.tags, frame.counts, strict=True)
        )
        image = replace(frame.sample.image, tags={**frame.sample.image.tags, "preset": FISH})
        sample = Sample(f"field_{number:04d}", image, replace(cells, tags=tags))
        found = frame.signals
        signals = tuple(
            (round(float(row), 2), round(float(col), 2), frame.probes[int(p)], int(n))
            for (row, col), p, n in zip(found.places, found.probe, found.nucleus, strict=True)
        )
        return Made((sample,), signals)

    settings = {"preset": FISH, "shape": list(shape), "cells": nuclei, "seed": seed}
    return Maker(settings, one, ("nucleus",))


def _classes(nuclei: bool) -> tuple[str, ...]:
    return ("cell", "nucleus") if nuclei else ("cell",)


def _options(arguments: Mapping[str, Any], microscope: Any = None) -> dict[str, Any]:
    """Arguments of a simulated field: those of microscope and vitality as objects."""
    from cellwright.synth import Microscope, Vitality

    apart = (*MICROSCOPE, *VITALITY)
    options = {k: v for k, v in arguments.items() if k not in apart}
    seen = {k: arguments[k] for k in MICROSCOPE if k in arguments}
    options["microscope"] = replace(microscope or Microscope(), **seen)
    if any(arguments.get(key) is not None for key in VITALITY):
        options["vitality"] = Vitality(
            dead=arguments.get("dead") or 0.0,
            contrast=arguments.get("contrast"),
            bleed=arguments.get("bleed") or 0.0,
        )
    return options


def _described(sample: Sample, tags: Mapping[str, Tag] | None = None) -> Sample:
    """The sample with tags for what makes it easy or hard."""
    import numpy as np

    assert sample.instances is not None
    found = sample.instances[sample.instances.classes == 0]
    cover = np.zeros(found.shape, dtype=np.uint16)
    for (row0, col0, row1, col1), mask in zip(found.boxes.tolist(), found.masks, strict=True):
        cover[row0:row1, col0:col1] += mask
    covered = int(np.count_nonzero(cover))
    described: dict[str, Tag] = {
        "cells": len(found),
        "coverage": round(covered / cover.size, 4),
        "overlap": round(int(np.count_nonzero(cover > 1)) / max(covered, 1), 4),
    }
    image = replace(sample.image, tags={**sample.image.tags, **described, **(tags or {})})
    return replace(sample, image=image)
