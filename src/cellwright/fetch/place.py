"""Where downloads go, and how sizes are said."""

from __future__ import annotations

import os
from pathlib import Path


def cache_folder() -> Path:
    """Where downloads go: $CELLWRIGHT_CACHE, else ``cellwright`` in the user's cache folder."""
    named = os.environ.get("CELLWRIGHT_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or os.environ.get("LOCALAPPDATA")
    return (Path(base) if base else Path.home() / ".cache") / "cellwright"


def show_size(size: int | None) -> str:
    """Bytes in words: ``375 MB``, ``1.2 GB``, ``size unknown``."""
    if size is None:
        return "size unknown"
    for unit, scale in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if size >= scale:
            return (
                f"{size / scale:.3g} {unit}"
                if size < 999.5 * scale
                else f"{size / scale:.0f} {unit}"
            )
    return f"{size} bytes"
