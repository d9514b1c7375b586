"""Conversions and moves of Instances: label maps, RLE, polygons, crops, flips, resizing."""

from cellwright.geometry.labels import from_label_map, from_masks, mask_box, to_label_map
from cellwright.geometry.rle import decode_rle, encode_rle
from cellwright.geometry.transform import crop, flip, resize, rot90, shift, tighten

__all__ = [
    "crop",
    "decode_rle",
    "encode_rle",
    "flip",
    "from_label_map",
    "from_masks",
    "mask_box",
    "resize",
    "rot90",
    "shift",
    "tighten",
    "to_label_map",
]
