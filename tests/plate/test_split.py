"""Parts of a data set: by tag, by share, never through a field."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.plate.split import assign, group_of, split_rules
from cellwright.types import InputError

IMAGES = [
    {"name": f"p{p}z{z}", "position": p, "z": z, "day": 1} for p in (1, 14, 20, 10) for z in (1, 2)
]
FIELDS = [f"p{i['position']}" for i in IMAGES]


def parts(*texts: str, images=IMAGES, groups=FIELDS, seed: int = 0) -> list[str | None]:
    """Parts by rules."""
    return assign(images, groups, split_rules(texts), seed=seed)


def test_rules_by_tag_and_the_rest() -> None:
    found = parts("val:position=14", "test:position=10")
    assert found == ["train", "train", "val", "val", "train", "train", "test", "test"]
    assert parts("train:position=1,20", "val:position=14") == [
        "train", "train", "val", "val", "train", "train", None, None
    ]  # fmt: skip
    assert parts("test:position=1*")[:2] == ["test", "test"]


def test_a_field_is_never_divided() -> None:
    with pytest.raises(InputError, match=r"'p1z1' would be in val and 'p1z2' in train.*field"):
        assign(
            IMAGES, [group_of(i, (), f"p{i['position']}") for i in IMAGES],
            split_rules(["val:z=1"]),
        )  # fmt: skip
    with pytest.raises(InputError, match="both are of day 1"):
        assign(
            IMAGES, [group_of(i, ("day",), "") for i in IMAGES],
            split_rules(["val:position=14"]),
        )  # fmt: skip


@given(st.integers(0, 100), st.floats(0, 0.5), st.floats(0, 0.5), st.permutations(range(30)))
@settings(max_examples=40, deadline=None)
def test_shares_draw_whole_groups(seed: int, val: float, test: float, order: list[int]) -> None:
    groups = [f"g{i // 3}" for i in range(30)]
    images = [{"name": str(i)} for i in range(30)]
    rules = [f"val:{val:.3f}"[:9], f"test:{test:.3f}"]
    found = parts(*rules, images=images, groups=groups, seed=seed)
    assert found.count("val") == 3 * round(10 * float(f"{val:.3f}"))
    assert all(len({p for p, g in zip(found, groups, strict=True) if g == h}) == 1 for h in groups)
    again = parts(
        *rules, images=[images[i] for i in order], groups=[groups[i] for i in order], seed=seed
    )
    assert [again[order.index(i)] for i in range(30)] == found


def test_shares_and_rules_together() -> None:
    groups = [f"g{i}" for i in range(10)]
    images = [{"name": str(i), "well": "A" if i < 2 else "B"} for i in range(10)]
    found = parts("test:well=A", "val:25%", images=images, groups=groups)
    assert found[:2] == ["test", "test"]
    assert found.count("val") == 2
    assert found.count("train") == 6
    assert found != parts("test:well=A", "val:25%", images=images, groups=groups, seed=5)


@pytest.mark.parametrize(
    "texts", [["val"], ["val:"], [":a=1"], ["val=14"], ["val:7"], ["a:0.7", "b:0.6"],
              ["a:0.1", "a:0.2"]],
)  # fmt: skip
def test_wrong_rules_say_so(texts: list[str]) -> None:
    with pytest.raises(InputError, match="wanted|two shares|more than 1"):
        split_rules(texts)


def test_groups_need_their_tags() -> None:
    assert group_of({"well": 1}, (), "f") == (("field", "f"),)
    with pytest.raises(InputError, match="no such tag; it has position, z, day"):
        group_of(IMAGES[0], ("well",), "f")
