"""From an image and its masks to a table: size, form and brightness of every cell."""

from cellwright.measure.regions import measure
from cellwright.synth.simulate import simulate_field

sample = simulate_field(seed=5, shape=(160, 160), modality="both")
table = measure(sample.image, sample.instances)
table.to_csv("cells.csv", index=False)
columns = ["label", "area_um2", "roundness", "centroid_row_px", "centroid_column_px"]
print(table[columns].head().to_string(index=False))
assert len(table) == len(sample.instances)
