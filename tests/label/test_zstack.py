"""The three ground-truth routes of a z-stack, and the warning where they are mixed."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import ndimage

from cellwright.geometry import from_masks
from cellwright.label.plane_cells import cells_by_plane, detail, seen_in_planes
from cellwright.label.zstack import (
    MERGED,
    ROUTES,
    Z_AWARE,
    in_planes,
    merged,
    mixed_routes,
    on_projection,
    route_of,
    z_aware,
)
from cellwright.types import Image, InputError, Instances, Sample

SHAPE = (80, 96)
DEPTHS = {0: 1, 1: 3, 2: None}  # cell: plane in which it is sharp; None: dead in every plane


def disc(row, col, radius=9):
    rows, cols = np.ogrid[: SHAPE[0], : SHAPE[1]]
    return (rows - row) ** 2 + (cols - col) ** 2 <= radius**2


MASKS = [disc(20, 20), disc(55, 40), disc(30, 75)]


def stack(planes=5, seed=0):
    """Discs with a grain, each blurred by its distance from its plane and gone beyond one."""
    rng = np.random.default_rng(seed)
    data = 100 + rng.normal(0, 2, (planes, *SHAPE))
    grain = 1 + 0.4 * rng.standard_normal(SHAPE)
    for number, mask in enumerate(MASKS):
        depth = DEPTHS[number]
        for z in range(planes):
            if depth is not None and abs(z - depth) <= 1:
                shown = mask * grain * 40.0
                data[z] += ndimage.gaussian_filter(shown, 0.7 + 0.8 * abs(z - depth))
    return np.clip(data, 0, 60000).astype(np.uint16)


def sample(**tags):
    image = Image(stack(), "ZYX", tags={"position": 4, **tags})
    return Sample("day1xy4", image, from_masks(MASKS))


def test_detail_is_that_of_the_cell_and_not_of_its_neighbour():
    planes, cells = stack(), from_masks(MASKS)
    found = np.array([detail(p, cells) for p in planes]).T
    assert found[0].argmax() == 1
    assert found[1].argmax() == 3
    assert found[2].max() < 0.5
    brighter = np.array([detail(3.0 * p, cells) for p in planes]).T
    assert brighter == pytest.approx(found, rel=1e-9)
    assert (detail(np.full(SHAPE, 7), cells) == 0).all()


def test_cells_are_seen_where_they_were_drawn():
    given = sample()
    seen, details = seen_in_planes(given.image, given.instances)
    assert seen.astype(int).tolist() == [[1, 1, 1, 0, 0], [0, 0, 1, 1, 1], [0, 0, 0, 0, 0]]
    sharp, _ = seen_in_planes(given.image, given.instances, share=0.7)
    assert sharp.astype(int).tolist() == [[0, 1, 0, 0, 0], [0, 0, 0, 1, 0], [0, 0, 0, 0, 0]]
    planes = cells_by_plane(given.instances, seen, details)
    assert [[t["cell"] for t in p.tags] for p in planes] == [[1], [1], [1, 2], [2], [2]]
    assert planes[1].tags[0]["detail"] > planes[0].tags[0]["detail"]


def test_a_cell_under_another_is_looked_at_by_itself():
    shape_masks = [disc(40, 40, 12), disc(40, 58, 12)]
    rng = np.random.default_rng(3)
    grain = 40 * rng.standard_normal(SHAPE) * shape_masks[0]
    plane = 500 + rng.normal(0, 2, SHAPE) + ndimage.gaussian_filter(grain, 0.7)
    found = detail(plane, from_masks(shape_masks))
    assert found[0] > 20
    assert found[1] < 0.05 * found[0]


def test_the_median_route():
    made = on_projection(sample())
    assert (made.image.axes, made.image.tags["z_route"]) == ("YX", "median")
    assert (made.image.data == np.median(stack(), axis=0)).all()
    assert len(made.instances) == 3
    assert on_projection(sample(), projection="max").image.tags["z_route"] == "max"


@pytest.mark.parametrize("mask", ["union", "majority", "sharpest"])
def test_the_merged_route(mask):
    given = sample()
    seen, _ = seen_in_planes(given.image, given.instances)
    made = merged(given, cells_by_plane(given.instances, seen), mask=mask)
    assert made.image.axes == "ZYX"
    assert made.image.tags["z_route"] == MERGED
    assert made.image.tags["position"] == 4
    assert len(made.instances) == 2
    assert [t["z_count"] for t in made.instances.tags] == [3, 3]
    assert all((a == b).all() for a, b in zip(made.instances.masks, given.instances.masks[:2],
                                              strict=True))  # fmt: skip
    if mask == "sharpest":
        assert [t["z_best"] for t in made.instances.tags] == [1, 3]


def test_the_z_aware_route_from_a_full_set():
    made = z_aware(sample())
    assert [s.name for s in made] == [f"day1xy4_z{z}" for z in range(1, 6)]
    assert [len(s.instances) for s in made] == [1, 1, 2, 1, 1]
    assert all(s.image.axes == "YX" and route_of(s.image.tags) == Z_AWARE for s in made)
    assert dict(made[2].image.tags) == {
        "field": "day1xy4", "position": 4, "z": 3, "z_route": Z_AWARE,
    }  # fmt: skip
    assert (made[2].image.data == stack()[2]).all()


def test_the_z_aware_route_from_the_cells_of_planes():
    full = from_masks(MASKS)
    planes = [full[:1], full[[1, 0]], full[1:2], full[:0], full[:0]]
    made = z_aware(sample(field="f7"), planes)
    assert [[t["cell"] for t in s.instances.tags] for s in made[:3]] == [[1], [2, 1], [2]]
    assert len(made[4].instances) == 0
    assert made[0].image.tags["field"] == "f7"


def test_one_set_for_every_plane():
    made = in_planes(sample(), from_masks(MASKS), route=MERGED)
    assert [len(s.instances) for s in made] == [3] * 5
    assert {route_of(s.image.tags) for s in made} == {MERGED}


def test_wrong_input_is_said():
    given = sample()
    with pytest.raises(InputError, match="4 planes came for a stack of 5"):
        merged(given, [given.instances] * 4)
    with pytest.raises(InputError, match="frame of"):
        merged(given, [Instances.empty((3, 3))] * 5)
    with pytest.raises(InputError, match="neither"):
        z_aware(given.with_instances(None))
    with pytest.raises(InputError, match="z-stack"):
        seen_in_planes(Image(stack()[0]), given.instances)
    with pytest.raises(InputError, match="cell, plane"):
        cells_by_plane(given.instances, np.ones((2, 5), bool))
    with pytest.raises(InputError, match="whole image"):
        detail(np.zeros((4, 4)), from_masks([np.ones((4, 4), bool)]))


def test_routes_are_read_under_their_names():
    assert ROUTES == ("median", "merged", "z-aware")
    assert route_of({"z_route": "plane"}) == Z_AWARE
    assert route_of({"route": "merged"}) == MERGED
    assert route_of({"z": 3}) is None


def test_mixed_routes_are_warned_about():
    median, merged_, nothing = {"z_route": "median"}, {"z_route": "merged"}, {"position": 1}
    (one,) = mixed_routes({"data": [median, merged_, merged_]})
    assert "merged (2 images), median (1 images)" in one
    (two,) = mixed_routes({"train": [merged_], "val": [median]})
    assert two.startswith("train is of the z-stack route merged, val of median")
    assert len(mixed_routes({"train": [merged_, median], "val": [median]})) == 2
    (three,) = mixed_routes({"data": [median, nothing]})
    assert "unnamed (1 images)" in three


@pytest.mark.parametrize(
    "parts",
    [{}, {"a": []}, {"a": [{}], "b": [{"z": 2}]}, {"a": [{"route": "merged"}], "b": []},
     {"a": [{"z_route": "plane"}], "b": [{"z_route": "z-aware"}]}],
)  # fmt: skip
def test_no_warning_without_a_reason(parts):
    assert mixed_routes(parts) == []
