"""File-name grammar, tags by rule, pairing of masks."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.plate import Pattern, parse
from cellwright.plate.pairing import base, pair_by_pattern, pair_by_stem
from cellwright.plate.tags import apply, conditions, fits, rules
from cellwright.types import InputError

P2 = "day{day}t{t}c{channel}xy{position}z{z}"


@given(st.tuples(*[st.integers(0, 10**6)] * 5))
@settings(max_examples=50, deadline=None)
def test_the_plate_grammar_comes_back(numbers: tuple[int, ...]) -> None:
    name = "day{}t{}c{}xy{}z{}.tif".format(*numbers)
    assert parse(P2, name) == dict(
        zip(("day", "t", "channel", "position", "z"), numbers, strict=True)
    )


@pytest.mark.parametrize(
    ("pattern", "name", "tags"),
    [
        ("*_{well}_w{channel}_*", "x_A01_w2_9E-4.tif", {"well": "A01", "channel": 2}),
        ("set{set}/phase", "data/set01/phase.tif", {"set": "01"}),
        ("set{set}/phase.tif", "/data/set7/phase.tif", {"set": 7}),
        ("set{set}/phase", "phase.tif", None),
        ("{id}", "a.b.tif", {"id": "a.b"}),
        ("{id}", "a.ome.tif", {"id": "a"}),
        ("{well:[A-P][0-9]{2}}*", "B07-x.png", {"well": "B07"}),
        ("{n:int}x", "12x.tif", {"n": 12}),
        ("{n:int}x", "1ax.tif", None),
        ("a.{b}", "axc.tif", None),
    ],
)
def test_patterns(pattern: str, name: str, tags: dict[str, object] | None) -> None:
    assert parse(pattern, name) == tags


@pytest.mark.parametrize("pattern", ["{a", "a}", "{}", "{a}{a}", "{a b}", "", "{a:[}"])
def test_bad_patterns_say_so(pattern: str) -> None:
    with pytest.raises(InputError, match="pattern"):
        Pattern(pattern)


def test_rules_of_tags() -> None:
    by = rules(["split=train:well=A*,C*", "split=test", "dose=5", "hour=6:split=test;well=B07"])
    assert apply({"well": "A01"}, by) == {"well": "A01", "split": "train", "dose": 5}
    assert apply({"well": "B07"}, by) == {"well": "B07", "split": "test", "dose": 5, "hour": 6}
    assert apply({}, rules({"a": 1, "b": "x"})) == {"a": 1, "b": "x"}
    assert apply({}, rules(["time=12:30"])) == {"time": "12:30"}
    assert fits({"set": 1}, conditions("set=1,2"))
    assert not fits({}, conditions("set=1"))


@pytest.mark.parametrize("text", ["split", "=train", "split=", "split=a:well="])
def test_bad_rules_say_so(text: str) -> None:
    with pytest.raises(InputError, match="key=value"):
        rules([text])


def test_masks_are_paired_by_stem() -> None:
    assert [base(s) for s in ("a_masks", "a-label", "a_cp_masks", "A01_01_ground_truth", "a")] == [
        "a", "a", "a", "A01_01", "a"
    ]  # fmt: skip
    masks = {Path("m/a_masks.tif"): "a_masks", Path("m/b.tif"): "b", Path("m/c.tif"): "c"}
    assert pair_by_stem({"a": ["a"], "b": ["b"], "d": ["d"]}, masks) == {
        "a": [Path("m/a_masks.tif")], "b": [Path("m/b.tif")]
    }  # fmt: skip


def test_masks_are_paired_by_the_fields_they_share() -> None:
    masks = [Path(f"{w}_{n}_gt.png") for w in ("A01", "B02") for n in (1, 2)] + [Path("x.png")]
    images = {"first": {"well": "A01"}, "second": {"well": "C03"}}
    pattern = Pattern("{well}_{cell}_gt")
    assert pair_by_pattern(images, masks, pattern) == {"first": masks[:2]}
    with pytest.raises(InputError, match="both have well = A01"):
        pair_by_pattern({**images, "third": {"well": "A01"}}, masks, pattern)
    with pytest.raises(InputError, match="shares no field"):
        pair_by_pattern({"a": {"day": 1}}, masks, pattern)
    with pytest.raises(InputError, match="fits none"):
        pair_by_pattern(images, masks, Pattern("{well}!"))
