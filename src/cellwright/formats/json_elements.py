"""Elements of an array in a JSON file, read group by group when asked for."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple, overload

import numpy as np

from cellwright.types import InputError


class Runs(NamedTuple):
    """Where the elements of an array lie: stretches of neighbours of the same group.

    Parameters
    ----------
    path
        The file.
    state
        Its size in bytes and its time of change in nanoseconds when it was read.
    starts, ends
        (runs,) int64, the first byte of each stretch and the byte behind its last.
    groups
        (runs,) int64, the group that its elements belong to.
    """

    path: Path
    state: tuple[int, int]
    starts: np.ndarray
    ends: np.ndarray
    groups: np.ndarray


class Elements(Sequence[list[Any]]):
    """Elements of an array, group by group; those of a group are read when it is asked for.

    Every look opens the file anew, so that threads and processes may share it, and it may be
    pickled. A file that is not the one that was indexed any more raises InputError.

    Parameters
    ----------
    runs
        Where the elements lie.
    order
        The group that each place shows, negative for none; groups that are not named here are
        not shown.
    """

    def __init__(self, runs: Runs, order: Sequence[int]) -> None:
        self._path, self._state = Path(os.path.abspath(runs.path)), runs.state
        shown = np.asarray(order, np.int64)
        by_group = np.argsort(runs.groups, kind="stable")
        self._starts, self._ends = runs.starts[by_group], runs.ends[by_group]
        groups = runs.groups[by_group]
        self._first = np.searchsorted(groups, shown, "left")
        self._behind = np.searchsorted(groups, shown, "right")

    def __len__(self) -> int:
        return len(self._first)

    @overload
    def __getitem__(self, index: int) -> list[Any]: ...
    @overload
    def __getitem__(self, index: slice) -> list[list[Any]]: ...
    def __getitem__(self, index: int | slice) -> list[Any] | list[list[Any]]:
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        place = slice(int(self._first[index]), int(self._behind[index]))
        starts, ends = self._starts[place].tolist(), self._ends[place].tolist()
        try:
            text = b"[" + b",".join(self._read(starts, ends)) + b"]"
            found: list[Any] = json.loads(text)
        except InputError:
            raise
        except OSError as error:
            raise InputError(f"{self._path}: could not be read again ({error})") from error
        except RecursionError as error:
            raise InputError(f"{self._path}: no valid JSON ({error})") from error
        except ValueError as error:
            raise changed(self._path) from error
        return found

    def _read(self, starts: list[int], ends: list[int]) -> Iterator[bytes]:
        with self._path.open("rb", buffering=0) as file:
            if state_of(file) != self._state:
                raise changed(self._path)
            for start, end in zip(starts, ends, strict=True):
                file.seek(start)
                part = file.read(end - start)
                while len(part) < end - start and (more := file.read(end - start - len(part))):
                    part += more
                yield part


def state_of(file: IO[bytes]) -> tuple[int, int]:
    """Size in bytes and time of change in nanoseconds of an open file."""
    found = os.fstat(file.fileno())
    return found.st_size, found.st_mtime_ns


def changed(path: Path) -> InputError:
    """The error for a file that is not the one that was indexed."""
    return InputError(f"{path}: the file has changed while it was in use; open it again")
