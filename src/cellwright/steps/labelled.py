"""From the journal of a label session to an ordinary data set and files for other tools."""

from __future__ import annotations

import logging
import shutil
from collections import Counter
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from cellwright.steps.progress import track
from cellwright.steps.result import StepResult
from cellwright.types import InputError, Instances, Sample

if TYPE_CHECKING:
    from cellwright.label.session import Field, FieldProgress, LabelSession

log = logging.getLogger(__name__)

STAMP = "labelled.json"
DEAD, COVERED = ("label", "exclude"), ("drop", "keep")
VIEWS = ("auto", "stack", "planes", "median", "max", "mean", "focus")


@dataclass(frozen=True, slots=True)
class _Options:
    dead: str
    covered: str
    view: str
    done_only: bool


def labelled(
    dataset: str | Path,
    output: str | Path,
    *,
    journal: str | Path | None = None,
    dead: str = "label",
    covered: str = "keep",
    view: str = "auto",
    done_only: bool = False,
    label_maps: bool = True,
    crops: bool = True,
    rois: bool = True,
    quiet: bool = False,
) -> StepResult:
    """Write what was labelled as a data set, which `train` takes, and as files.

    The output is written beside its place and moved there when it is whole; one that this step
    wrote earlier is replaced.

    Parameters
    ----------
    dataset
        Data set that was labelled; its journal is replayed.
    output
        Folder to write: ``annotations.json`` (COCO, RLE, boxes) and ``images``;
        ``labels/NAME.tif``, and ``labels/NAME_z1.tif`` ... where cells are on single planes;
        ``cells/NAME/0001_r12_c34.npy``, one boolean crop per cell with the row and column of
        its upper left pixel, and ``cells/NAME.json``, which lists them; ``rois/NAME.zip`` for
        ImageJ.
    journal
        Folder of the journal, if it is not in the data set.
    dead
        "label" gives dead cells the class "Dead" (P1), "exclude" leaves them out (P2).
    covered
        "drop" leaves out cells of which half or more lies under larger ones (P2), "keep" none.
    view
        What the images of the output are: "stack" as in `dataset`, "planes" one image per plane
        with the cells on it, or a projection. "auto" goes by the route of each field
        (`cellwright.label.zstack`): the median projection for "median", planes with their own
        cells for "z-aware", planes that all have the merged set for "merged", else the stack.
    done_only
        Take only the cells of fields that were marked as done; the others are there, unlabelled.
    label_maps, crops, rois
        Whether these files are written.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        `done` counts images; `details` has ``cells``, ``fields`` and ``left_out`` (dead, covered).

    Raises
    ------
    InputError
        For an unknown option, a damaged journal, or an output that something else wrote.
    """
    from cellwright.formats.atomic import atomic_path, write_json
    from cellwright.label.session import LabelSession

    options = _Options(dead, covered, view, done_only)
    for name, known in (("dead", DEAD), ("covered", COVERED), ("view", VIEWS)):
        if getattr(options, name) not in known:
            given = getattr(options, name)
            raise InputError(f"{name} {given!r} is not known; there are {', '.join(known)}")
    output = Path(output)
    _check_output(Path(dataset), output)
    kinds = [k for k, on in (("labels", label_maps), ("cells", crops), ("rois", rois)) if on]
    left_out: Counter[str] = Counter()
    with LabelSession.open(dataset, journal=journal, announce=False) as session:
        wanted = [p for p in session.progress() if p.qc != "excluded"]
        with atomic_path(output) as part:
            images, cells, warned = _write(session, wanted, part, options, kinds, left_out, quiet)
            stamp = {"schema_version": 1, "dataset": Path(dataset).name, **asdict(options)}
            write_json(stamp | {"images": images, "cells": cells}, part / STAMP)
    for line in warned:
        log.warning("%s", line)
    log.info("wrote %d images with %d cells into %s", images, cells, output)
    details = {"cells": cells, "fields": len(wanted), "left_out": dict(left_out)}
    return StepResult(output, images, details=details)


def _check_output(dataset: Path, output: Path) -> None:
    """Refuse to replace anything but an earlier output; sweep up after a killed call."""
    inside = output.resolve().is_relative_to(dataset.resolve())
    if inside or dataset.resolve().is_relative_to(output.resolve()):
        raise InputError(f"{output} and the data set {dataset} lie in each other; name another one")
    if output.exists() and not (output / STAMP).is_file():
        empty = output.is_dir() and not any(output.iterdir())
        if not empty:
            raise InputError(
                f"{output} is there and was not written by this command; name another folder"
            )
    earlier = sorted(output.parent.glob(f".old-*-{output.name}"))
    if earlier and not output.exists():  # killed between putting away the old and the new in place
        earlier.pop().rename(output)
    for left in (*earlier, *output.parent.glob(f".part-*-{output.name}")):
        shutil.rmtree(left, ignore_errors=True)


def _write(
    session: LabelSession, wanted: list[FieldProgress], folder: Path, options: _Options,
    kinds: list[str], left_out: Counter[str], quiet: bool,
) -> tuple[int, int, list[str]]:  # fmt: skip
    """Write all fields into `folder`: images, cells, and warnings if routes are mixed."""
    from cellwright.formats.dataset import DatasetWriter
    from cellwright.label.zstack import mixed_routes
    from cellwright.steps.labelled_files import write_files

    names = _class_names(session, wanted, options)
    images = cells = 0
    tags = []
    with DatasetWriter(folder, class_names=names) as writer:
        for progress in track(wanted, "writing", quiet=quiet):
            field = session.field(progress.name)
            for sample in samples(field, progress, options, left_out):
                writer.add(sample)
                images += 1
                tags.append(sample.image.tags)
                if sample.instances is not None:
                    cells += len(sample.instances)
                    write_files(sample, folder, kinds)
            session.release(progress.name)
    return images, cells, mixed_routes({"data": tags})


def _class_names(
    session: LabelSession, wanted: list[FieldProgress], options: _Options
) -> tuple[str, ...]:
    """Classes of the output: those of the session and, where cells are judged, Alive and Dead."""
    from cellwright.label.session.truth import ALIVE, DEAD

    names = list(session.class_names)
    judged = used = False
    for progress in wanted:
        for cell in session.state(progress.name).cells:
            judged |= "alive" in cell.tags or cell.class_name in (ALIVE, DEAD)
            used |= "alive" not in cell.tags and cell.class_name == "cell"
        session.release(progress.name)
    if options.dead == "exclude":
        return tuple(n for n in names if n.lower() != DEAD.lower()) or ("cell",)
    if judged:
        names += [n for n in (ALIVE, DEAD) if n not in names]
        names = [n for n in names if n != "cell" or used]
    return tuple(names)


def samples(
    field: Field, progress: FieldProgress, options: _Options, left_out: Counter[str]
) -> Iterator[Sample]:
    """The images of a field with their cells, as the options want them."""
    from cellwright.label import zstack as routes

    route, view = progress.route, options.view
    if view == "auto":
        by_route = {routes.MEDIAN: "median", routes.MERGED: "planes", routes.Z_AWARE: "planes"}
        view = by_route.get(route, "stack")
    known = bool(progress.cells or progress.done or field.came_labelled)
    known = known and (progress.done or not options.done_only)
    if view == "planes" and field.planes > 1 and route != routes.MERGED:
        planes = [_truth(field.cells(z), options, left_out) for z in range(field.planes)]
        made = routes.in_planes(Sample(field.name, field.image), planes, route=route or "z-aware")
    else:
        cells = _truth(_one_set(field, merged=route == routes.MERGED), options, left_out)
        if view == "planes" and field.planes > 1:
            made = routes.in_planes(Sample(field.name, field.image), cells, route=route)
        else:
            image = field.image if view in ("stack", "planes") else field.view(projection=view)
            more = {routes.Z_ROUTE: route} if route else {}
            image = replace(image, tags={**image.tags, **more})
            made = (Sample(field.name, image, cells),)
    for sample in made:
        yield sample if known else sample.with_instances(None)


def _one_set(field: Field, *, merged: bool) -> Instances:
    """One set of cells of a field: masks of one object are joined, those of planes merged."""
    from cellwright.label.plane_links import merge_planes
    from cellwright.label.session.truth import on_plane, one_per_object

    cells = one_per_object(field.cells())
    if not merged or field.planes < 2:
        return cells
    found = merge_planes([on_plane(cells, z) for z in range(field.planes)])
    tags = [{k: v for k, v in t.items() if k != "planes"} for t in found.tags]
    return replace(found, tags=tuple(tags))


def _truth(cells: Instances, options: _Options, left_out: Counter[str]) -> Instances:
    from cellwright.label.session.truth import by_life, without_covered

    living = by_life(cells, options.dead)
    left_out["dead"] += len(cells) - len(living)
    kept = without_covered(living) if options.covered == "drop" else living
    left_out["covered"] += len(living) - len(kept)
    return kept
