"""Alive or dead by visibility in fluorescence, for all cells of the shown field."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from cellwright.label.session import Field
from cellwright.label.session.cell import Entry
from cellwright.measure.alive import visibility, with_alive
from cellwright.plugin.work import tell
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.plugin.annotation import Annotation

TOLD = ("alive", "alive_by", "contrast", "contrast_threshold")


class Judging:
    """Calls cells alive or dead by their contrast (P1); what a hand has said is kept.

    Parameters
    ----------
    annotation
        What it works on.
    """

    def __init__(self, annotation: Annotation) -> None:
        self._a = annotation

    def judge(self) -> None:
        """Measure the cells of the field in a thread and tag them, in one step."""
        a, field = self._a, self._a.ready()
        if field is None:
            return
        a.take_up()
        chosen = a.look.channel

        def measure() -> list[Entry]:
            cells = field.cells()
            channel = _fluorescence(field, chosen)
            judged = with_alive(cells, visibility(field.image, cells, channel=channel))
            return [
                {"id": str(tags["id"]), "set": {"tags": {k: tags[k] for k in TOLD if k in tags}}}
                for tags in judged.tags
            ]

        def write(changes: list[Entry]) -> None:
            known = set(field.ids())  # some may have been deleted meanwhile
            changes = [c for c in changes if c["id"] in known]
            a.edit(field.change, "alive", changes)
            dead = sum(not c["set"]["tags"].get("alive", True) for c in changes)
            tell(f"{field.name}: {len(changes) - dead} alive, {dead} dead")

        if not a.work.run("alive", f"alive or dead in {field.name}", measure, write):
            tell("the cells are being judged; wait for it")


def _fluorescence(field: Field, chosen: int | None) -> Any:
    """The channel of fluorescence: the one that is looked at, or by its name."""
    image = field.image
    if image.size("C") == 1 or chosen is not None:
        return chosen
    for number, name in enumerate(image.channels):
        if "fluo" in name.lower():
            return number
    raise InputError(
        "which channel is the fluorescence? look at it (View, channel), then ask again"
    )
