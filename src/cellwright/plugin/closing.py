"""Asks before a window is closed in which proposed cells were not committed."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from qtpy.QtCore import QEvent, QObject
from qtpy.QtWidgets import QMessageBox, QWidget

SHOWN = 5


class CloseGuard(QObject):
    """Keeps a window open until its owner agrees to lose what was not committed.

    Parameters
    ----------
    window
        The window; the guard belongs to it.
    left
        Says how many proposed cells there are, by field.
    agree
        Asks; True to close all the same.
    """

    def __init__(
        self,
        window: QWidget,
        left: Callable[[], Mapping[str, int]],
        agree: Callable[[QWidget, str], bool] | None = None,
    ) -> None:
        super().__init__(window)
        self._window, self._left = window, left
        self._agree = agree or ask
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Qt's call for every event of the window; True keeps the event from it."""
        if watched is not self._window or event.type() != QEvent.Type.Close:
            return False
        left = {name: count for name, count in self._left().items() if count}
        if not left or self._agree(self._window, question(left)):
            return False
        event.ignore()
        return True


def question(left: Mapping[str, int]) -> str:
    """What is asked.

    >>> question({"day1_xy1": 2, "day1_xy3": 1})
    '3 proposed cells are not committed (day1_xy1: 2, day1_xy3: 1). Close and lose them?'
    """
    count = sum(left.values())
    named = [f"{name}: {n}" for name, n in list(left.items())[:SHOWN]]
    named += [f"and {len(left) - SHOWN} more fields"] if len(left) > SHOWN else []
    noun, verb, them = ("cell", "is", "it") if count == 1 else ("cells", "are", "them")
    return (
        f"{count} proposed {noun} {verb} not committed ({', '.join(named)}). Close and lose {them}?"
    )


def ask(window: QWidget, text: str) -> bool:
    """Ask in a dialog; to stay is the default."""
    buttons = QMessageBox.StandardButton
    answer = QMessageBox.question(
        window, "Not committed", text, buttons.Discard | buttons.Cancel, buttons.Cancel
    )
    return answer == buttons.Discard
