"""FISH on simulated frames with known counts: signals, calls, noise, seconds, memory.

    python benchmarks/fish.py -o RUN              frames of 3600 x 4128, the noise curve, the cost
    python benchmarks/fish.py -o RUN --only curve one of frames, curve, cost
    python benchmarks/fish.py -o RUN --write      benchmarks/fish.md and fish-noise.png from RUN
    python benchmarks/fish.py --tune              the frames that settings were chosen on

The light of the frames (`cellwright.synth.fish.FishStain`, noise level 1: 160 photons in the middle
of a mean signal, 80 in the dim probe of each frame, over 60 to 120 of background) was written down
and committed before any setting of the detector was chosen. Settings were chosen on the seeds 1000
and 2000, in frames of 1400 x 1400; scored are the seeds 1 (frames), 2 (curve), 3 (signals that
may lie anywhere).

Scored are nuclei that the frame's border does not cut. A signal is found if a spot of its probe
lies within 3 px (0.49 um) of it, one to one. A nucleus of the segmented route is matched at IoU
0.5. A CAC that is not matched, or not called, is a missed one; a call of CAC on a nucleus that is
none, or on no nucleus at all, is a false one.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import numpy as np
from scipy.spatial import cKDTree

from cellwright.measure.cac import call_of
from cellwright.measure.fish_rule import read_rule
from cellwright.overlap import intersections
from cellwright.steps.fishing.frame import Settings, look
from cellwright.steps.fishing.nuclei import nuclei_finder
from cellwright.synth.fish import FishFrame, FishStain, simulate_fish

FRAMES, SHAPE, NUCLEI = 7, (3600, 4128), 1750
CURVE, CURVE_SHAPE, CURVE_NUCLEI = 3, (1800, 2064), 430
LEVELS = (0.5, 1.0, 1.25, 1.5, 2.0, 3.0)
PROBES = ("3p22.1", "3q29", "10q22.3", "CEP10")
NEAR = 3.0
RULES = ("four-colour", "katz2010")


def settings(rule: str = "four-colour") -> Settings:
    """The defaults of the command."""
    probes = {f"ch{i + 1}": probe for i, probe in enumerate(PROBES)}
    return Settings(probes=probes, rule=read_rule(rule))


def whole(frame: FishFrame) -> np.ndarray:
    """(N,) bool: nuclei that the border does not cut."""
    boxes, shape = frame.sample.instances.boxes, frame.sample.image.shape
    return (boxes[:, :2] > 0).all(axis=1) & (boxes[:, 2:] < shape).all(axis=1)


def score(frame: FishFrame, *, segmented: bool) -> Counter:
    """Counts of one frame by one route."""
    nuclei, inner = frame.sample.instances, whole(frame)
    finder = nuclei_finder() if segmented else (lambda name, image: nuclei)
    start = time.perf_counter()
    found = look(frame.sample.name, frame.sample.image, settings(), finder)
    sums = Counter(seconds=time.perf_counter() - start, frames=1)
    sums["seconds_signals"] = found.record["seconds"]["signals"]
    sums += signal_counts(frame, found.record, inner)
    cells = found.record["cells"]
    i, j, shared = intersections(nuclei, found.nuclei)
    iou = shared / (nuclei.areas[i] + found.nuclei.areas[j] - shared)
    matched = {int(a): int(b) for a, b, v in zip(i, j, iou, strict=True) if v > 0.5}
    tags = nuclei.tags
    sums["nuclei"] = int(inner.sum())
    sums["touching"] = sum(bool(t["touching"]) for t, w in zip(tags, inner, strict=True) if w)
    for a in np.flatnonzero(inner).tolist():
        cell = cells[matched[a]] if a in matched else None
        sums["unmatched"] += cell is None
        counts = cell["counts"] if cell else []
        sums["exact"] += counts == frame.counts[a].tolist()
        called = cell["call"] if cell else "not called"
        sums["not called"] += called == "not called"
        for rule in RULES:
            true = call_of(frame.counts[a].tolist(), read_rule(rule))
            said = called
            if rule != "four-colour" and cell and called != "not called":
                said = call_of(counts, read_rule(rule))
            sums[f"{rule} {true} {said}"] += 1
    used = set(matched.values())
    extra = [c for n, c in enumerate(cells) if n not in used and c["call"] == "CAC"]
    sums["CAC on nothing"] = len(extra)
    return sums


def signal_counts(frame: FishFrame, record: dict, inner: np.ndarray) -> Counter:
    """Signals that are there, found, and both, in nuclei that the border does not cut."""
    sums: Counter = Counter()
    nuclei, true = frame.sample.instances, frame.signals
    cut = np.zeros(nuclei.shape, bool)
    for k in np.flatnonzero(~inner).tolist():
        row0, col0, row1, col1 = nuclei.boxes[k].tolist()
        cut[row0:row1, col0:col1] |= nuclei.masks[k]
    for c, probe in enumerate(PROBES):
        truth = true.places[(true.probe == c) & inner[true.nucleus]]
        spots = np.array([
            (s["row"], s["column"]) for s in record["signals"]
            if s["probe"] == probe and not cut[round(s["row"]), round(s["column"])]
        ]).reshape(-1, 2)  # fmt: skip
        # Signals of cut nuclei that lie just outside of their masks are no false ones either.
        others = true.places[(true.probe == c) & ~inner[true.nucleus]]
        if len(others) and len(spots):
            near = cKDTree(others).query(spots)[0] <= NEAR
            own = cKDTree(truth).query(spots)[0] <= NEAR
            spots = spots[own | ~near]
        both = 0
        if len(spots) and len(truth):
            distance, index = cKDTree(spots).query(truth, distance_upper_bound=NEAR)
            both = len(set(index[np.isfinite(distance)].tolist()))
        sums += Counter(signals=len(truth), spots=len(spots), both=both)
    return sums


def figures(sums: Counter) -> dict[str, float]:
    """Ratios of counts."""
    out = {
        "precision": sums["both"] / max(sums["spots"], 1),
        "recall": sums["both"] / max(sums["signals"], 1),
        "exact": sums["exact"] / max(sums["nuclei"], 1),
        "touching": sums["touching"] / max(sums["nuclei"], 1),
        "not_called": sums["not called"] / max(sums["nuclei"], 1),
    }
    for rule in RULES:
        kinds = [key.split(" ", 1)[1] for key in sums if key.startswith(f"{rule} ")]
        positive = sum(sums[f"{rule} {k}"] for k in kinds if k.startswith("CAC "))
        negative = sum(sums[f"{rule} {k}"] for k in kinds if not k.startswith("CAC "))
        false = sum(
            sums[f"{rule} {k}"] for k in kinds if not k.startswith("CAC ") and k.endswith(" CAC")
        )
        out[f"{rule} sensitivity"] = sums[f"{rule} CAC CAC"] / max(positive, 1)
        out[f"{rule} specificity"] = 1 - (false + sums["CAC on nothing"]) / max(negative, 1)
        out[f"{rule} CACs"], out[f"{rule} others"] = positive, negative
    return out


def interval(share: float, count: float) -> tuple[float, float]:
    """95 % interval of a share (Wilson 1927)."""
    z = 1.96
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    half = z / (1 + z**2 / count) * np.sqrt(share * (1 - share) / count + z**2 / (4 * count**2))
    return float(middle - half), float(middle + half)


def run_frames(out: Path) -> None:
    """The large frames, by both routes."""
    for number in range(FRAMES):
        path = out / f"frame_{number}.json"
        if path.is_file():
            continue
        frame = simulate_fish(1, number, shape=SHAPE, nuclei=NUCLEI, probes=PROBES)
        record = {route: dict(score(frame, segmented=route == "segmented"))
                  for route in ("true", "segmented")}  # fmt: skip
        path.write_text(json.dumps(record))
        print(number, {r: figures(Counter(v)) for r, v in record.items()}, flush=True)


def run_curve(out: Path) -> None:
    """Smaller frames over the noise, and with signals that may lie on each other."""
    stains = {f"noise {level:g}": (2, FishStain(noise=level, abnormal=0.15)) for level in LEVELS}
    stains["signals anywhere"] = (3, FishStain(gap=0.0, abnormal=0.15))
    for name, (seed, stain) in stains.items():
        path = out / f"curve_{name.replace(' ', '_')}.json"
        if path.is_file():
            continue
        sums = {"true": Counter(), "segmented": Counter()}
        for number in range(CURVE):
            frame = simulate_fish(
                seed, number, shape=CURVE_SHAPE, nuclei=CURVE_NUCLEI, probes=PROBES, stain=stain
            )
            for route in sums:
                sums[route].update(score(frame, segmented=route == "segmented"))
        path.write_text(json.dumps({route: dict(v) for route, v in sums.items()}))
        print(name, {route: figures(v) for route, v in sums.items()}, flush=True)


def run_cost(out: Path) -> None:
    """The whole command on one frame, in a process of its own: seconds and peak memory."""
    from cellwright import write_image

    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        frame = simulate_fish(1, 0, shape=SHAPE, nuclei=NUCLEI, probes=PROBES)
        write_image(frame.sample.image, folder / "frame.ome.tif")
        from cellwright import write_instances

        write_instances(frame.sample.instances, folder / "masks" / "frame_masks.tif")
        record = {}
        for route, more in (("segmented", []), ("masks", [str(folder / "masks")])):
            code = (
                "import sys, json; sys.path.insert(0, sys.argv[1]); import fish; "
                "fish.one(*sys.argv[2:])"
            )
            command = [sys.executable, "-c", code, str(Path(__file__).parent), str(folder), route,
                       *more]  # fmt: skip
            done = subprocess.run(command, capture_output=True, text=True, check=True)
            record[route] = json.loads(done.stdout.splitlines()[-1])
            print(route, record[route], flush=True)
    (out / "cost.json").write_text(json.dumps(record))


def one(folder: str, route: str, masks: str | None = None) -> None:
    """The job of one process; prints its seconds and peak memory."""
    from cellwright.steps.fish import fish

    start = time.perf_counter()
    place = Path(folder)
    probes = {f"ch{i + 1}": probe for i, probe in enumerate(PROBES)}
    fish(place / "frame.ome.tif", place / route, probes=probes, nuclei=masks, quiet=True)
    record = json.loads((place / route / "frames" / "frame.json").read_text())
    # ru_maxrss would start at what the parent process held.
    status = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    peak = int(status["VmHWM"].split()[0]) / 2**20
    seconds = time.perf_counter() - start
    print(json.dumps({"seconds": seconds, "GiB": peak, **record["seconds"]}))


def tune() -> None:
    """The frames that settings were chosen on."""
    for seed in (1000, 2000):
        sums = {"true": Counter(), "segmented": Counter()}
        for number in range(3):
            frame = simulate_fish(
                seed, number, shape=(1400, 1400), nuclei=260, stain=FishStain(abnormal=0.15)
            )
            for route in sums:
                sums[route].update(score(frame, segmented=route == "segmented"))
        print(seed, {route: figures(v) for route, v in sums.items()})


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("-o", "--output", type=Path)
    parser.add_argument("--only", choices=("frames", "curve", "cost"))
    parser.add_argument("--write", action="store_true")
    parser.add_argument("--tune", action="store_true")
    options = parser.parse_args()
    if options.tune:
        tune()
        return
    if options.write:
        from fish_table import write

        write(options.output)
        return
    options.output.mkdir(parents=True, exist_ok=True)
    steps = {"frames": run_frames, "curve": run_curve, "cost": run_cost}
    for name, step in steps.items():
        if options.only in (None, name):
            step(options.output)


if __name__ == "__main__":
    main()
