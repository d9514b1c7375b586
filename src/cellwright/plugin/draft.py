"""What is prompted and painted on a field but not committed yet."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

import numpy as np

from cellwright.label.session import Preview
from cellwright.label.session.patch import Patch, joined, without
from cellwright.plugin.strokes import Stroke
from cellwright.types import Instances, Tag

State = tuple[dict[int, Patch], set[int]]


@dataclass(frozen=True, slots=True, eq=False)
class Part:
    """Proposed cells that are committed in one step.

    Parameters
    ----------
    numbers
        Their numbers in ``current_object``.
    found
        The cells, with their prompts where they have any.
    tags
        What is known of them.
    """

    numbers: list[int]
    found: Preview | Instances
    tags: dict[str, Tag]


@dataclass(eq=False)
class Draft:
    """Prompts and proposed cells of one plane of a field; kept when the field is left.

    Parameters
    ----------
    shape
        Rows and columns.
    boxes, points, signs
        What lies on the prompt layers.
    preview
        What the segmenter made of them.
    cells
        Proposed cells by their number in ``current_object``, as they were corrected by hand.
    edited
        Numbers of the cells that were corrected.
    """

    shape: tuple[int, int]
    boxes: list[np.ndarray] = field(default_factory=list)
    points: np.ndarray = field(default_factory=lambda: np.zeros((0, 2)))
    signs: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    preview: Preview | None = None
    cells: dict[int, Patch] = field(default_factory=dict)
    edited: set[int] = field(default_factory=set)
    _past: list[State] = field(default_factory=list)
    _future: list[State] = field(default_factory=list)

    @property
    def empty(self) -> bool:
        """Whether there is nothing to keep."""
        return not (self.boxes or len(self.points) or self.cells)

    def take(self, preview: Preview) -> None:
        """Show what the segmenter made of the prompts; cell 1 is that of the first prompt.

        What was corrected by hand before comes back with `undo`.
        """
        self._past = [(self.cells, self.edited)] if self.edited else []
        self._future = []
        self.preview, self.edited, self.cells = preview, set(), {}
        found = preview.cells
        for i, (box, mask) in enumerate(zip(found.boxes.tolist(), found.masks, strict=True)):
            patch = None if preview.nothing[i] else Patch.of_crop(found.shape, box, mask)
            if patch:
                self.cells[i + 1] = patch

    def paint(self, strokes: list[Stroke]) -> None:
        """Take up what was painted on ``current_object``."""
        if strokes:
            self._past.append((dict(self.cells), set(self.edited)))
            self._future = []
        for stroke in strokes:
            old = self.cells.get(stroke.number)
            new = stroke.patch if old is None else None
            if old is not None:
                new = joined(old, stroke.patch) if stroke.added else without(old, stroke.patch)
            if new is None:
                self.cells.pop(stroke.number, None)
            else:
                self.cells[stroke.number] = new
            self.edited.add(stroke.number)

    @property
    def can_undo(self) -> bool:
        """Whether there are strokes to take back."""
        return bool(self._past)

    @property
    def can_redo(self) -> bool:
        """Whether strokes were taken back."""
        return bool(self._future)

    def undo(self) -> bool:
        """Take back the last strokes; whether there were some."""
        return self._move(self._past, self._future)

    def redo(self) -> bool:
        """Make again what was taken back."""
        return self._move(self._future, self._past)

    def _move(self, source: list[State], target: list[State]) -> bool:
        if source:
            target.append((self.cells, self.edited))
            self.cells, self.edited = source.pop()
            return True
        return False

    def parts(self, *, single: bool = False) -> list[Part]:
        """What is to be committed: cells as proposed, corrected ones, painted ones.

        Cells that come from prompts keep them, so that the journal tells how they came about.
        With `single` every cell is a part of its own.
        """
        prompted = len(self.preview.prompts) if self.preview else 0
        groups: dict[str, list[int]] = {"kept": [], "corrected": [], "painted": []}
        for n in sorted(self.cells):
            kind = "corrected" if n in self.edited else "kept"
            groups["painted" if n > prompted else kind].append(n)
        found = []
        for kind, numbers in groups.items():
            for some in [[n] for n in numbers] if single else [numbers] * bool(numbers):
                found.append(self._part(kind, some))
        return found

    def _part(self, kind: str, numbers: list[int]) -> Part:
        patches = [self.cells[n] for n in numbers]
        boxes = np.array([p.box for p in patches]).reshape(-1, 4)
        crops = tuple(p.crop for p in patches)
        if kind == "painted" or self.preview is None:
            return Part(numbers, Instances(self.shape, boxes, crops), {"source": "painted"})
        picked = [n - 1 for n in numbers]
        cells = Instances(self.shape, boxes, crops, self.preview.cells.scores[picked])
        prompts = tuple(self.preview.prompts[i] for i in picked)
        tags: dict[str, Tag] = {"corrected": True} if kind == "corrected" else {}
        return Part(numbers, replace(self.preview, cells=cells, prompts=prompts), tags)

    def drop(self, numbers: Iterable[int]) -> None:
        """Forget proposed cells, which were committed."""
        for number in numbers:
            self.cells.pop(number, None)
        self._past, self._future = [], []
