"""A folder of weights and the JSON card that names their hash: what every kind of it shares."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.formats.atomic import write_json
from cellwright.types import InputError
from cellwright.zoo.weights import write_weights

if TYPE_CHECKING:
    from torch import Tensor, nn


@dataclass(frozen=True, slots=True)
class CardFile:
    """The two files of a kind of folder, and what errors call it.

    Parameters
    ----------
    card, weights
        Names of the files.
    version
        Schema version of the card.
    kind
        What lies in such a folder, for errors.
    folder
        What the folder is called, for errors.
    command
        What writes such folders.
    """

    card: str
    weights: str
    version: int
    kind: str
    folder: str
    command: str

    def write(
        self,
        folder: Path,
        state: Mapping[str, Tensor],
        net: nn.Module,
        card: Mapping[str, Any],
    ) -> None:
        """Write the weights `state` of `net`, then the card that names their hash."""
        folder.mkdir(parents=True, exist_ok=True)
        digest = write_weights(state, folder / self.weights)
        record = {
            "schema_version": self.version,
            "sha256": digest,
            "parameters": sum(p.numel() for p in net.parameters()),
            **card,
        }
        write_json(record, folder / self.card)

    def read(self, folder: Path) -> dict[str, Any]:
        """The card as it stands in the file.

        Raises
        ------
        InputError
            If there is none, it is no JSON object, or of another schema version.
        """
        path = folder / self.card
        if not path.is_file():
            raise InputError(
                f"{folder} is not a {self.folder}: it has no {self.card}; give the folder that "
                f"`cellwright {self.command} -o` wrote"
            )
        try:
            record = json.loads(path.read_text(encoding="utf-8"))
            version = record.get("schema_version")
        except (UnicodeDecodeError, ValueError, AttributeError) as error:
            raise InputError(
                f"{path} is not a usable card ({error}); train the {self.kind} again"
            ) from error
        if version != self.version:
            raise InputError(
                f"{folder} has {self.kind} schema version {version}, this Cellwright reads "
                f"{self.version}; update Cellwright or train the {self.kind} again"
            )
        return dict(record)
