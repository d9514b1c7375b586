"""What is written down of a public data set."""

from __future__ import annotations

from dataclasses import dataclass

from cellwright.fetch import RemoteFile


@dataclass(frozen=True, slots=True)
class Part:
    """One file of a data set.

    Parameters
    ----------
    file
        What is downloaded.
    folder
        Where an archive is unpacked to, beside the file; None for a plain file.
    """

    file: RemoteFile
    folder: str | None = None


@dataclass(frozen=True, slots=True)
class Dataset:
    """A public data set.

    Parameters
    ----------
    name
        What users call it.
    summary
        One line: what is imaged, how much of it.
    parts
        Its files.
    licence, source
        The terms, and the page that states them.
    paper
        What to cite.
    use
        The command that takes it up once it is here; ``{folder}`` is where it lies.
    """

    name: str
    summary: str
    parts: tuple[Part, ...]
    licence: str
    source: str
    paper: str
    use: tuple[str, ...]
