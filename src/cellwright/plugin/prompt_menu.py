"""Embedding, prompts, and the commit."""

from __future__ import annotations

from functools import partial

from qtpy.QtWidgets import QLabel

from cellwright.label.prompting import PROMPT_SEGMENTERS, prompt_segmenter
from cellwright.plugin import controls
from cellwright.plugin.annotation import Annotation


class PromptMenu(controls.Menu):
    """Who answers the prompts; segment, commit, clear; Alive/Dead."""

    def __init__(self, annotation: Annotation) -> None:
        super().__init__("Prompts")
        self._a = a = annotation
        names = [e.name for e in PROMPT_SEGMENTERS]
        self.segmenter = controls.choice(
            names, self._choose,
            "\n".join(f"{e.name}: {e.summary}" for e in PROMPT_SEGMENTERS),
        )  # fmt: skip
        self.embedding = controls.button(
            "Compute embedding", a.prompting.embed,
            "of this view; without, the first prompt on it takes longer",
        )  # fmt: skip
        self.sign = controls.choice(
            [("positive (on the cell)", True), ("negative (not on it)", False)], self._sign,
            "kind of the next point (T)",
        )  # fmt: skip
        self.segment = controls.button("Segment [S]", a.prompting.segment, "propose cells")
        self.clear = controls.button("Clear [Shift+C]", a.prompting.clear, "take prompts away")
        self.alive = controls.choice(
            [("not said", None), ("Alive", True), ("Dead", False)], a.editing.set_alive,
            "of the selected cells; without a selection, of the next ones (A)",
        )  # fmt: skip
        self.commit = controls.button("Commit [C]", a.prompting.commit, "write to the journal")
        self.proposed = QLabel()
        self.add("segmenter", self.segmenter)
        self.add("", self.embedding)
        self.add("points", self.sign)
        self.judge = controls.button(
            "by contrast", a.judging.judge, "all cells here: visible in fluorescence or not"
        )
        self.classes = controls.choice(
            a.session.class_names, a.editing.set_class,
            "of the selected cells; without a selection, of the next ones",
        )  # fmt: skip
        self.add("class", self.classes)
        self.add("cells are", self.alive, self.judge)
        self.add("", self.segment, self.clear)
        self.add("", self.commit)
        self.add("", self.proposed)

    def _choose(self, name: str) -> None:
        self._a.prompting.choose(name, partial(prompt_segmenter, name, by_hand=True))

    def _sign(self, positive: bool) -> None:
        if positive != self._a.layers.sign:
            self._a.prompting.toggle()

    def update_from(self) -> None:
        """Show what is proposed, and which buttons make sense now."""
        a = self._a
        running = a.work.running
        ready = a.field is not None and "view" not in running
        controls.show(self.segmenter, a.session.model)
        controls.show(self.sign, a.layers.sign)
        said, name = a.prompting.alive, a.prompting.class_name or a.session.default_class
        if a.field is not None and a.committed.selected:
            cell = a.field.cell(a.committed.selected[-1])
            tag, name = cell.tags.get("alive"), cell.class_name
            said = None if tag is None else bool(tag)
        controls.show(self.alive, said)
        controls.fill(self.classes, a.session.class_names)
        controls.show(self.classes, name)
        self.classes.setEnabled(len(a.session.class_names) > 1)
        self.judge.setEnabled(ready and "alive" not in running)
        self.segmenter.setEnabled(not {"choose", "segment", "embed"} & set(running))
        self.embedding.setEnabled(ready and not {"embed", "choose"} & set(running))
        self.segment.setEnabled(ready and not {"segment", "choose"} & set(running))
        self.commit.setEnabled(ready)
        count = len(a.current.draft.cells)
        self.proposed.setText(f"{count} on current_object, not committed yet" if count else "")
