"""Cells that overlap stay whole through COCO and GeoJSON; a label image cannot hold them."""

from cellwright import read_instances, write_instances
from cellwright.geometry import to_label_map
from cellwright.overlap import intersections
from cellwright.synth.simulate import simulate_field

sample = simulate_field(seed=3, shape=(160, 160), overlap=0.3)
cells = sample.instances
first, second, shared = intersections(cells, cells)
pairs = int((first < second).sum())
print(f"{len(cells)} cells, {pairs} pairs overlap, {int(shared[first < second].sum())} pixels")

write_instances(cells, "cells.geojson", format="geojson")
again = read_instances("cells.geojson", shape=cells.shape)
assert sorted(again.areas) == sorted(cells.areas)
print("GeoJSON keeps every pixel")

lost = int(cells.areas.sum()) - int((to_label_map(cells) > 0).sum())
print(f"a label image loses {lost} pixels")
assert lost > 0
