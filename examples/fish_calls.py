"""Count FISH signals in simulated frames, call the cells, and compare with the truth.

Run it with the folder the results go to: ``python fish_calls.py results``
"""

import csv
import sys
from pathlib import Path

import cellwright
from cellwright.synth.fish import FishStain, simulate_fish

folder = Path(sys.argv[1] if len(sys.argv) > 1 else ".")
stain = FishStain(abnormal=0.25)
truth = {}
for number in range(2):
    frame = simulate_fish(7, number, shape=(500, 600), nuclei=36, stain=stain)
    cellwright.write_image(frame.sample.image, folder / "frames" / f"{frame.sample.name}.ome.tif")
    truth[frame.sample.name] = [tags["kind"] for tags in frame.sample.instances.tags]

# Which channel carries which probe is always said: the kit knows, the image does not.
result = cellwright.fish(
    folder / "frames",
    folder / "calls",
    probes="ch1=3p22.1,ch2=3q29,ch3=10q22.3,ch4=CEP10",
    rule="four-colour",
    volume_ul=100,
    quiet=True,
)
print("called:", ", ".join(f"{n} {name}" for name, n in result.details["cells"].items()))
kinds = [kind for kinds in truth.values() for kind in kinds]
print("true: ", ", ".join(f"{kinds.count(k)} {k}" for k in ("normal", "gain", "deletion", "CAC")))
print(*result.details["samples"].values())

# A human looks at gallery.html and says otherwise of one cell; it is kept, and totals follow.
with (folder / "calls" / "cells.csv").open(encoding="utf-8") as file:
    first = next(row for row in csv.DictReader(file) if row["call"] == "CAC")
overrule = folder / "overrule.csv"
overrule.write_text(f"image,cell,call\n{first['image']},{first['cell']},normal\n", "utf-8")
again = cellwright.fish(None, folder / "calls", overrule=overrule, volume_ul=100)
print("with one overruled:", *again.details["samples"].values())
