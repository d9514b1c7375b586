"""Warnings of the package's log as napari notifications."""

from __future__ import annotations

import logging
import threading
from collections import deque

from cellwright.plugin.work import tell


class LogNotes(logging.Handler):
    """Shows warnings in the window; those of threads wait until the main thread has a moment."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._waiting: deque[str] = deque(maxlen=20)
        logging.getLogger("cellwright").addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        """Show a record, or keep it for `show`."""
        self._waiting.append(record.getMessage())
        if threading.current_thread() is threading.main_thread():
            self.show()

    def show(self) -> None:
        """Show what came from threads."""
        while self._waiting:
            tell(self._waiting.popleft(), warning=True)

    def stop(self, *_: object) -> None:
        """Listen no more."""
        logging.getLogger("cellwright").removeHandler(self)
