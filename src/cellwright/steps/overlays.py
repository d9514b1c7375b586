"""Pictures of a whole data set with its cells outlined, to check them by eye."""

from __future__ import annotations

import hashlib
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from cellwright.steps.progress import track
from cellwright.steps.result import Failure, StepResult, write_failures
from cellwright.types import Image, InputError, Instances

log = logging.getLogger(__name__)

# Raised when pictures are drawn in another way, so that older ones are drawn anew.
_STYLE = 1
_STAMP = "cellwright"


@dataclass(frozen=True, slots=True)
class _Job:
    """One image and its cells, not read yet."""

    name: str
    path: Path
    image: Callable[[], Image]
    cells: Callable[[], Instances | None]


def overlays(
    data: str | Path,
    output: str | Path,
    *,
    cells: str | Path | None = None,
    planes: bool = False,
    view: str = "plain",
    ids: bool = False,
    thickness: int = 1,
    max_side: int = 2048,
    quiet: bool = False,
) -> StepResult:
    """Draw one PNG per image, its cells outlined in the colours of class or Alive/Dead.

    A picture whose image, cells and settings are what they were is not drawn again, so that a
    stopped call is finished by the same call and a corrected data set is brought up to date.
    An image that cannot be used is reported and the rest is done.

    Parameters
    ----------
    data
        Data set.
    output
        Folder of the pictures, ``NAME.png``.
    cells
        Predictions (output of ``predict``, COCO file, folder of label images) to draw on the
        images of `data`, whose own cells are then drawn in blue around them. None: those of
        `data`.
    planes
        One picture per plane of a stack, ``NAME_z01.png`` ...; else its middle plane.
    view, ids, thickness, max_side
        As in `cellwright.steps.overlay_picture.overlay_picture`.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of images; ``details`` has ``pictures``, the number drawn in this call.

    Raises
    ------
    InputError
        If there is no data set, a setting is unknown, or no image of `cells` is in it.
    """
    from cellwright.formats.dataset import open_dataset
    from cellwright.steps.overlay_picture import VIEWS

    if view not in VIEWS:
        raise InputError(f"view {view!r} is unknown; choose one of {', '.join(VIEWS)}")
    if thickness < 1 or max_side < 16:
        raise InputError(f"thickness {thickness} and max_side {max_side} came: 1 and 16 at least")
    output, dataset = Path(output), open_dataset(data)
    predicted = _predicted(cells, dataset.names) if cells is not None else None
    style = {"view": view, "ids": ids, "thickness": thickness, "max_side": max_side}
    failed: list[Failure] = []
    done = skipped = pictures = 0
    output.mkdir(parents=True, exist_ok=True)
    for i in track(range(len(dataset)), "overlays", quiet=quiet):
        name = dataset.names[i]
        if predicted is not None and name not in predicted:
            continue
        own = partial(dataset.instances, i) if dataset.labelled(i) else lambda: None
        try:
            drawn = _draw(
                _Job(name, dataset.path(i), partial(dataset.image, i, lazy=True), own),
                predicted[name] if predicted is not None else None,
                output,
                planes=planes,
                class_names=dataset.class_names,
                style=style,
            )
        except (InputError, OSError, MemoryError, ValueError) as error:
            message = " ".join(str(error).split()) or type(error).__name__
            log.warning("%s was left out: %s", dataset.path(i), message)
            failed.append(Failure(str(dataset.path(i)), message))
            continue
        pictures += drawn
        done, skipped = done + (drawn > 0), skipped + (drawn == 0)
    write_failures(output, failed)
    return StepResult(output, done, skipped, tuple(failed), {"pictures": pictures})


def _predicted(path: str | Path, names: tuple[str, ...]) -> dict[str, Callable[[], Instances]]:
    from cellwright.steps.cells import open_cells

    found = open_cells(path, truth=False)
    some = {name: read for name, read in found.read.items() if name in names}
    if not some:
        raise InputError(f"{path}: none of its {len(found)} images is in the data set")
    if len(some) < len(found):
        log.warning("%s: %d images are not in the data set", path, len(found) - len(some))
    return some


def _draw(
    job: _Job,
    predicted: Callable[[], Instances] | None,
    output: Path,
    *,
    planes: bool,
    class_names: tuple[str, ...],
    style: dict[str, Any],
) -> int:
    """Draw what is not drawn yet; the number of pictures."""
    from PIL import Image as Pillow
    from PIL.PngImagePlugin import PngInfo

    from cellwright.formats.atomic import atomic_path
    from cellwright.steps.overlay_picture import overlay_picture

    own = job.cells()
    shown, truth = (own, None) if predicted is None else (predicted(), own)
    image = job.image()
    stamp = _stamp(job.path, shown, truth, {**style, "classes": class_names})
    count = 0
    for name, one in _pictures(job.name, image, planes):
        target = output / f"{name}.png"
        if _drawn_already(target, stamp):
            continue
        picture = overlay_picture(one(), shown, truth=truth, class_names=class_names, **style)
        about = PngInfo()
        about.add_text(_STAMP, stamp)
        with atomic_path(target) as part:
            Pillow.fromarray(picture).save(part, format="PNG", pnginfo=about)
        count += 1
    return count


def _pictures(name: str, image: Image, planes: bool) -> Iterator[tuple[str, Callable[[], Image]]]:
    """Names of the pictures of an image, and calls that read what they show."""
    from cellwright.plate.stack import plane

    count = image.size("Z")
    if not planes or count == 1:
        yield name, lambda: image
        return
    for z in range(count):
        yield f"{name}_z{z + 1:0{max(2, len(str(count)))}d}", partial(plane, image, z)


def _stamp(
    path: Path, shown: Instances | None, truth: Instances | None, style: dict[str, Any]
) -> str:
    """Changes when the picture would."""
    facts = path.stat()
    text = hashlib.sha256(json.dumps([_STYLE, style, facts.st_size, facts.st_mtime_ns]).encode())
    for cells in (shown, truth):
        if cells is None:
            text.update(b"none")
            continue
        text.update(json.dumps([cells.shape, cells.class_names, len(cells)]).encode())
        text.update(cells.boxes.tobytes() + cells.classes.tobytes())
        for mask in cells.masks:
            text.update(mask.tobytes())
        text.update(json.dumps([t.get("alive") for t in cells.tags]).encode())
    return text.hexdigest()


def _drawn_already(path: Path, stamp: str) -> bool:
    from PIL import Image as Pillow

    if not path.is_file():
        return False
    try:
        with Pillow.open(path) as picture:
            return bool(picture.info.get(_STAMP) == stamp)
    except OSError:
        return False
