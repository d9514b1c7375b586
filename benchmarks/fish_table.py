"""benchmarks/fish.md and fish-noise.png from the results of fish.py."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path

import fish
import numpy as np

HERE = Path(__file__).parent
ROUTES = {"true": "true masks", "segmented": "segmented"}


def write(out: Path) -> None:
    """Tables and picture of the results in `out`."""
    frames = {route: Counter() for route in ROUTES}
    for path in sorted(out.glob("frame_*.json")):
        for route, sums in json.loads(path.read_text()).items():
            frames[route].update(sums)
    curve = {}
    for level in fish.LEVELS:
        curve[level] = read(out, f"noise_{level:g}")
    anywhere = read(out, "signals_anywhere")
    cost = json.loads((out / "cost.json").read_text())
    text = [
        (HERE / "fish_head.md").read_text(),
        main_table(frames),
        curve_table(curve, anywhere),
        cost_table(cost, frames),
        (HERE / "fish_foot.md").read_text(),
    ]
    (HERE / "fish.md").write_text("\n".join(text))
    draw(curve, HERE / "fish-noise.png")


def read(out: Path, name: str) -> dict[str, Counter]:
    """Counts by route."""
    found = json.loads((out / f"curve_{name}.json").read_text())
    return {route: Counter(sums) for route, sums in found.items()}


def main_table(frames: dict[str, Counter]) -> str:
    """The large frames."""
    sums = frames["true"]
    found = {route: fish.figures(s) for route, s in frames.items()}
    abnormal = sum(
        n
        for key, n in sums.items()
        if key.startswith("four-colour ") and key.split()[1] != "normal"
    )
    lines = [
        "## Frames of 3600 x 4128",
        "",
        f"{sums['frames']} frames, {sums['nuclei']:,} whole nuclei: {sums['nuclei'] - abnormal:,} "
        f"normal, {abnormal} abnormal of which {found['true']['four-colour CACs']} are CACs by the "
        f"rule four-colour; {100 * found['true']['touching']:.0f} % touch another one; "
        f"{sums['signals']:,} signals.",
        "",
        "| figure | wanted | true masks | segmented |",
        "| --- | --- | --- | --- |",
    ]
    rows = (
        ("signals: precision", "0.992", "precision", "spots"),
        ("signals: recall", "0.995", "recall", "signals"),
        ("nuclei with every count exact", "", "exact", "nuclei"),
        ("four-colour, CAC: sensitivity", "0.97", "four-colour sensitivity", "four-colour CACs"),
        ("four-colour, CAC: specificity", "0.998", "four-colour specificity", "four-colour others"),
        ("katz2010, CAC: sensitivity", "", "katz2010 sensitivity", "katz2010 CACs"),
        ("katz2010, CAC: specificity", "", "katz2010 specificity", "katz2010 others"),
    )
    for name, wanted, key, count in rows:
        cells = []
        for route in ROUTES:
            total = frames[route][count] or found[route].get(count, 0)
            low, high = fish.interval(found[route][key], total)
            cells.append(f"{found[route][key]:.4f} ({low:.4f} to {high:.4f})")
        lines.append(f"| {name} | {wanted} | {' | '.join(cells)} |")
    share = [f"{100 * found[r]['not_called']:.2f} %" for r in ROUTES]
    lines.append(f"| nuclei not called or not found | | {' | '.join(share)} |")
    extra = [str(frames[r]["CAC on nothing"]) for r in ROUTES]
    lines.append(f"| calls of CAC on no nucleus | | {' | '.join(extra)} |")
    return "\n".join(lines) + "\n"


def curve_table(curve: dict[float, dict[str, Counter]], anywhere: dict[str, Counter]) -> str:
    """Figures over the noise."""
    lines = [
        "## Over the noise",
        "",
        "Three frames of 1800 x 2064 with 430 nuclei each, 15 % of them abnormal, the same scenes "
        "at every level. Level 2 has a quarter of the light.",
        "",
        "![](fish-noise.png)",
        "",
        "| noise | masks | precision | recall | exact | CAC sensitivity | CAC specificity |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    named = [(f"{level:g}", sums) for level, sums in curve.items()]
    for name, by_route in [*named, ("1, signals anywhere", anywhere)]:
        for route, words in ROUTES.items():
            f = fish.figures(by_route[route])
            lines.append(
                f"| {name} | {words} | {f['precision']:.4f} | {f['recall']:.4f} | "
                f"{f['exact']:.3f} | {f['four-colour sensitivity']:.4f} | "
                f"{f['four-colour specificity']:.4f} |"
            )
    return "\n".join(lines) + "\n"


def cost_table(cost: dict[str, dict[str, float]], frames: dict[str, Counter]) -> str:
    """Seconds and memory of the whole command."""
    channels = len(fish.PROBES)
    lines = [
        "## Seconds and memory",
        "",
        "`cellwright fish` on one frame of five channels, file to tables and gallery, one thread "
        "on two shared cores with other work on both, so that the seconds are rather too long.",
        "",
        "| nuclei from | whole, s | nuclei, s | signals of 4 channels, s | peak, GiB, at most |",
        "| --- | --- | --- | --- | --- |",
    ]
    for route, row in cost.items():
        lines.append(
            f"| {route} | {row['seconds']:.1f} | {row['nuclei']:.1f} | {row['signals']:.1f} | "
            f"{row['GiB']:.2f} |"
        )
    mean = frames["true"]["seconds_signals"] / frames["true"]["frames"]
    lines += [
        "",
        f"Over the seven frames the signals took {mean:.1f} s a frame, "
        f"{mean / channels:.1f} s a channel.",
    ]
    return "\n".join(lines) + "\n"


def draw(curve: dict[float, dict[str, Counter]], path: Path) -> None:
    """The curve as a picture."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    panels = (
        ("signals", {"precision": "precision", "recall": "recall", "exact": "nuclei exact"}),
        (
            "cells called CAC (four-colour)",
            {
                "four-colour sensitivity": "sensitivity",
                "four-colour specificity": "specificity",
            },
        ),
    )
    figure, axes = plt.subplots(1, 2, figsize=(10, 3.8), layout="constrained")
    for ax, (title, keys) in zip(axes, panels, strict=True):
        for number, (key, name) in enumerate(keys.items()):
            for route, style in (("true", "-"), ("segmented", "--")):
                values = [fish.figures(sums[route])[key] for sums in curve.values()]
                ax.plot(
                    list(curve), values, style, color=f"C{number}", marker="o", markersize=4,
                    label=f"{name}, {ROUTES[route]}",
                )  # fmt: skip
        ax.set_title(title, fontsize=10)
        ax.set_xlabel("noise level (1 is the benchmark's)")
        low = 0.5 if ax.get_ylim()[0] > 0.5 else 0.0
        ax.set_ylim(low, 1.02)
        ax.set_yticks(np.linspace(low, 1, 6))
        ax.grid(alpha=0.3)
        ax.legend(fontsize=8, loc="lower left")
    figure.savefig(path, dpi=90)
