"""Ground truth of z-stacks, for a whole data set."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import typer
from scipy import ndimage
from typer.testing import CliRunner

from cellwright.cli.zstack import zstack as command
from cellwright.formats import open_dataset, write_dataset
from cellwright.geometry import from_masks
from cellwright.steps.zstack import zstack
from cellwright.types import Image, InputError, Instances, Sample

SHAPE = (48, 64)


def square(row, col, side=12):
    mask = np.zeros(SHAPE, bool)
    mask[row : row + side, col : col + side] = True
    return mask


MASKS = [square(6, 6), square(26, 40)]
RNG = np.random.default_rng(1)
GRAIN = RNG.standard_normal(SHAPE)


def pixels(*shown):
    data = 100 + RNG.normal(0, 1, SHAPE)
    for i in shown:
        data = data + ndimage.gaussian_filter(MASKS[i] * (40 + 20 * GRAIN), 0.6)
    return data.astype(np.uint16)


STACK = np.stack([pixels(0), pixels(0, 1), pixels(1)])


@pytest.fixture
def stacks(tmp_path: Path) -> Path:
    full = from_masks(MASKS)
    samples = [Sample(n, Image(STACK, "ZYX", tags={"position": 4}), full) for n in ("f1", "f2")]
    write_dataset(samples, tmp_path / "stacks")
    return tmp_path / "stacks"


@pytest.fixture
def planes(tmp_path: Path) -> Path:
    each = [from_masks(MASKS[:1]), from_masks(MASKS), from_masks(MASKS[1:])]
    samples = [
        Sample(f"{f}_z{z}", Image(STACK[i], tags={"field": f, "z": z, "position": 4}), each[i])
        for f in ("f1", "f2")
        for i, z in ((2, 16), (0, 8), (1, 12))  # not in order, not in steps of one
    ]
    write_dataset(samples, tmp_path / "planes")
    return tmp_path / "planes"


def cells(folder: Path) -> dict[str, int]:
    return {s.name: len(s.instances) for s in open_dataset(folder)}


def test_the_median_route(stacks: Path, tmp_path: Path) -> None:
    result = zstack(stacks, tmp_path / "out", route="median", quiet=True)
    made = open_dataset(tmp_path / "out")
    assert (result.done, result.details) == (2, {"images": 2, "cells": 4})
    assert made.tags(0) == {"position": 4, "z_route": "median"}
    assert (made[0].image.data == np.median(STACK, axis=0)).all()
    zstack(stacks, tmp_path / "stack", route="median", shown="stack", quiet=True)
    assert open_dataset(tmp_path / "stack")[1].image.axes == "ZYX"


def test_planes_are_merged(planes: Path, tmp_path: Path) -> None:
    zstack(planes, tmp_path / "out", route="merged", quiet=True)
    made = open_dataset(tmp_path / "out")
    assert cells(tmp_path / "out") == {f"{f}_z{z}": 2 for f in ("f1", "f2") for z in (8, 12, 16)}
    first = made[made.names.index("f1_z8")]
    assert (first.image.data == STACK[0]).all()
    assert dict(first.image.tags) == {
        "field": "f1", "position": 4, "z": 8, "z_route": "merged",
    }  # fmt: skip
    assert [t["z_count"] for t in first.instances.tags] == [2, 2]
    less = zstack(planes, tmp_path / "less", route="merged", min_planes=3, quiet=True)
    assert less.details["cells"] == 0
    zstack(planes, tmp_path / "stack", route="merged", shown="stack", quiet=True)
    stack = open_dataset(tmp_path / "stack")[0]
    assert (stack.name, stack.image.tags["z_route"]) == ("f1", "merged")
    assert (stack.image.data == STACK).all()
    zstack(planes, tmp_path / "median", route="merged", shown="median", quiet=True)
    assert (open_dataset(tmp_path / "median")[0].image.data == np.median(STACK, axis=0)).all()


def test_each_plane_has_what_is_seen_in_it(stacks: Path, planes: Path, tmp_path: Path) -> None:
    zstack(stacks, tmp_path / "told", route="z-aware", quiet=True)
    assert cells(tmp_path / "told") == {
        f"{f}_z{z}": n for f in ("f1", "f2") for z, n in ((1, 1), (2, 2), (3, 1))
    }
    zstack(planes, tmp_path / "drawn", route="z-aware", quiet=True)
    drawn = open_dataset(tmp_path / "drawn")
    numbers = [[t["cell"] for t in s.instances.tags] for s in drawn][:3]
    assert numbers == [[1], [1, 2], [2]]
    assert [drawn.tags(i)["z"] for i in range(3)] == [8, 12, 16]
    assert {drawn.tags(i)["z_route"] for i in range(6)} == {"z-aware"}


def test_what_is_done_is_not_done_again(planes: Path, tmp_path: Path) -> None:
    zstack(planes, tmp_path / "out", route="merged", quiet=True)
    again = zstack(planes, tmp_path / "out", route="merged", quiet=True)
    assert (again.done, again.skipped) == (0, 2)
    with pytest.raises(InputError, match="another iou"):
        zstack(planes, tmp_path / "out", route="merged", iou=0.3, quiet=True)


def test_the_wrong_kind_of_field_is_reported(stacks: Path, planes: Path, tmp_path: Path) -> None:
    merged = zstack(stacks, tmp_path / "a", route="merged", quiet=True)
    assert (merged.done, len(merged.failed)) == (0, 2)
    assert "one set" in merged.failed[0].message
    median = zstack(planes, tmp_path / "b", route="median", quiet=True)
    assert "every plane" in median.failed[0].message


def test_wrong_input_is_said(stacks: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="route 'mean'"):
        zstack(stacks, tmp_path / "out", route="mean", quiet=True)
    with pytest.raises(InputError, match="images as 'stack'"):
        zstack(stacks, tmp_path / "out", route="z-aware", shown="stack", quiet=True)
    flat = [Sample("one", Image(STACK[0]), Instances.empty(SHAPE))]
    write_dataset(flat, tmp_path / "flat")
    with pytest.raises(InputError, match="no z-stack"):
        zstack(tmp_path / "flat", tmp_path / "out", route="merged", quiet=True)
    tags = {"field": "f", "z": 1}
    twice = [Sample(n, Image(STACK[0], tags=tags), Instances.empty(SHAPE)) for n in "ab"]
    write_dataset(twice, tmp_path / "twice")
    with pytest.raises(InputError, match="two images of one plane"):
        zstack(tmp_path / "twice", tmp_path / "out", route="merged", quiet=True)
    with pytest.raises(InputError, match="itself"):
        zstack(stacks, stacks, route="median", quiet=True)


def test_the_command(planes: Path, tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(command)
    out = tmp_path / "out"
    done = CliRunner().invoke(app, [str(planes), "-o", str(out), "--route", "merged"])
    assert done.exit_code == 0, done.output
    assert len(cells(out)) == 6
    assert CliRunner().invoke(app, [str(planes), "-o", str(out)]).exit_code == 2
