"""Conversions and moves of Instances: label maps, semantics, RLE, polygons, crops, flips."""

from cellwright.geometry.labels import (
    from_label_map,
    from_masks,
    label_bands,
    mask_box,
    to_label_map,
)
from cellwright.geometry.outlines import outline_polygons
from cellwright.geometry.polygons import Polygon, fill_outline, rasterise_polygons
from cellwright.geometry.rle import decode_rle, encode_rle
from cellwright.geometry.semantic import from_semantic, to_semantic
from cellwright.geometry.transform import crop, flip, resize, rot90, shift, tighten

__all__ = [
    "Polygon",
    "crop",
    "decode_rle",
    "encode_rle",
    "fill_outline",
    "flip",
    "from_label_map",
    "from_masks",
    "from_semantic",
    "label_bands",
    "mask_box",
    "outline_polygons",
    "rasterise_polygons",
    "resize",
    "rot90",
    "shift",
    "tighten",
    "to_label_map",
    "to_semantic",
]
