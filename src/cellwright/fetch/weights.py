"""A published model: its files, what it was trained on, under which licence."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from cellwright.fetch.download import RemoteFile
from cellwright.fetch.place import cache_folder

HUB = "https://huggingface.co"


@dataclass(frozen=True, slots=True)
class Weights:
    """One published model.

    Parameters
    ----------
    name
        What users call it.
    summary
        One line.
    files
        What is downloaded. One file is an original-format checkpoint; several are a folder
        in the format of `transformers`.
    licence
        Of the weights.
    trained_on
        Images it has seen.
    hub_id, revision
        The same model on the Hugging Face hub, pinned where the commit is known; None if it
        is not there.
    page
        Where its terms are stated, if not on the hub.
    """

    name: str
    summary: str
    files: tuple[RemoteFile, ...]
    licence: str
    trained_on: str
    hub_id: str | None = None
    revision: str | None = None
    page: str | None = None

    @property
    def source(self) -> str:
        """The page that states its terms."""
        return self.page or f"{HUB}/{self.hub_id}"

    @property
    def folder(self) -> Path:
        """Where its files lie once they were fetched."""
        return cache_folder() / "models" / self.name

    @property
    def path(self) -> Path:
        """What is loaded: the only file, or the folder."""
        return self.folder / self.files[0].name if len(self.files) == 1 else self.folder

    @property
    def is_here(self) -> bool:
        """Whether every file was fetched."""
        return all((self.folder / file.name).is_file() for file in self.files)

    @property
    def verified(self) -> bool:
        """Whether the hash of every file is known before it is fetched."""
        return all(file.sha256 for file in self.files)
