"""How an output folder is made, noted in it, so that it is not gone on with in another way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellwright.types import InputError

#: characters of a value that a message shows
SHOWN = 60


def note_settings(output: Path, name: str, settings: Mapping[str, Any]) -> None:
    """Write `settings` to the file `name` in `output`, or compare them with what stands there.

    Raises
    ------
    InputError
        If `output` was made with others; the message names them.
    """
    from cellwright.formats.atomic import write_json

    note = output / name
    if note.is_file():
        before = json.loads(note.read_text(encoding="utf-8"))
        refuse_others(output, before, {**dict.fromkeys(before), **settings})
        return
    output.mkdir(parents=True, exist_ok=True)
    write_json(dict(settings), note)


def refuse_others(output: Path, before: Mapping[str, Any], now: Mapping[str, Any]) -> None:
    """Raise InputError if a setting of `now` was another one in `before`, as read from JSON."""
    plain = json.loads(json.dumps(dict(now)))
    other = [
        f"{key} ({_shown(before.get(key))}, now {_shown(value)})"
        for key, value in plain.items()
        if before.get(key) != value
    ]
    if other:
        raise InputError(
            f"{output} was made with another {', '.join(other)}: use the same settings, or another "
            "output folder"
        )


def _shown(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= SHOWN else text[: SHOWN - 1] + "\N{HORIZONTAL ELLIPSIS}"
