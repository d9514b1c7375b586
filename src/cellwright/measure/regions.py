"""One row of measurements per cell."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from cellwright.measure.intensities import STATISTICS, intensities
from cellwright.measure.shapes import axes_of_ellipse, convex_area, moments, perimeter
from cellwright.overlap import overlap_map
from cellwright.types import Image, InputError, Instances

if TYPE_CHECKING:
    from pandas import DataFrame


def measure(image: Image, instances: Instances) -> DataFrame:
    """Size, form, position and intensities of every cell.

    Parameters
    ----------
    image
        The image the cells were found on; lazy arrays are read window by window.
    instances
        Its cells. Masks may overlap: each cell is measured whole.

    Returns
    -------
    DataFrame
        One row per cell, in order:

        - ``label`` (instance ``i`` is ``i + 1``, as in `to_label_map`), ``class``, ``score``;
        - ``area``, ``perimeter`` (Benkrid and Crookes), ``equivalent_diameter`` (of the disc of
          the same area), ``major_axis``, ``minor_axis`` (of the ellipse of the same second
          moments), ``centroid_row``, ``centroid_column``, each ending in ``_px`` and ``_um``
          (``area_um2``); lengths in um of a perimeter on pixels that are not square use the
          geometric mean of their sides, everything else is exact; position 0 is the centre of
          the first pixel;
        - ``eccentricity`` (0 disc, towards 1 line), ``orientation_deg`` (of the major axis, from
          the column axis counter-clockwise as seen on screen), ``circularity``
          (4 pi area / perimeter^2), ``roundness`` (4 area / (pi major axis^2)), ``solidity``
          (area over convex area), in physical proportions where the pixel size is known;
        - ``bbox_row0``, ``bbox_column0``, ``bbox_row1``, ``bbox_column1`` (half-open),
          ``touches_border``, ``overlap_px`` (pixels shared with other cells);
        - ``intensity_mean``, ``_median``, ``_min``, ``_max``, ``_std``, ``_sum``, followed by the
          channel's name, or its number where several channels have none.

        Columns in um are NaN if the pixel size is unknown, forms of a mask without a pixel too.

    Raises
    ------
    InputError
        If the image and the instances have different shapes.
    """
    from pandas import DataFrame

    if image.shape != instances.shape:
        raise InputError(
            f"the masks are {instances.shape}, the image is {image.shape}; both must have the "
            "same rows and columns"
        )
    names = np.array(instances.class_names, dtype=object)
    columns: dict[str, np.ndarray] = {
        "label": np.arange(1, len(instances) + 1),
        "class": names[instances.classes],
        "score": instances.scores.astype(np.float64).round(6),
    }
    columns |= _forms(instances, image.pixel_size)
    columns |= _places(instances)
    values = intensities(image, instances)
    for c, suffix in enumerate(_suffixes(image)):
        for s, statistic in enumerate(STATISTICS):
            columns[f"intensity_{statistic}{suffix}"] = values[:, c, s]
    return DataFrame(columns)


def _forms(instances: Instances, pixel_size: tuple[float, float] | None) -> dict[str, np.ndarray]:
    """Columns of size and form."""
    table = np.full((len(instances), 7), np.nan)
    areas = instances.areas
    for i in np.flatnonzero(areas).tolist():
        mask = instances.masks[i]
        table[i] = *moments(mask), perimeter(mask), convex_area(mask)
    row, column, rows, columns, mixed, length, convex = table.T
    row, column = row + instances.boxes[:, 0], column + instances.boxes[:, 1]
    high, wide = pixel_size or (np.nan, np.nan)
    side = np.sqrt(high * wide)
    major, minor, angle = axes_of_ellipse(rows, columns, mixed)
    major_um, minor_um, angle_um = axes_of_ellipse(
        rows * high**2, columns * wide**2, mixed * high * wide
    )
    diameter = np.sqrt(4 * areas / np.pi)
    known = pixel_size is not None
    longest, shortest = (major_um, minor_um) if known else (major, minor)
    area = areas * (high * wide if known else 1)
    with np.errstate(divide="ignore", invalid="ignore"):
        circularity = np.where(length > 0, 4 * np.pi * areas / length**2, np.nan)
        return {
            "area_px": areas,
            "area_um2": areas * (high * wide),
            "perimeter_px": length,
            "perimeter_um": length * side,
            "equivalent_diameter_px": diameter,
            "equivalent_diameter_um": diameter * side,
            "major_axis_px": major,
            "major_axis_um": major_um,
            "minor_axis_px": minor,
            "minor_axis_um": minor_um,
            "eccentricity": np.sqrt(1 - (shortest / longest) ** 2),
            "orientation_deg": angle_um if known else angle,
            "circularity": circularity,
            "roundness": 4 * area / (np.pi * longest**2),
            "solidity": areas / convex,
            "centroid_row_px": row,
            "centroid_column_px": column,
            "centroid_row_um": row * high,
            "centroid_column_um": column * wide,
        }


def _places(instances: Instances) -> dict[str, np.ndarray]:
    """Columns of boxes and neighbours."""
    boxes = instances.boxes
    shared = overlap_map(instances)
    overlap = np.zeros(len(instances), dtype=np.int64)
    for i, ((row0, column0, row1, column1), mask) in enumerate(
        zip(boxes.tolist(), instances.masks, strict=True)
    ):
        overlap[i] = np.count_nonzero(shared[row0:row1, column0:column1] & mask)
    ends = ("row0", "column0", "row1", "column1")
    return {f"bbox_{name}": boxes[:, n] for n, name in enumerate(ends)} | {
        "touches_border": (boxes[:, :2] == 0).any(axis=1)
        | (boxes[:, 2:] == instances.shape).any(axis=1),
        "overlap_px": overlap,
    }


def _suffixes(image: Image) -> list[str]:
    """End of the column names of each channel."""
    count = image.size("C")
    if len(set(image.channels)) == count:
        return [f"_{name}" for name in image.channels]
    return [""] if count == 1 else [f"_{n}" for n in range(count)]
