"""Shift every cell by a pixel, then by four, and see what the scores make of it."""

from cellwright.evaluate.match import match
from cellwright.geometry import shift
from cellwright.synth.simulate import simulate_field

truth = simulate_field(seed=1, shape=(160, 160), overlap=0.0).instances
thresholds = (0.5, 0.7, 0.9)
print("shift  " + "  ".join(f"accuracy@{t}" for t in thresholds))
rows = {}
for pixels in (0, 1, 4):
    moved = shift(truth, (pixels, 0), truth.shape)
    rows[pixels] = [counts.accuracy for counts in match(truth, moved, thresholds)]
    print(f"{pixels:5}  " + "  ".join(f"{value:12.3f}" for value in rows[pixels]))
assert rows[0] == [1.0, 1.0, 1.0]
assert rows[4][2] < rows[1][0]
