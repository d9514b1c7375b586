"""Flags shared by the commands, so that each means the same everywhere."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer

Input = Annotated[
    list[Path] | None,
    typer.Option("-i", "--input", help="Input, as the positional one; may be repeated."),
]
Output = Annotated[Path, typer.Option("-o", "--output", help="Where the result goes.")]
Model = Annotated[
    Path, typer.Option("-m", "--model", help="A model folder, or the name of a shipped model.")
]
Device = Annotated[
    str, typer.Option("-d", "--device", help="auto, cpu, cuda, cuda:1 or mps.", show_default=True)
]
Jobs = Annotated[
    int | None,
    typer.Option("-j", "--jobs", min=1, help="Images or windows worked on at once; all cores."),
]
Seed = Annotated[int, typer.Option("--seed", min=0, help="Seed of everything random.")]
Epochs = Annotated[int | None, typer.Option("--epochs", min=1, help="Passes over the data.")]
Minutes = Annotated[float | None, typer.Option("--minutes", min=0, help="Stop after so long.")]
ValFraction = Annotated[
    float,
    typer.Option(
        "--val-fraction", min=0, max=0.9, help="Part of the data set kept for that instead."
    ),
]
Where = Annotated[
    list[str] | None,
    typer.Option(
        "--where",
        metavar="KEY=VALUE",
        help="Only images with this tag; a repeated key: any of these.",
    ),
]
TileShape = Annotated[
    tuple[int, int] | None,
    typer.Option(
        "--tile-shape", min=16, help="Rows and columns of a tile, without its halo; e.g. 512 512."
    ),
]
Halo = Annotated[
    tuple[int, int] | None,
    typer.Option("--halo", min=0, help="Rows and columns seen around a tile, e.g. 64 64."),
]
OnTrainingImages = Annotated[
    bool,
    typer.Option(
        "--on-training-images",
        help="Score images that the model learnt from too; without, they are refused.",
    ),
]
Quiet = Annotated[bool, typer.Option("-q", "--quiet", help="No progress and no summary.")]
Verbose = Annotated[
    int,
    typer.Option(
        "-v", "--verbose", count=True, help="Say more; twice for everything. Tracebacks too."
    ),
]
Segmenter = Annotated[str, typer.Option("--segmenter", help="Who labels: see cellwright methods.")]


def inputs(positional: Sequence[Path] | None, option: Sequence[Path] | None) -> list[Path]:
    """The inputs given as arguments and by ``-i`` together; wrong use if there are none."""
    given = [*(positional or ()), *(option or ())]
    if not given:
        raise typer.BadParameter("no input was given: name a file or folder, or use -i")
    return given


def one_input(positional: Path | None, option: Sequence[Path] | None) -> Path:
    """The only input; wrong use if there is none or more than one."""
    given = inputs([positional] if positional else None, option)
    if len(given) > 1:
        raise typer.BadParameter(f"{len(given)} inputs were given, this command takes one")
    return given[0]


def key_values(pairs: Sequence[str] | None, flag: str) -> tuple[tuple[str, str], ...]:
    """``["a=1", "b=x"]`` as pairs; wrong use if a part lacks its key or its sign."""
    found = []
    for pair in pairs or ():
        key, sign, value = pair.partition("=")
        if not sign or not key.strip():
            raise typer.BadParameter(f"{flag} wants key=value, {pair!r} came")
        found.append((key.strip(), value.strip()))
    return tuple(found)


def settings(pairs: Sequence[str] | None, flag: str) -> dict[str, Any]:
    """``["a=1", "b=2,3"]`` as values by name: JSON, a list of it after commas, else text."""
    return {key: _plain(value) for key, value in key_values(pairs, flag)}


def _plain(text: str) -> Any:
    plain = text.lower() if text.lower() in ("true", "false") else text
    for form in (plain, f"[{plain}]") if "," in plain else (plain,):
        try:
            return json.loads(form)
        except json.JSONDecodeError:
            continue
    return text


def listed(text: str | None) -> tuple[str, ...] | None:
    """``"a, b"`` as names; None if nothing came."""
    return tuple(part.strip() for part in text.split(",") if part.strip()) if text else None


def numbers(text: str | None, flag: str) -> tuple[int, ...] | None:
    """``"16,32"`` as whole numbers; None if nothing came."""
    try:
        return tuple(int(part) for part in listed(text) or ()) or None
    except ValueError as error:
        raise typer.BadParameter(f"{flag} wants whole numbers, 16,32,64; {text!r} came") from error


def names(text: str, allowed: Sequence[str], flag: str) -> tuple[str, ...]:
    """``"coco,labels"`` as names, each one of `allowed`."""
    found = tuple(part.strip() for part in text.split(",") if part.strip())
    unknown = [name for name in found if name not in allowed]
    if unknown or not found:
        raise typer.BadParameter(
            f"{flag} does not know {', '.join(unknown) or 'an empty list'}: "
            f"choose from {', '.join(allowed)}"
        )
    return found


def diameter(text: str | None) -> float | str | None:
    """``"auto"`` or a number of pixels; None if nothing came."""
    if text is None or text == "auto":
        return text
    try:
        return float(text)
    except ValueError as error:
        raise typer.BadParameter(
            f"--diameter wants a number of pixels or auto; {text!r} came"
        ) from error


def channel(text: str | None) -> int | str | None:
    """A name, or an index from 0; None if nothing came."""
    return int(text) if text is not None and text.lstrip("-").isdigit() else text


def areas(given: Sequence[str] | None) -> dict[str, tuple[float, float]] | None:
    """Area bins from ``NAME=LOW:HIGH``; None if there are none."""
    bins = {}
    for name, value in key_values(given, "--area"):
        low, _, high = value.partition(":")
        try:
            bins[name] = (float(low or 0), float(high or 1e10))
        except ValueError as error:
            raise typer.BadParameter(
                f"--area {name}={value} came: wanted is NAME=LOW:HIGH, e.g. small=0:324"
            ) from error
    return bins or None
