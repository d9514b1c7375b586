"""Translators: networks that turn one kind of picture into another, and their folder on disk.

``translator.safetensors`` holds the weights, ``translator.json`` the rest; written as the model
folders of `cellwright.zoo.checkpoint` are, and never unpickled.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from cellwright.nets.pix2pix import WIDTHS, Pix2PixGenerator
from cellwright.nets.unet import UNet
from cellwright.types import InputError
from cellwright.zoo.card_file import CardFile
from cellwright.zoo.weights import read_weights

WEIGHTS, CARD = "translator.safetensors", "translator.json"
FILES = CardFile(
    CARD, WEIGHTS, version=1, kind="translator", folder="translator", command="learn-translation"
)
#: channels of each level of the autoencoder where none are given
UNET_WIDTHS = (64, 128, 256, 512, 1024)


class Autoencoder(nn.Module):
    """The plain U-Net that P4 compares pix2pix with (5.6); it has no noise."""

    def __init__(self, inputs: int, outputs: int, *, widths: Sequence[int] = UNET_WIDTHS) -> None:
        super().__init__()
        self.net = UNet(inputs, outputs, widths=widths)
        self.stride = self.net.stride

    def noise_shapes(self, rows: int, columns: int) -> list[tuple[int, int, int]]:
        """None: the same input gives the same output."""
        return []

    def logits(self, x: Tensor) -> Tensor:
        """What `autoencoder_losses` takes."""
        return self.net(x)

    def forward(self, x: Tensor, noise: Sequence[Tensor] | None = None) -> Tensor:
        """(image, inputs, row, column) to (image, outputs, row, column) in [-1, 1]."""
        return 2 * torch.sigmoid(self.net(x)) - 1


def _pix2pix(inputs: int, outputs: int, widths: Sequence[int] | None) -> nn.Module:
    return Pix2PixGenerator(inputs, outputs, widths=tuple(widths or WIDTHS))


def _autoencoder(inputs: int, outputs: int, widths: Sequence[int] | None) -> nn.Module:
    return Autoencoder(inputs, outputs, widths=tuple(widths or UNET_WIDTHS))


#: builders by name, called with channels in, channels out, and widths or None
TRANSLATORS: dict[str, Callable[[int, int, Sequence[int] | None], Any]] = {
    "pix2pix": _pix2pix,
    "autoencoder": _autoencoder,
}


@dataclass(frozen=True, slots=True)
class TranslatorCard:
    """What is known of a translator besides its weights.

    Parameters
    ----------
    how
        A name of `TRANSLATORS`.
    widths
        Channels of each level, or None for those of the paper.
    source, target
        Names of the channels that it is shown and that it makes; ``("masks",)`` for the labels.
    source_range, target_range
        Intensities (low, high) of each plane that the network knows as -1 and 1.
    dtype
        Of the images made.
    axes, leading
        Of the images made, and the lengths of the axes before row and column.
    crop
        Rows and columns it was trained on: those of a tile.
    classes
        Class names of the planes, for masks.
    pixel_size
        Micrometres per pixel (row, column), or None if unknown or mixed.
    provenance, scores, versions
        Data set and settings; figures on the held-out images; libraries.
    """

    how: str
    source: tuple[str, ...]
    target: tuple[str, ...]
    source_range: tuple[tuple[float, float], ...]
    target_range: tuple[tuple[float, float], ...]
    widths: tuple[int, ...] | None = None
    dtype: str = "uint16"
    axes: str = "YX"
    leading: tuple[int, ...] = ()
    crop: tuple[int, int] = (512, 512)
    classes: tuple[str, ...] = ()
    pixel_size: tuple[float, float] | None = None
    provenance: Mapping[str, Any] = field(default_factory=dict)
    scores: Mapping[str, Any] = field(default_factory=dict)
    versions: Mapping[str, str] = field(default_factory=dict)

    def build(self) -> Any:
        """The network, with weights to begin with."""
        if self.how not in TRANSLATORS:
            raise InputError(
                f"there is no translator {self.how!r}; known are {', '.join(TRANSLATORS)}"
            )
        return TRANSLATORS[self.how](len(self.source_range), len(self.target_range), self.widths)


def save_translator(net: nn.Module, card: TranslatorCard, folder: Path) -> None:
    """Write the folder: the weights first, then the card that names their hash."""
    state = {k: v.detach().cpu().contiguous() for k, v in net.state_dict().items()}
    FILES.write(folder, state, net, asdict(card))


def read_translator_card(folder: Path) -> tuple[TranslatorCard, str]:
    """The card of a translator's folder and the SHA-256 its weights must have."""
    record = FILES.read(Path(folder))
    try:
        expected = record.pop("sha256")
        known = {
            k: _tupled(v) for k, v in record.items() if k not in ("schema_version", "parameters")
        }
        return TranslatorCard(**known), expected
    except (KeyError, TypeError) as error:
        raise InputError(
            f"{Path(folder) / CARD} is not a usable card ({error}); train the translator again"
        ) from error


def load_network(folder: Path) -> tuple[Any, TranslatorCard]:
    """The network of a translator's folder, in evaluation mode, and its card.

    Raises
    ------
    InputError
        Not such a folder, of a newer version, or damaged weights.
    """
    folder = Path(folder)
    card, expected = read_translator_card(folder)
    tensors = read_weights(folder / WEIGHTS, expected, card=CARD, what="folder")
    net = card.build()
    try:
        net.load_state_dict(tensors)
    except RuntimeError as error:
        raise InputError(f"{folder}: the weights do not fit the network: {error}") from error
    return net.eval(), card


def _tupled(value: Any) -> Any:
    """Lists as tuples, as deep as they go."""
    return tuple(_tupled(v) for v in value) if isinstance(value, list) else value
