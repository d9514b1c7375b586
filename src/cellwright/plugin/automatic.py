"""The layer ``auto_segmentation``: automatic masks, to be accepted or rejected by a click."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np

from cellwright.label.session import Field
from cellwright.label.session.patch import Patch
from cellwright.plugin.cell_map import label_map
from cellwright.plugin.layers import show_labels
from cellwright.plugin.looks import Look
from cellwright.plugin.work import tell
from cellwright.types import Image, InputError, Segmenter

if TYPE_CHECKING:
    from cellwright.plugin.annotation import Annotation


class AutomaticMasks:
    """Candidates of a field as labels; they are not painted on, but accepted and corrected then."""

    def __init__(self, annotation: Annotation) -> None:
        self._a = annotation
        self._layer = annotation.layers.automatic
        self._cells: list[tuple[str, float, Patch]] = []
        self._shape = (1, 1)
        self.field: Field | None = None
        self.plane: int | None = None
        self.least = 0.0

    def show(self, field: Field, plane: int | None) -> None:
        """Show the candidates of a plane."""
        self.field, self.plane = field, plane
        self.draw()

    def draw(self) -> None:
        """Show the candidates that nobody decided on and whose score is not below `least`."""
        if self.field is None:
            return
        found = self.field.candidates.cells(self.plane)
        self._shape = found.shape
        self._cells = []
        for i, (box, mask) in enumerate(zip(found.boxes.tolist(), found.masks, strict=True)):
            patch = Patch.of_crop(found.shape, box, mask)
            if patch and found.scores[i] >= self.least:
                self._cells.append((str(found.tags[i]["id"]), float(found.scores[i]), patch))
        drawn = label_map(self._shape, [(n, p) for n, (_, _, p) in enumerate(self._cells, start=1)])
        show_labels(self._layer, drawn)
        self._layer.editable = False  # napari allows it again with every new array

    def __len__(self) -> int:
        return len(self._cells)

    def at(self, row: float, column: float) -> str | None:
        """The shown candidate under a point."""
        r, c = int(np.rint(row)), int(np.rint(column))
        data = self._layer.data
        if not (0 <= r < data.shape[0] and 0 <= c < data.shape[1]) or not data[r, c]:
            return None
        return self._cells[int(data[r, c]) - 1][0]

    def accept(self, id: str) -> tuple[str, ...]:
        """Commit one candidate."""
        return self._commit("accept", id)

    def accept_all(self) -> tuple[str, ...]:
        """Commit all shown candidates that are not committed already, in one step."""
        left = len(self)
        ids = self._commit("accept_all", min_score=self.least, plane=self.plane)
        if len(ids) < left:
            tell(f"{len(ids)} committed; {left - len(ids)} lie on committed cells and are left")
        return ids

    def _commit(self, what: str, *args: Any, **options: Any) -> tuple[str, ...]:
        field = self._a.ready()
        if field is None:
            return ()
        ids = self._a.edit(getattr(field.candidates, what), *args, **options) or ()
        self._a.prompting.commits += len(ids)
        self._a.changed.emit()
        return tuple(ids)

    def reject(self, id: str) -> None:
        """Take one candidate off the list."""
        field = self._a.ready()
        if field is not None:
            self._a.edit(field.candidates.reject, id)

    # by a segmenter

    def find(self, build: Callable[[], Segmenter], source: str, *, whole: bool = False) -> None:
        """Run a segmenter on the field in a thread; its cells become candidates of that field.

        Parameters
        ----------
        build
            Makes the segmenter; called in the thread.
        source
            What it is called.
        whole
            Whether it is a trained model, which takes the planes and channels that it was
            trained on: those of the field, of the view, or of its channel, whichever fit.
        """
        a, field = self._a, self._a.ready()
        if field is None:
            return
        look, planes = a.look, a.planes()

        def find() -> int:
            segmenter = build()
            image = field.view(look.plane, projection=look.projection, channel=look.channel)
            if whole:
                image = fitting(segmenter, field, look) or image
            found = segmenter.segment(image)
            field.candidates.propose(found, source=source, planes=planes)
            return len(found)

        def show(count: int) -> None:
            if field is a.field:
                a.refresh()
                a.layers.select(a.layers.automatic)
            if count:
                tell(f"{source}: {count} cells in {field.name}; a click accepts one")
            else:
                tell(f"{source} found no cell in {field.name}: try another view or channel, "
                     "another model, or lower thresholds", warning=True)  # fmt: skip

        if not a.work.run("automatic", f"{source} on {field.name}", find, show):
            tell("automatic segmentation is running; try again when it is done")


def fitting(segmenter: Segmenter, field: Field, look: Look) -> Image | None:
    """The part of a field that a trained model takes; None if it does not say or none fits."""
    check = getattr(segmenter, "check", None)
    if check is None:
        return None
    every = field.view(look.plane, projection=look.projection)
    for image in (field.image, every, *_channels(every, look.channel)):
        try:
            check(image)
        except InputError:
            continue
        return image
    return None


def _channels(image: Image, channel: int | None) -> list[Image]:
    """The chosen channel alone."""
    if channel is None or "C" not in image.axes:
        return []
    return [Image(np.asarray(image.data)[channel], "YX", image.pixel_size, tags=image.tags)]
