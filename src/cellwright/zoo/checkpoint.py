"""The model folder: ``model.safetensors`` with the weights, ``model.json`` with the rest.

Nothing in it is ever unpickled. A folder is written whole or not at all: the weights
first, the card last, and a card names the hash of the weights it belongs to.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from cellwright.types import InputError
from cellwright.zoo.builders import build
from cellwright.zoo.card_file import CardFile
from cellwright.zoo.method import Normalisation, with_thresholds
from cellwright.zoo.weights import read_weights

WEIGHTS, CARD = "model.safetensors", "model.json"
FILES = CardFile(CARD, WEIGHTS, version=1, kind="model", folder="model folder", command="train")


@dataclass(frozen=True, slots=True)
class ModelCard:
    """What is known of a model besides its weights.

    Parameters
    ----------
    method
        Registered method name (the builder).
    arguments
        What the builder was called with.
    normalisation
        How intensities become input.
    thresholds
        Codec settings, tuned on the fold named in `provenance`.
    pixel_size
        Micrometres per pixel (row, column) of the training images, or None if unknown or mixed.
    diameter
        Diameter in pixels of a disc as large as the typical training cell (see
        `cellwright.predict.typical_diameter`), or None if unknown.
    window
        Rows and columns of the training crops; methods that draw each cell by itself are
        shown windows of this size.
    channels
        Names of the input planes, in order; empty if the training images gave none.
    provenance
        Data set, images, fold, seed, time, licence of the data.
    learnt
        Fingerprint -> name of each image that was learnt from, also by a model this one started
        from and by pasted cells (see `cellwright.steps.learnt`); empty if unknown.
    scores
        Scores on the tuning fold.
    versions
        Versions of the libraries that made it.
    """

    method: str
    arguments: dict[str, Any]
    normalisation: Normalisation = field(default_factory=Normalisation)
    thresholds: dict[str, Any] = field(default_factory=dict)
    pixel_size: tuple[float, float] | None = None
    diameter: float | None = None
    window: tuple[int, int] | None = None
    channels: tuple[str, ...] = ()
    provenance: dict[str, Any] = field(default_factory=dict)
    learnt: dict[str, str] = field(default_factory=dict)
    scores: dict[str, Any] = field(default_factory=dict)
    versions: dict[str, str] = field(default_factory=dict)

    @property
    def class_names(self) -> tuple[str, ...]:
        """Names of the classes the model knows."""
        return tuple(self.arguments.get("class_names", ("cell",)))

    @property
    def inputs(self) -> int:
        """Input planes the network takes."""
        return int(self.arguments.get("inputs", 1))


def save_model(method: Any, card: ModelCard, folder: Path, *, half: bool = False) -> None:
    """Write the model folder; an earlier model in it is replaced only when all is on disk.

    Parameters
    ----------
    method, card, folder
        What is written, and where.
    half
        Keep kernels as float16, half the bytes; statistics and biases stay float32. They are
        computed with in float32 all the same.
    """
    state = {k: v.detach().cpu().contiguous() for k, v in method.net.state_dict().items()}
    if half:
        state = {k: v.half() if v.ndim > 1 and v.is_floating_point() else v
                 for k, v in state.items()}  # fmt: skip
    FILES.write(folder, state, method.net, {"builder": card.method, **asdict(card)})


def read_card(folder: Path) -> tuple[ModelCard, str]:
    """The card of a model folder and the SHA-256 its weights must have."""
    path, record = Path(folder) / CARD, FILES.read(Path(folder))
    try:
        return ModelCard(
            method=record["method"],
            arguments=record["arguments"],
            normalisation=Normalisation(**record["normalisation"]),
            thresholds=record["thresholds"],
            pixel_size=tuple(record["pixel_size"]) if record.get("pixel_size") else None,
            diameter=record.get("diameter"),
            window=tuple(record["window"]) if record.get("window") else None,
            channels=tuple(record.get("channels", ())),
            provenance=record.get("provenance", {}),
            learnt=record.get("learnt", {}),
            scores=record.get("scores", {}),
            versions=record.get("versions", {}),
        ), record["sha256"]
    except (KeyError, TypeError) as error:
        raise InputError(f"{path} lacks or misspells {error}; train the model again") from error


def load_model(folder: Path) -> tuple[Any, ModelCard]:
    """Rebuild the method of a model folder, in evaluation mode, and its card.

    Raises
    ------
    InputError
        Not a model folder, of a newer version, damaged weights, or weights of another network.
    """
    folder = Path(folder)
    card, expected = read_card(folder)
    tensors = read_weights(folder / WEIGHTS, expected, card=CARD, what="model folder")
    method = build(card.method, **card.arguments)
    try:
        method.net.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{folder}: the weights do not fit the network: {error}") from error
    return with_thresholds(method, card.thresholds).eval(), card
