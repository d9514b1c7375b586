"""Pictures of a training: curves, and held-out crops beside what was made of them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from cellwright.formats.atomic import atomic_path


def draw_curves(rows: Sequence[dict[str, float]], path: Path, *, features: str) -> None:
    """Losses over minutes, and FID and L1 of the held-out images, as a PNG."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 3.2), layout="constrained")
    left, right = figure.subplots(1, 2)
    minutes = [r["seconds"] / 60 for r in rows]
    names = sorted({k for r in rows for k in r if k.startswith("train_")})
    for name in names:
        left.plot(minutes, [r.get(name, np.nan) for r in rows], label=name[6:], linewidth=1)
    left.set(xlabel="minutes", ylabel="training loss", yscale="log")
    if names:
        left.legend(fontsize=7)
    read = [r for r in rows if "held_out_fid" in r]
    at = [r["seconds"] / 60 for r in read]
    right.plot(at, [r["held_out_fid"] for r in read], "k.-")
    right.set(xlabel="minutes", ylabel=f"FID, held out (features: {features})", ylim=(0, None))
    other = right.twinx()
    other.plot(at, [r["held_out_l1"] for r in read], ".--", color="tab:red")
    other.set_ylabel("L1, held out (dashed)", color="tab:red")
    other.set_ylim(bottom=0)
    with atomic_path(path) as target:
        figure.savefig(target, dpi=120, format="png")


def draw_examples(
    crops: Sequence[tuple[np.ndarray, np.ndarray, np.ndarray]],
    path: Path,
    *,
    source: Sequence[str],
    target: Sequence[str],
) -> None:
    """Input, real and translated planes of some crops, one crop per row, as a PNG.

    Parameters
    ----------
    crops
        Source, target and what was made, each (plane, row, column) in about [-1, 1].
    path
        File to write.
    source, target
        Names of the channels, for the titles.
    """
    from matplotlib.figure import Figure

    if not crops:
        return
    columns = sum(len(part) for part in crops[0])
    figure = Figure(figsize=(2.2 * columns, 2.3 * len(crops)), layout="constrained")
    grid = figure.subplots(len(crops), columns, squeeze=False)
    for number, (line, parts) in enumerate(zip(grid, crops, strict=True)):
        given, real, made = parts
        planes = [
            *((plane, "input", name) for plane, name in _named(given, source)),
            *((plane, "real", name) for plane, name in _named(real, target)),
            *((plane, "translated", name) for plane, name in _named(made, target)),
        ]
        for axes, (plane, kind, name) in zip(line, planes, strict=True):
            axes.imshow(plane, cmap="gray", vmin=-1, vmax=1, interpolation="nearest")
            axes.set_axis_off()
            if number == 0:
                axes.set_title(f"{kind}: {name}", fontsize=8)
    with atomic_path(path) as out:
        figure.savefig(out, dpi=120, format="png")


def _named(planes: np.ndarray, names: Sequence[str]) -> list[tuple[np.ndarray, str]]:
    """Planes with a name each: that of their channel if there are as many, else numbered."""
    if len(planes) == len(names):
        return list(zip(planes, names, strict=True))
    return [(plane, f"{' '.join(names)} {n}") for n, plane in enumerate(planes)]
