"""More labelled images than anyone labelled: cells pasted on new ground, or simulated."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.steps.extending.maker import HOWS, Plan, image_name
from cellwright.steps.progress import track
from cellwright.steps.result import StepResult
from cellwright.steps.settings import refuse_others
from cellwright.steps.where import Where, wanted_tags
from cellwright.types import InputError, Sample

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.formats.writer import DatasetWriter
    from cellwright.steps.extending.survey import Survey

SETTINGS_NAME = "extend.json"
#: soft edge in typical diameters: 20 pixels at cells of 160 pixels (P4, x63 at 1024 pixels)
EDGE = 0.125
#: resize, elastic bend and share of clustered cells where they are not given
DEFAULTS: dict[str, tuple[tuple[float, float], float, float]] = {
    "grey": ((1.0, 1.0), 0.0, 0.0),
    "phase": ((0.9, 1.1), 0.02, 0.3),
    "pix2pix": ((0.9, 1.1), 0.02, 0.3),
    "simulate": ((1.0, 1.0), 0.0, 0.1),
}
log = logging.getLogger(__name__)


def extend(
    dataset: str | Path,
    output: str | Path,
    *,
    how: str = "grey",
    n: int = 100,
    density: str | int | Sequence[int] = "own",
    by: str | None = None,
    overlap: str | float | Sequence[float] = "0..0.2",
    clustered: float | None = None,
    mixed: int = 4,
    shape: tuple[int, int] | None = None,
    resize: str | float | Sequence[float] | None = None,
    elastic: float | None = None,
    rotate: bool = True,
    edge: float | None = None,
    halo: bool = True,
    carried: str | Sequence[str] = "nucleus",
    model: str | Path | None = None,
    device: str = "auto",
    preset: str | None = None,
    modality: str | None = None,
    where: Where = (),
    originals: bool = False,
    seed: int = 0,
    jobs: int = 1,
    quiet: bool = False,
) -> StepResult:
    """Make `n` new labelled images of the cells of a data set.

    Images that are there already are skipped, so that a stopped call is finished by the same
    call, and more images are added by a larger `n`. An image depends on the seed and its number
    only: the same call gives the same bytes, whatever `jobs` is (with pix2pix on one kind of
    device, up to rounding).

    Every pasted cell carries the tags ``source``, ``source_cell``, ``source_set`` and
    ``source_print`` (see `cellwright.steps.extending.origins`); the image has the tag ``extended``
    and a record of its sources. Training refuses cells of an image that its own fold or a test
    part contains.

    Parameters
    ----------
    dataset
        Data set with labelled images. Cells that the border cuts are not pasted; cells that
        share more than a tenth of their pixels with others are, only where there are no better.
    output
        Data-set folder, made if needed.
    how
        ``"grey"``: cells cut out by their masks, at random places and angles, on a background
        like that of the images; later ones hide earlier ones (P3, section 3.1). ``"phase"``: what
        cells add to the background is added up, after a change of size, angle and shape, with
        soft edges (P4, 4.4.1). ``"pix2pix"``: phase, then translated by `model` (P4, 4.4.2).
        ``"simulate"``: simulated fields with cells like those of the data set.
    n
        How many images.
    density
        Cells of an image: a number, a range as ``"20..1000"`` or ``(20, 1000)``, drawn evenly
        (P3's limit for all types), or ``"own"``: as in a drawn image of the same type.
    by
        Tag that tells types of cells apart, or ``"class"``. All cells of one image are of one
        type, types take turns. None: ``cell_line`` if all images have it, else one type.
    overlap
        Range of the overlap ratio of a pasted cell: the share of its pixels that any other
        cell has too. No cell ever gets a larger one, also not by cells pasted later.
    clustered
        Share of the cells that are put on the edge of another one; None is 0 for grey, 0.3 for
        phase and pix2pix, 0.1 for simulate (its share of overlapping cells).
    mixed
        Of how many images the cells of an image come from; 1 as in P3. Their typical diameters
        are within a factor of 1.5 of that of the first one drawn.
    shape
        Rows and columns of the images; those of the data set's by default.
    resize, elastic
        Range of the magnification, and standard deviation of an elastic bend relative to the
        square root of the cell's area; none of it for grey, 0.9..1.1 and 0.02 for phase.
    rotate
        Whether pasted cells are turned by any angle and mirrored. Without, light and shadow of a
        cell stay where they were: for DIC, and other light with a direction.
    edge
        Standard deviation of the soft edge in pixels (P4: 20 for cells of some 160 pixels). None
        is 0 for grey and an eighth of the typical diameter for phase.
    halo
        Whether the wide halo around cells in phase contrast, where an image shows one, is taken
        off before they are cut out and made again around the pasted ones; for phase and pix2pix.
        P4 has none.
    carried
        Classes of cells that go along with the cell they lie in; names, or text with commas.
    model, device
        Translator folder (``cellwright learn-translation``) and device, for pix2pix.
    preset, modality
        For simulate: name of a preset of the simulator; without one diameter and kind of the
        data set, in this modality (its tag by default). The density is that of `density`.
    where
        Tags and values that images must have; values of a repeated tag are alternatives.
    originals
        Also write the images of the data set that may be trained on, and those of split val.
    seed
        Number of the extension.
    jobs
        Processes.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        ``details`` holds ``cells``, those of the images made in this call, and ``short``, how many
        images hold fewer cells than were drawn because no more fit (their record says
        ``asked``).

    Raises
    ------
    InputError
        If a source is of split test (or val, unless `where` asks for it), nothing can be cut
        out, cells cannot fit, an argument makes no sense, or `output` was made with others.
    """
    from cellwright.formats.dataset import open_dataset
    from cellwright.steps.extending.survey import one_form, survey, usable
    from cellwright.steps.extending.workers import made

    _check(how, n, mixed, jobs, model, preset, clustered)
    if how == "simulate" and not rotate:
        raise InputError(
            "no rotation came for how 'simulate': its light has a direction of its own"
        )
    if preset is not None and modality is not None:
        raise InputError(f"preset {preset!r} has a modality of its own: leave out {modality!r}")
    counts = None if density == "own" else whole_span(density, "density")
    shares = span(overlap, "overlap")
    parts = carried.split(",") if isinstance(carried, str) else carried
    carried = tuple(name.strip() for name in parts if name.strip())
    output, tags = Path(output), wanted_tags(where)
    whole = open_dataset(dataset)
    part = usable(whole, tags)
    if output.resolve() == whole.root.resolve():
        raise InputError(f"{output} is the data set itself; choose another output folder")
    sizes, bend, close = DEFAULTS[how]
    settings = {
        "dataset": _identity(whole),
        "how": how,
        "density": "own" if counts is None else list(counts),
        "by": by,
        "overlap": list(shares),
        "clustered": close if clustered is None else clustered,
        "mixed": mixed,
        "shape": [int(k) for k in shape] if shape else None,
        "resize": list(sizes if resize is None else span(resize, "resize")),
        "elastic": bend if elastic is None else elastic,
        "rotate": rotate,
        "edge": edge,
        "halo": halo and how in ("phase", "pix2pix"),
        "carried": list(carried),
        "model": str(model) if model else None,
        "preset": preset,
        "modality": modality,
        "where": tags,
        "originals": originals,
        "seed": seed,
    }
    _refuse_other_settings(output, settings)
    if how != "simulate":
        one_form(part)
    found = survey(part, by=by, carried=carried, quiet=quiet)
    plan = _plan(dataset, part, found, settings, device)
    _refuse_too_many(plan, found)
    kept = _originals(whole, part) if originals else whole.subset([])
    if clash := [i for i in kept.names if i in {image_name(how, k) for k in range(n)}]:
        raise InputError(f"{clash[0]!r} is a name of the data set too; extend without originals")
    numbers = list(range(n))
    done = skipped = cells = short = 0
    with _writer(output, plan, whole, settings) as writer:
        finished = writer.done
        for i, name in enumerate(kept.names):
            if name not in finished:
                writer.add(kept[i])
        todo = [k for k in numbers if image_name(how, k) not in finished]
        skipped = n - len(todo)
        for sample, facts in track(made(plan, todo, jobs), "extend", total=len(todo), quiet=quiet):
            writer.add(sample, facts=facts)
            about = facts["extended"]
            done, cells = done + 1, cells + about["cells"]
            short += about["cells"] < about["asked"]
    if short:
        log.warning(
            "%d of %d images hold fewer cells than were drawn: no more fit with an overlap of at "
            "most %g; their records say how many were asked for", short, done, shares[1],
        )  # fmt: skip
    return StepResult(output, done, skipped, details={"cells": cells, "short": short})


def span(value: str | float | Sequence[float], what: str) -> tuple[float, float]:
    """A range from ``"0..0.2"``, ``(0, 0.2)``, or one number for both ends.

    Examples
    --------
    >>> span("0..0.2", "overlap"), span(0.1, "overlap")
    ((0.0, 0.2), (0.1, 0.1))
    """
    try:
        if isinstance(value, str):
            ends = [float(part) for part in value.split("..")]
        elif isinstance(value, int | float):
            ends = [float(value)]
        else:
            ends = [float(part) for part in value]
        low, high = ends * 2 if len(ends) == 1 else ends
    except (TypeError, ValueError) as error:
        raise InputError(f"{what} {value!r} came: a range such as 0..0.2 is wanted") from error
    if not 0 <= low <= high < float("inf"):
        raise InputError(f"{what} {value!r} came: 0 or more, the smaller first, is wanted")
    return low, high


def whole_span(value: str | int | Sequence[int], what: str) -> tuple[int, int]:
    """A range of whole numbers of 1 or more."""
    low, high = span(value, what)
    if low < 1 or low != int(low) or high != int(high):
        raise InputError(
            f"{what} {value!r} came: whole numbers of cells from 1, such as 20..1000, or own"
        )
    return int(low), int(high)


def _check(
    how: str, n: int, mixed: int, jobs: int, model: Any, preset: Any, clustered: float | None
) -> None:
    if how not in HOWS:
        raise InputError(f"how {how!r} came: one of {', '.join(HOWS)} is wanted")
    for name, value in (("n", n), ("mixed", mixed), ("jobs", jobs)):
        if value < 1:
            raise InputError(f"{name} {value} came: at least 1 is wanted")
    if (how == "pix2pix") != (model is not None):
        raise InputError(
            "pix2pix translates with a model: name its folder (--model), which cellwright "
            "learn-translation makes"
            if model is None
            else f"a model came for how {how!r}: only pix2pix uses one"
        )
    if preset is not None and how != "simulate":
        raise InputError(f"a preset came for how {how!r}: only simulate uses one")
    if clustered is not None and not 0 <= clustered <= 1:
        raise InputError(f"clustered {clustered} came: a share from 0 to 1 is wanted")


def _identity(dataset: Dataset) -> dict[str, str]:
    """Name and content of the annotations, which new images depend on."""
    with dataset.file.path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return {"name": dataset.root.name, "sha256": digest}


def _plan(
    dataset: str | Path, part: Dataset, found: Survey, settings: dict[str, Any], device: str
) -> Plan:
    from cellwright.formats.dataset import open_dataset

    whole = open_dataset(dataset)
    numbers = {name: i for i, name in enumerate(whole.names)}
    edge = settings["edge"]
    if edge is None:
        edge = 0.0 if settings["how"] == "grey" else round(EDGE * found.diameter, 2)
    if edge < 0:
        raise InputError(f"edge {edge} came: 0 pixels or more are wanted")
    plan = Plan(
        dataset=Path(dataset),
        images=tuple(numbers[name] for name in part.names),
        kinds=found.kinds,
        diameter=found.diameter,
        how=settings["how"],
        density=None if settings["density"] == "own" else tuple(settings["density"]),
        shape=tuple(settings["shape"]) if settings["shape"] else None,
        overlap=tuple(settings["overlap"]),
        edge=edge,
        resize=tuple(settings["resize"]),
        carried=tuple(settings["carried"]),
        model=settings["model"],
        device=device,
        split="train" if any("split" in part.tags(i) for i in range(len(part))) else None,
        **{k: settings[k] for k in ("clustered", "mixed", "elastic", "rotate", "halo", "seed")},
    )
    if plan.how == "simulate":
        from cellwright.steps.extending.scenes import scene_of

        scene: dict[str, Any] = {"preset": settings["preset"]}
        if settings["preset"] is None:
            scene = scene_of(
                part,
                found,
                modality=settings["modality"],
                clustered=plan.clustered,
                overlap=plan.overlap,
            )
        plan = replace(plan, scene=scene)
    return plan


def _refuse_too_many(plan: Plan, found: Survey) -> None:
    """Refuse a density whose lower end cannot fit: before anything is made, not a day later."""
    if plan.density is None or plan.shape is None:
        return
    area = 0.25 * 3.14159 * found.diameter**2 * (1 - plan.overlap[1])
    room = plan.shape[0] * plan.shape[1]
    if plan.density[0] * area > 4 * room:
        raise InputError(
            f"{plan.density[0]} cells of {found.diameter:.0f} pixels came for images of "
            f"{plan.shape[0]} x {plan.shape[1]}: they cover {plan.density[0] * area / room:.0f} "
            "times the room; ask for fewer (--density) or larger images (--shape)"
        )


def _originals(whole: Dataset, part: Dataset) -> Dataset:
    """The images used, and those of the fold."""
    names = set(part.names)
    return whole.subset(
        [
            i
            for i, name in enumerate(whole.names)
            if name in names or (whole.tags(i).get("split") == "val" and whole.labelled(i))
        ]
    )


def _writer(output: Path, plan: Plan, whole: Dataset, settings: dict[str, Any]) -> DatasetWriter:
    """The data set to write, begun by a test image, so that bad arguments leave no folder."""
    from cellwright.formats.atomic import write_json
    from cellwright.formats.dataset import DatasetWriter

    classes = whole.class_names
    if not (output / SETTINGS_NAME).is_file():
        from cellwright.steps.extending.maker import Maker

        sample: Sample = Maker(plan).make(0)[0]
        assert sample.instances is not None
        classes = tuple(dict.fromkeys([*classes, *sample.instances.class_names]))
        write_json(settings | {"classes": list(classes)}, output / SETTINGS_NAME)
    else:
        before = json.loads((output / SETTINGS_NAME).read_text(encoding="utf-8"))
        classes = tuple(before["classes"])
    return DatasetWriter(output, class_names=classes)


def _refuse_other_settings(output: Path, settings: dict[str, Any]) -> None:
    path = output / SETTINGS_NAME
    if not path.is_file():
        if (output / "annotations.json").is_file():
            raise InputError(
                f"{output} is a data set that was not extended; choose another output folder"
            )
        return
    refuse_others(output, json.loads(path.read_text(encoding="utf-8")), settings)
