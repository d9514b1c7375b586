"""Do overlapping worms of BBBC010 survive the import? Counts before and after, independently.

    python benchmarks/import_overlaps.py [--data DIR] [--output DIR]

Before: each PNG (one worm) is read by Pillow alone and its pixels are counted with numpy.
After: the data set is made by the command line, and its annotations.json is read by json and
pycocotools alone (by Cellwright where pycocotools is not installed). Compared for every well:
number of worms, area of each worm, pixels under two or more worms, and the shared pixels of
every pair of worms. Ends with exit code 1 at any difference.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import platform
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

FLAGS = (
    "--pattern", "*_{well}_w{channel}_*", "--channels", "gfp,brightfield", "--class", "worm",
    "--mask-pattern", "{well}_{worm}_ground_truth", "--tag", "split=train:well=A*,C*",
    "--tag", "split=test",
)  # fmt: skip


def facts(masks: Sequence[np.ndarray]) -> dict[str, Any]:
    """What must not change, of full-frame masks of one well."""
    stack = np.stack(masks).reshape(len(masks), -1)
    pairs = stack.astype(np.float32) @ stack.T.astype(np.float32)
    upper = pairs[np.triu_indices(len(masks), 1)]
    return {
        "worms": len(masks),
        "areas": sorted(stack.sum(axis=1).tolist()),
        "shared": int((stack.sum(axis=0) > 1).sum()),
        "pairs": sorted(int(p) for p in upper if p),
    }


def before(folder: Path) -> dict[str, dict[str, Any]]:
    """Facts of each well from the PNGs."""
    wells: dict[str, list[np.ndarray]] = {}
    for path in sorted(folder.glob("*_ground_truth.png")):
        wells.setdefault(path.name.split("_")[0], []).append(np.asarray(Image.open(path)) > 0)
    return {well: facts(masks) for well, masks in wells.items()}


def after(dataset: Path) -> dict[str, dict[str, Any]]:
    """Facts of each well from the annotation file."""
    data = json.loads((dataset / "annotations.json").read_text())
    wells = {i["id"]: i["tags"]["well"] for i in data["images"]}
    masks: dict[str, list[np.ndarray]] = {well: [] for well in wells.values()}
    for annotation in data["annotations"]:
        masks[wells[annotation["image_id"]]].append(full_frame(annotation["segmentation"]))
    return {well: facts(found) for well, found in masks.items()}


def full_frame(rle: dict[str, Any]) -> np.ndarray:
    """A full-frame mask of an RLE, by pycocotools if it is there."""
    if importlib.util.find_spec("pycocotools"):
        from pycocotools import mask

        return mask.decode(rle).astype(bool)
    from cellwright.geometry import decode_rle

    out = np.zeros(rle["size"], bool)
    boxes, crops = decode_rle([rle], tuple(rle["size"]))
    row0, column0, row1, column1 = boxes[0]
    out[row0:row1, column0:column1] = crops[0]
    return out


def main() -> int:
    """Import, compare, print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, default=Path("../shared/data"))
    parser.add_argument("--output", type=Path, help="keep the data set here")
    options = parser.parse_args()
    source = options.data / "bbbc010"
    if not source.is_dir():
        print(f"{source} is not there; give --data")
        return 2
    with tempfile.TemporaryDirectory() as temporary:
        output = options.output or Path(temporary) / "worms"
        command = [sys.executable, "-m", "cellwright", "import", str(source / "images"),
                   "-o", str(output), "--masks", str(source / "eachworm"), *FLAGS]  # fmt: skip
        print("cellwright", *(f'"{c}"' if "*" in c or "{" in c else c for c in command[3:]))
        subprocess.run(command, check=True)
        old, new = before(source / "eachworm"), after(output)
    reader = "pycocotools" if importlib.util.find_spec("pycocotools") else "cellwright"
    print(f"numpy {version('numpy')}, Pillow {version('pillow')}, masks read back by {reader}, "
          f"{platform.machine()}, Python {platform.python_version()}")  # fmt: skip
    print("well   worms before/after   shared pixels before/after   overlapping pairs   equal")
    for well in sorted(old):
        a, b = old[well], new.get(well, {"worms": 0, "shared": 0, "pairs": []})
        print(f"{well:5} {a['worms']:9} / {b['worms']:<9} {a['shared']:13} / {b['shared']:<13}"
              f"{len(a['pairs']):9} / {len(b['pairs']):<9} {a == b}")  # fmt: skip
    total = [sum(w[k] for w in f.values()) for k in ("worms", "shared") for f in (old, new)]
    print(f"all   {total[0]:9} / {total[1]:<9} {total[2]:13} / {total[3]:<13}{'':22}{old == new}")
    return 0 if old == new else 1


if __name__ == "__main__":
    sys.exit(main())
