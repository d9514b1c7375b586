"""The three ways to ground truth of a z-stack, and a warning where they are mixed.

- ``"median"``: one set of cells, drawn on the median projection of the stack (P1, 6.2).
- ``"merged"``: cells drawn plane by plane, merged into one set (P1, 6.2; P2, 4.1).
- ``"z-aware"``: each plane with just the cells that are seen in it (P2, 5.3).

P1 trained on fields of the second kind and validated on fields of the first, and blames its low
mask mAP on that (7.4). The route is therefore a tag of every image, `Z_ROUTE`.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from cellwright.label.plane_cells import cells_by_plane, detail, seen_in_planes
from cellwright.label.plane_links import link_planes, merge_planes, numbered
from cellwright.measure.alive import channel_index
from cellwright.plate.stack import plane, project_image
from cellwright.types import Image, InputError, Instances, Sample, Tag

Z_ROUTE = "z_route"
MEDIAN, MERGED, Z_AWARE = ROUTES = ("median", "merged", "z-aware")
# Other words for a route, as tags of images that were imported plane by plane.
_SAME = {"plane": Z_AWARE, "planes": Z_AWARE}


def on_projection(
    sample: Sample, *, projection: str = "median", route: str | None = None
) -> Sample:
    """Route "median": the projection of a stack, with the cells that were drawn on it.

    Parameters
    ----------
    sample
        The stack and its cells.
    projection
        One of `cellwright.plate.stack`.
    route
        How the cells came about, where they were not drawn on the projection; else the
        projection is a route of its own name.
    """
    shown = replace(sample, image=project_image(sample.image, projection))
    return _tagged(shown, route or projection)


def merged(
    sample: Sample,
    planes: Sequence[Instances],
    *,
    iou: float = 0.5,
    gap: int = 1,
    min_planes: int = 1,
    mask: str = "union",
    channel: int | str | None = None,
) -> Sample:
    """Route "merged": a stack with one set of cells made of those of its planes.

    Parameters
    ----------
    sample
        The stack; its own cells are not used.
    planes
        Cells of each plane.
    iou, gap, min_planes, mask
        As in `cellwright.label.plane_links.merge_planes`.
    channel
        Where sharpness is measured, for ``mask="sharpest"``.
    """
    _check_planes(sample.image, planes)
    sharpness = None
    if mask == "sharpest":
        sharpness = [
            detail(_pixels(sample.image, z, channel), cells) for z, cells in enumerate(planes)
        ]
    cells = merge_planes(
        planes, iou=iou, gap=gap, min_planes=min_planes, mask=mask, sharpness=sharpness
    )
    return _tagged(sample.with_instances(cells), MERGED)


def z_aware(
    sample: Sample,
    planes: Sequence[Instances] | None = None,
    *,
    channel: int | str | None = None,
    least: float = 0.5,
    share: float = 0.25,
    iou: float = 0.5,
    gap: int = 1,
    zs: Sequence[Tag] | None = None,
) -> tuple[Sample, ...]:
    """Route "z-aware": one image per plane, each with the cells seen there.

    Parameters
    ----------
    sample
        A stack. Without `planes`, its cells are the full set and each plane gets those that
        `cellwright.label.plane_cells.seen_in_planes` finds in it.
    planes
        Cells drawn in each plane, taken as they are.
    channel, least, share
        As in `seen_in_planes`; not used with `planes`.
    iou, gap
        As in `link_planes`: the tag ``cell`` of a cell is the same in all its planes.
    zs
        What the planes are called; by default they are counted from 1.

    Returns
    -------
    tuple of Sample
        Named as by `plane_name`, tagged ``field``, ``z`` and the route.
    """
    if planes is None:
        if sample.instances is None:
            raise InputError(f"{sample.name}: no cells came, neither of planes nor of the field")
        seen, details = seen_in_planes(
            sample.image, sample.instances, channel=channel, least=least, share=share
        )
        planes = cells_by_plane(sample.instances, seen, details)
    else:
        _check_planes(sample.image, planes)
        planes = numbered(planes, link_planes(planes, iou=iou, gap=gap))
    return in_planes(sample, planes, route=Z_AWARE, zs=zs)


def in_planes(
    sample: Sample,
    planes: Sequence[Instances] | Instances,
    *,
    route: str,
    zs: Sequence[Tag] | None = None,
) -> tuple[Sample, ...]:
    """A stack as one image per plane, with cells of their own or all with the same set.

    Names and tags are as those of `z_aware`.
    """
    count = sample.image.size("Z")
    each = [planes] * count if isinstance(planes, Instances) else planes
    _check_planes(sample.image, each)
    made = []
    for z, cells in enumerate(each):
        image = plane(sample.image, z)
        tags = {"field": sample.name, **image.tags, "z": z + 1 if zs is None else zs[z]}
        name = plane_name(sample.name, z, count, zs)
        made.append(_tagged(Sample(name, replace(image, tags=tags), cells), route))
    return tuple(made)


def plane_name(name: str, z: int, count: int, zs: Sequence[Tag] | None = None) -> str:
    """Name of plane `z` (from 0) of `count`: ``field_z3``, or as `zs` calls it, ``field_z18``."""
    return f"{name}_z{z + 1:0{len(str(count))}d}" if zs is None else f"{name}_z{zs[z]}"


def route_of(tags: Mapping[str, Tag]) -> str | None:
    """The route that an image's tags name (`Z_ROUTE`, or ``route``); None if they name none."""
    said = tags.get(Z_ROUTE) or tags.get("route")
    return None if not said else _SAME.get(str(said), str(said))


def mixed_routes(parts: Mapping[str, Iterable[Mapping[str, Tag]]]) -> list[str]:
    """Warnings about images whose truth was made by different routes.

    Parameters
    ----------
    parts
        Tags of the images of each part, such as ``{"train": ..., "val": ...}``; one part alone
        is fine.

    Returns
    -------
    list of str
        One line per part that mixes routes, and one if parts differ; empty if all is well or
        no image names a route. Images without a route count as such once any other has one.

    Examples
    --------
    >>> mixed_routes({"train": [{"z_route": "merged"}], "val": [{"z_route": "median"}]})[0]
    'train is of the z-stack route merged, val of median: scores compare two kinds of truth'
    >>> mixed_routes({"data": [{"z_route": "merged"}, {"z_route": "merged"}]})
    []
    """
    counts = {name: Counter(route_of(tags) for tags in each) for name, each in parts.items()}
    counts = {name: count for name, count in counts.items() if count}
    if not any(route is not None for count in counts.values() for route in count):
        return []
    lines = []
    for name, count in counts.items():
        if len(count) > 1:
            shown = ", ".join(f"{_word(r)} ({n} images)" for r, n in count.most_common())
            lines.append(
                f"{name} mixes ground truth of several z-stack routes: {shown}; "
                f"choose one with {Z_ROUTE}=..."
            )
    kinds = {name: " and ".join(sorted(map(_word, count))) for name, count in counts.items()}
    if len(set(kinds.values())) > 1:
        (first, kind), *others = kinds.items()
        rest = ", ".join(f"{name} of {k}" for name, k in others)
        lines.append(
            f"{first} is of the z-stack route {kind}, {rest}: scores compare two kinds of truth"
        )
    return lines


def _word(route: str | None) -> str:
    return route or "unnamed"


def _tagged(sample: Sample, route: str) -> Sample:
    image = sample.image
    return replace(sample, image=replace(image, tags={**image.tags, Z_ROUTE: route}))


def _pixels(image: Image, z: int, channel: int | str | None) -> np.ndarray:
    one = plane(image, z)
    at = {"T": 0, "C": channel_index(image, channel)}
    return np.asarray(one.data[tuple(at[axis] for axis in one.axes[:-2])])


def _check_planes(image: Image, planes: Sequence[Instances]) -> None:
    if len(planes) != image.size("Z"):
        raise InputError(
            f"cells of {len(planes)} planes came for a stack of {image.size('Z')}: one set per "
            "plane is wanted, empty where nothing is seen"
        )
    wrong = [cells.shape for cells in planes if cells.shape != image.shape]
    if wrong:
        raise InputError(f"cells on a frame of {wrong[0]} came for a stack of {image.shape}")
