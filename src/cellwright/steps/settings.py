"""How an output folder is made, noted in it, so that it is not gone on with in another way."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cellwright.types import InputError


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
        now = json.loads(json.dumps(dict(settings)))
        other = [k for k in {**before, **now} if before.get(k) != now.get(k)]
        if other:
            raise InputError(
                f"{output} was made with another {', '.join(other)}: use the same, or another "
                "output folder"
            )
        return
    output.mkdir(parents=True, exist_ok=True)
    write_json(dict(settings), note)
