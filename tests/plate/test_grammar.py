"""Several patterns in order, and plate names that need none."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.plate import Grammar, detect
from cellwright.plate.grammar import PLATE_FIELDS, plate_pattern
from cellwright.types import InputError


def test_both_papers_are_known() -> None:
    two = detect(["day1t1c1xy10z15.tif", "a/day1t1c2xy10z15.ome.tif"])
    one = detect(["day3c1t3xy14.tif"])
    assert two is not None
    assert two.parse("day1t1c1xy10z15.tif") == {
        "day": 1, "t": 1, "channel": 1, "position": 10, "z": 15
    }  # fmt: skip
    assert one is not None
    assert one.parse("day3c1t3xy14.png") == {"day": 3, "channel": 1, "t": 3, "position": 14}
    assert detect(["day1t1c1xy10z15.tif", "other.tif"]) is None
    assert detect([]) is None


@given(st.permutations(list(PLATE_FIELDS)), st.integers(0, 4), st.sampled_from(["", "_", "-"]))
@settings(max_examples=60, deadline=None)
def test_any_order_and_any_subset_is_known(keys: list[str], gone: int, sign: str) -> None:
    keys = [k for i, k in enumerate(keys) if i >= gone or k == "xy"]
    name = sign.join(f"{k}{i + 7}" for i, k in enumerate(keys))
    grammar = detect([f"{name}.tif"])
    if len(keys) < 2:
        assert grammar is None
    else:
        assert grammar is not None
        assert grammar.parse(f"{name}.tif") == {PLATE_FIELDS[k]: i + 7 for i, k in enumerate(keys)}


@pytest.mark.parametrize(
    "name", ["t1.tif", "z3.tif", "xy1xy2.tif", "xy1_.tif", "day1.tif", "c1z2.tif"]
)
def test_other_names_are_not_taken_for_a_plate(name: str) -> None:
    assert plate_pattern(name) is None


def test_names_with_and_without_z_go_together() -> None:
    grammar = detect(["day1c1xy2z3.tif", "day1c2xy2.tif"])
    assert grammar is not None
    assert grammar.parse("day1c1xy2z3") == {"day": 1, "channel": 1, "position": 2, "z": 3}
    assert grammar.parse("day1c2xy2") == {"day": 1, "channel": 2, "position": 2}


def test_of_several_patterns_the_first_that_fits_counts() -> None:
    grammar = Grammar.of(["{well}_w{channel}", "{well}_{rest}", "set{set}/x"])
    assert grammar.parse("A01_w2.tif") == {"well": "A01", "channel": 2}
    assert grammar.parse("A01_x2.tif") == {"well": "A01", "rest": "x2"}
    assert grammar.parse("set3/x.tif") == {"set": 3}
    assert grammar.parse("none.tif") is None
    assert grammar.match("A01_x2")[0].text == "{well}_{rest}"
    assert (grammar.folders, grammar.fields) == (1, ("well", "channel", "rest", "set"))
    with pytest.raises(InputError, match="at least one"):
        Grammar.of([])
