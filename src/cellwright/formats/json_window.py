"""A window that slides over a JSON file, so that its values are read without the whole text."""

from __future__ import annotations

import codecs
import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, NoReturn

from cellwright.types import InputError

CHUNK = 1 << 22
"""Bytes that are read at once."""
LIMIT = 1 << 28
"""Longest value, in bytes, that is read as a whole (256 MiB)."""

_LOOK = 16
"""No word, number sign or escape is longer: a break nearer to the end may be none."""
_space = re.compile(r"[ \t\n\r]*").match
_comma = re.compile(r"[ \t\n\r]*,[ \t\n\r]*").match
_decode = json.JSONDecoder().raw_decode


class Window:
    """Text of a file that slides forward; one character is one byte (Latin-1).

    Structure and numbers of JSON are ASCII, so that they are found in this text as they are;
    values with other characters are decoded again from their bytes. All bytes are checked to
    be UTF-8. A mark of byte order at the beginning is skipped.

    Parameters
    ----------
    file
        Open at its beginning for reading bytes.
    path
        Its name, for errors.
    chunk
        Bytes that are read at once, at least 1.
    limit
        Longest value in bytes.

    Raises
    ------
    InputError
        From every method: no valid JSON (with line, column and byte, the first column being
        1, columns counted in bytes), or a value longer than `limit`.
    """

    def __init__(
        self, file: BinaryIO, path: Path, *, chunk: int = CHUNK, limit: int = LIMIT
    ) -> None:
        self._file, self._path, self._chunk, self._limit = file, path, chunk, limit
        self._check = codecs.getincrementaldecoder("utf-8")()
        self._text, self._at, self._begin = "", 0, 0  # `_begin` is the byte of `_text[0]`
        self._ended = self._plain = False
        while len(self._text) < 3 and not self._ended:
            self._more()
        if self._text.startswith("\xef\xbb\xbf"):
            self._at = 3

    def _more(self) -> None:
        """Drop what lies behind and read on: at least a chunk, at most as much as is kept."""
        rest = self._text[self._at :]
        if len(rest) >= self._limit:
            raise InputError(
                f"{self._path}: no valid JSON (the value at byte {self._begin + self._at} does "
                f"not end within {self._limit:,} bytes, more are not read as a whole; look there "
                "for a quote or a bracket that is not closed)"
            )
        data = self._file.read(min(max(self._chunk, len(rest)), self._limit - len(rest)))
        self._ended = not data
        waiting = len(self._check.getstate()[0])
        try:
            if waiting or self._ended or not data.isascii():
                self._check.decode(data, self._ended)
        except UnicodeDecodeError as error:
            byte = self._begin + len(self._text) - waiting + error.start
            self.fail(f"no UTF-8, {error.reason}", byte)
        self._begin += self._at
        self._text, self._at = rest, 0
        self._text += data.decode("latin-1")
        self._plain = self._text.isascii()

    def fail(self, reason: str, byte: int | None = None) -> NoReturn:
        """Raise InputError for the JSON at `byte`, the present one if None."""
        byte = self._begin + self._at if byte is None else byte
        self._file.seek(0)
        line, begin, left = 1, 0, byte
        while left > 0 and (data := self._file.read(min(1 << 20, left))):
            if found := data.count(b"\n"):
                line, begin = line + found, byte - left + data.rindex(b"\n") + 1
            left -= len(data)
        raise InputError(
            f"{self._path}: no valid JSON ({reason}: line {line} column {byte - begin + 1}, "
            f"byte {byte})"
        )

    def peek(self) -> str:
        """The next character that is no white space; "" at the end of the file."""
        while True:
            self._at = _space(self._text, self._at).end()  # type: ignore[union-attr]
            if self._at < len(self._text) or self._ended:
                return self._text[self._at : self._at + 1]
            self._more()

    def take(self, wanted: str) -> str:
        """Go past the next character, which must be one of `wanted`, and give it."""
        found = self.peek()
        if not found or found not in wanted:
            self.fail(f"Expecting {' or '.join(map(repr, wanted))}")
        self._at += 1
        return found

    def value(self) -> Any:
        """Go past the next value and give it as `json.loads` does."""
        self.peek()
        value, end = self._value()
        self._at = end
        return value

    def _value(self) -> tuple[Any, int]:
        """The value at `_at` and where in `_text` it ends."""
        while True:
            text, at = self._text, self._at
            try:
                value, end = _decode(text, at)
                if end + _LOOK < len(text) or self._ended:
                    return value if self._plain else _exact(value, text[at:end]), end
            except json.JSONDecodeError as error:
                cut = error.pos + _LOOK >= len(text) or error.msg.startswith("Unterminated")
                if self._ended or not cut:
                    self.fail(error.msg, self._begin + error.pos)
            except (ValueError, RecursionError) as error:  # digits without end, depth
                self.fail(str(error))
            self._more()

    def elements(self) -> Iterator[tuple[Any, int, int]]:
        """Go past the array that begins here and give its elements one after the other.

        Yields
        ------
        tuple
            The element, its first byte in the file and the byte behind its last.
        """
        self.take("[")
        if self.peek() == "]":
            self.take("]")
            return
        while True:
            value, end = self._value()
            yield value, self._begin + self._at, self._begin + end
            self._at = end
            comma = _comma(self._text, end)
            if comma and comma.end() < len(self._text):
                self._at = comma.end()
            elif self.take(",]") == "]":
                return
            else:
                self.peek()


def _exact(value: Any, text: str) -> Any:
    """The value with its characters decoded from UTF-8."""
    return value if text.isascii() else json.loads(text.encode("latin-1").decode("utf-8"))
