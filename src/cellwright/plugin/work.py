"""Long work in threads, so that the window never freezes; errors come back as notifications."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from napari.qt.threading import create_worker
from napari.utils.notifications import (
    Notification,
    NotificationSeverity,
    notification_manager,
)
from psygnal import Signal

from cellwright.types import InputError

EXPECTED = (InputError, OSError, MemoryError)
"""Errors that are told in one line; others are bugs and come with their traceback."""


def tell(text: str, *, error: bool = False, warning: bool = False) -> None:
    """Show a line as a napari notification."""
    level = NotificationSeverity.INFO
    if warning:
        level = NotificationSeverity.WARNING
    if error:
        level = NotificationSeverity.ERROR
    notification_manager.dispatch(Notification(" ".join(text.split()), level))


@dataclass(frozen=True, slots=True)
class Failed:
    """An expected error, carried back from a thread."""

    error: Exception


@dataclass(eq=False)
class Work:
    """Jobs that run in threads, at most one of each kind.

    Signals
    -------
    changed
        A job began or ended.
    """

    changed = Signal()
    running: dict[str, str] = field(default_factory=dict)
    _next: dict[str, Callable[[], None]] = field(default_factory=dict)
    _workers: dict[str, Any] = field(default_factory=dict)

    @property
    def busy(self) -> bool:
        """Whether a job runs."""
        return bool(self.running)

    def busy_but(self, kind: str) -> bool:
        """Whether a job of another kind runs."""
        return any(k != kind for k in self.running)

    def says(self) -> str:
        """What runs now, for the status line."""
        return "; ".join(self.running.values())

    def run(
        self,
        kind: str,
        text: str,
        function: Callable[[], Any],
        then: Callable[[Any], None],
        *,
        otherwise: Callable[[], None] | None = None,
        latest: bool = False,
    ) -> bool:
        """Run `function` in a thread and `then` with its result in the main thread.

        Parameters
        ----------
        kind
            Jobs of one kind never run side by side.
        text
            What is done, for progress and status.
        function, then
            The work, and what is done with its result.
        otherwise
            Called instead of `then` when the work failed with an expected error.
        latest
            Whether a job that comes while another one of its kind runs is started after it, in
            place of one that waits already; without, it is refused.

        Returns
        -------
        bool
            Whether the job was taken.
        """
        if kind in self.running:
            if latest:
                self._next[kind] = partial(self._start, kind, text, function, then, otherwise)
            return latest
        self._start(kind, text, function, then, otherwise)
        return True

    def _start(
        self,
        kind: str,
        text: str,
        function: Callable[[], Any],
        then: Callable[[Any], None],
        otherwise: Callable[[], None] | None,
    ) -> None:
        def guarded() -> Any:
            try:
                return function()
            except EXPECTED as error:
                return Failed(error)

        self.running[kind] = text
        worker = create_worker(
            guarded, _start_thread=False, _progress={"desc": text}, _ignore_errors=True
        )
        self._workers[kind] = worker
        worker.returned.connect(partial(self._returned, then, otherwise))
        worker.finished.connect(partial(self._finished, kind))
        self.changed.emit()
        worker.start()

    def _returned(
        self, then: Callable[[Any], None], otherwise: Callable[[], None] | None, result: Any
    ) -> None:
        if isinstance(result, Failed):
            tell(str(result.error) or type(result.error).__name__, error=True)
            if otherwise:
                otherwise()
            return
        guard(then, result)

    def _finished(self, kind: str) -> None:
        self.running.pop(kind, None)
        self._workers.pop(kind, None)
        waiting = self._next.pop(kind, None)
        if waiting:
            waiting()
        self.changed.emit()


def guard(function: Callable[..., Any], *args: Any, **options: Any) -> Any:
    """Call a function; an expected error becomes a notification and the result None."""
    try:
        return function(*args, **options)
    except EXPECTED as error:
        tell(str(error) or type(error).__name__, error=True)
        return None
