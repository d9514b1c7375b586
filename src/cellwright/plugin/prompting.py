"""Prompts to proposed cells, and proposed cells to the journal."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from cellwright.label.session import Preview
from cellwright.label.session.preview import settings_of
from cellwright.measure.alive import BY_HAND
from cellwright.plugin.prompt_layers import prompts_of
from cellwright.plugin.work import EXPECTED, guard, tell
from cellwright.types import PromptSegmenter, Tag

if TYPE_CHECKING:
    from cellwright.plugin.annotation import Annotation


class Prompting:
    """Segment, commit, clear, toggle: what the keys S, C, Shift+C and T do.

    Parameters
    ----------
    annotation
        What it works on.
    """

    def __init__(self, annotation: Annotation) -> None:
        self._a = annotation
        self.commits = 0
        self.alive: bool | None = None
        self.class_name: str | None = None

    def segment(self) -> None:
        """Propose cells for the prompts that are there, in a thread."""
        a, field = self._a, self._a.ready()
        if field is None:
            return
        a.take_up()
        draft, look = a.current.draft, a.look
        prompts = guard(prompts_of, draft.boxes, draft.points, draft.signs)
        if prompts is None:
            return

        def propose() -> Preview:
            return field.preview(
                prompts, plane=look.plane, projection=look.projection, channel=look.channel
            )

        def show(preview: Preview) -> None:
            shown = draft is a.current.draft and not a.closed
            if shown:
                a.current.take_up()
            draft.take(preview)  # that of the field it was asked for, even if that was left
            empty = int(preview.nothing.sum())
            if empty:
                tell(f"{empty} of {len(prompts)} prompts gave no cell; add points, or draw anew",
                     warning=True)  # fmt: skip
            if shown:
                a.current.draw()
            a.changed.emit()

        if not a.work.run("segment", f"segmenting {len(prompts)} prompts", propose, show):
            tell("still segmenting; press S again when it is done")

    def commit(self) -> tuple[str, ...]:
        """Commit what ``current_object`` shows; ids of the new cells.

        What the session refuses stays on ``current_object``, and the reason is told.
        """
        a, field = self._a, self._a.ready()
        if field is None:
            return ()
        a.take_up()
        draft = a.current.draft
        single = len(draft.cells) == 1 or a.session.policy != "allow"
        parts = draft.parts(single=single)
        if not parts:
            tell("there is nothing to commit; press S first, or paint on current_object")
            return ()
        tags, name = self.facts()
        ids: list[str] = []
        for part in parts:
            try:
                ids += field.commit_all(
                    part.found,
                    planes=a.planes(),
                    class_name=name,
                    tags={**tags, **part.tags},
                    strict=single,
                )
            except EXPECTED as error:
                tell(str(error), error=True)
            else:
                draft.drop(part.numbers)
        self.commits += len(ids)
        if draft.cells:
            a.current.draw()
        else:
            self.clear()
        a.refresh()
        return tuple(ids)

    def facts(self) -> tuple[dict[str, Tag], str | None]:
        """Tags and class that the next cells get."""
        if self.alive is None:
            return {}, self.class_name
        return {"alive": self.alive, "alive_by": BY_HAND}, self.class_name

    def clear(self) -> None:
        """Take prompts and proposed cells away."""
        a = self._a
        if a.field is not None:
            a.current.clear()
            a.layers.sign = True
            a.keep_draft()
            a.changed.emit()

    def toggle(self) -> None:
        """Turn the sign of the selected points, or else of the next one."""
        layers = self._a.layers
        picked = sorted(layers.points.selected_data)
        if layers.active is layers.points and picked and str(layers.points.mode) == "select":
            layers.flip(picked)
        else:
            layers.sign = not layers.sign
        self._a.changed.emit()

    def choose(self, name: str, build: Callable[[], PromptSegmenter]) -> None:
        """Load another promptable segmenter in a thread; the former one stays if that fails."""
        a, session = self._a, self._a.session

        def use(segmenter: PromptSegmenter) -> None:
            with session.lock:
                session.segmenter, session.model = segmenter, name
                session.settings = settings_of(segmenter)
                session.embeddings.clear()
            a.changed.emit()

        a.work.run("choose", f"loading {name}", build, use, otherwise=a.changed.emit)

    def embed(self) -> None:
        """Compute the embedding of the view, so that the first prompt is answered at once."""
        a, field = self._a, self._a.ready()
        if field is None:
            return
        if a.session.segmenter is None:
            tell("choose a promptable segmenter first", warning=True)
            return
        view = a.look.view
        a.work.run(
            "embed", f"embedding {field.name}", lambda: field.embedding(view),
            lambda _: tell(f"the embedding of {field.name} is there"),
        )  # fmt: skip
