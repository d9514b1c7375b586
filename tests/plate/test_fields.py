"""Planes to fields: grouping, missing and doubled planes."""

from __future__ import annotations

from pathlib import Path

import pytest

from cellwright.plate import Grammar, Pattern, group, problems

P2 = Pattern("day{day}t{t}c{channel}xy{position}z{z}")


def fields(names: list[str]):
    """Fields of files named so."""
    return group([(Path(n), P2.parse(n) or {}) for n in names])


def plate(positions: int = 2, channels: int = 2, planes: int = 11) -> list[str]:
    """Names of a whole plate."""
    return [
        f"day1t1c{c}xy{p}z{z}.tif"
        for p in range(1, positions + 1)
        for c in range(1, channels + 1)
        for z in range(1, planes + 1)
    ]


def test_planes_are_sorted_by_number() -> None:
    first, second = fields(sorted(plate()))
    assert first.tags == {"day": 1, "t": 1, "position": 1}
    assert first.name == "day1_t1_position1"
    assert first.zs == tuple(range(1, 12))
    assert first.channels == (1, 2)
    assert [p.name for _, p in first.planes[:3]] == [
        "day1t1c1xy1z1.tif", "day1t1c2xy1z1.tif", "day1t1c1xy1z2.tif"
    ]  # fmt: skip
    assert second.tags["position"] == 2
    assert problems([first, second]) == []


@pytest.mark.parametrize("gone", ["day1t1c1xy2z11.tif", "day1t1c2xy1z1.tif", "day1t1c1xy1z5.tif"])
def test_a_missing_plane_is_reported(gone: str) -> None:
    found = problems(fields([n for n in plate() if n != gone]))
    tags = P2.parse(gone)
    assert tags is not None
    assert len(found) == 1
    assert found[0].field.tags["position"] == tags["position"]
    assert f"missing z{tags['z']} channel {tags['channel']}" in found[0].message


def test_a_plane_missing_from_one_channel_of_all_fields_is_reported() -> None:
    found = problems(fields([n for n in plate() if not n.startswith("day1t1c2") or "z3." not in n]))
    assert [f.message.split(",")[0] for f in found] == ["missing z3 channel 2"] * 2


def test_a_doubled_plane_is_reported() -> None:
    found = problems(fields([*plate(), "copy/day1t1c1xy1z1.tif"]))
    assert len(found) == 1
    assert "z1 channel 1 twice: day1t1c1xy1z1.tif, day1t1c1xy1z1.tif" in found[0].message


def test_missing_and_doubled_planes_are_named_together() -> None:
    names = [n for n in plate() if n not in ("day1t1c1xy1z4.tif", "day1t1c2xy1z9.tif")]
    (found,) = problems(fields([*names, "b/day1t1c1xy1z1.tif"]))
    assert found.missing == ((4, 1), (9, 2))
    assert found.doubled == ((1, 1),)


def test_a_channel_without_z_belongs_to_all_planes() -> None:
    pattern = Grammar.of(["c{channel}xy{position}z{z}", "c{channel}xy{position}"])
    names = [f"c1xy{p}z{z}" for p in (1, 2) for z in (1, 2)] + ["c2xy1", "c2xy2"]
    both = group([(Path(n), pattern.parse(n) or {}) for n in names])
    assert [f.flat for f in both] == [(2,), (2,)]
    assert problems(both) == []
    one = group([(Path(n), pattern.parse(n) or {}) for n in names[:-1]])
    assert [p.missing for p in problems(one)] == [((None, 2),)]
    mixed = group([(Path(n), pattern.parse(n) or {}) for n in [*names, "c2xy1z1"]])
    assert {p.field.tags["position"] for p in problems(mixed)} == {1, 2}


def test_fields_of_other_patterns_are_not_expected_to_agree() -> None:
    files = [(Path(f"a{c}"), {"well": "A", "channel": c}) for c in (1, 2)]
    other = [(Path("b"), {"site": 3, "channel": "x"})]
    assert problems(group([*files, *other])) == []


def test_some_channels_of_a_field() -> None:
    first, _ = fields(plate(planes=2))
    assert first.only([2]).channels == (2,)
    assert [p.name for _, p in first.only([2]).planes] == ["day1t1c2xy1z1.tif", "day1t1c2xy1z2.tif"]
    assert first.only(["gfp"]) is None
