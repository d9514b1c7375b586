"""Rules and calls: presets, strict reading, precedence, merges, totals."""

import doctest
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from cellwright.geometry import from_label_map
from cellwright.measure.cac import (
    AT_BORDER,
    MERGED,
    NOT_CALLED,
    SILENT,
    SMALL,
    Forms,
    call,
    call_of,
    forms,
    suspected_merges,
    total,
)
from cellwright.measure.fish_rule import PRESETS, parse_rule, read_rule
from cellwright.types import InputError

FOUR, KATZ = read_rule("four-colour"), read_rule("katz2010")


@pytest.mark.parametrize(
    ("counts", "four", "katz"),
    [
        ([2, 2, 2, 2], "normal", "normal"),
        ([3, 2, 2, 2], "gain", "CAC"),
        ([3, 3, 2, 2], "CAC", "CAC"),
        ([1, 2, 2, 2], "deletion", "CAC"),
        ([0, 2, 2, 2], "deletion", "CAC"),
        ([3, 1, 2, 2], "gain", "CAC"),
        ([9, 3, 0, 0], "CAC", "CAC"),
    ],
)
def test_presets_call_as_they_say(counts, four, katz) -> None:
    assert call_of(counts, FOUR) == four
    assert call_of(counts, KATZ) == katz


@given(st.lists(st.integers(0, 6), min_size=1, max_size=5))
def test_only_all_twos_are_normal_and_katz_calls_all_else(counts) -> None:
    abnormal = any(n != 2 for n in counts)
    assert (call_of(counts, KATZ) == "CAC") == abnormal
    assert (call_of(counts, FOUR) == "normal") == (not abnormal)
    if call_of(counts, FOUR) == "CAC":
        assert sum(n >= 3 for n in counts) >= 2


def test_examples_in_the_text() -> None:
    from cellwright.measure import cac
    from cellwright.steps.fishing import frame

    for module in (cac, frame):
        found = doctest.testmod(module)
        assert found.attempted
        assert not found.failed


def test_presets_say_to_verify_and_share_the_cut_off() -> None:
    for name in PRESETS:
        rule = read_rule(name)
        assert (rule.cutoff_cacs, rule.cutoff_ul) == (3, 100)
        text = Path(__file__).parents[2] / "src/cellwright/measure/rules" / f"{name}.toml"
        assert "against your kit's instructions" in " ".join(text.read_text().split())


def test_a_file_of_ones_own_and_its_order(tmp_path: Path) -> None:
    values = FOUR.record() | {"name": "mine", "precedence": ["deletion", "gain", "CAC"]}
    path = tmp_path / "mine.toml"
    lines = [f"{k} = {v!r}".replace("'", '"') for k, v in values.items()]
    path.write_text("\n".join(lines))
    rule = read_rule(path)
    assert rule.name == "mine"
    assert call_of([3, 3, 1, 2], rule) == "deletion"


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"gain_mim": 3}, "unknown key gain_mim; known are name, about, gain_min"),
        ({"gain_min": "3"}, "gain_min = '3' came; a whole number is wanted"),
        ({"gain_min": True}, "whole number"),
        ({"gain_min": 1}, "would be a loss and a gain"),
        ({"precedence": ["CAC", "gain"]}, "each once"),
        ({"min_gained_probes": 0}, "no cell could be a CAC"),
        ({"cutoff_ul": 0}, "more than 0"),
        ({"min_lost_probes": -1}, "0 or more"),
    ],
)
def test_rules_are_read_strictly(change, words) -> None:
    with pytest.raises(InputError, match=words):
        parse_rule(FOUR.record() | change, "mine.toml")


def test_what_is_no_rule_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="there are four-colour, katz2010"):
        read_rule("katz")
    with pytest.raises(InputError, match="cannot be read"):
        read_rule(tmp_path / "none.toml")
    (tmp_path / "broken.toml").write_text("a = ")
    with pytest.raises(InputError, match="not TOML"):
        read_rule(tmp_path / "broken.toml")
    with pytest.raises(InputError, match="gain_min, loss_max"):
        parse_rule({"name": "x"}, "x")


def disc(rows, cols, middle, radius):
    return np.hypot(rows - middle[0], cols - middle[1]) <= radius


def scene(*, double):
    """Discs, one of them two that were not separated."""
    rows, cols = np.mgrid[:200, :200]
    labels = np.zeros((200, 200), int)
    for n, middle in enumerate([(30, 30), (30, 80), (30, 130), (80, 30), (80, 80)], start=1):
        labels[disc(rows, cols, middle, 15)] = n
    labels[disc(rows, cols, (150, 60), 15)] = 6
    if double:
        labels[disc(rows, cols, (150, 86), 15)] = 6
    labels[disc(rows, cols, (195, 150), 15)] = 7
    labels[disc(rows, cols, (100, 150), 4)] = 8
    labels[disc(rows, cols, (150, 150), 15)] = 9
    return forms(from_label_map(labels))


def test_a_double_nucleus_a_cut_one_and_a_piece_are_not_called() -> None:
    counts = np.full((9, 4), 2)
    counts[5], counts[8] = 4, 0
    calls, reasons = call(counts, scene(double=True), FOUR)
    assert calls == ["normal"] * 5 + [NOT_CALLED] * 4
    assert reasons[5:] == [MERGED, AT_BORDER, SMALL, SILENT]
    calls, _ = call(counts, scene(double=False), FOUR)
    assert calls[5] == "CAC"


def test_two_nuclei_with_a_waist_are_two_whatever_their_signals() -> None:
    counts = np.full((9, 4), 2)
    counts[5] = [4, 4, 2, 3]
    assert call(counts, scene(double=True), FOUR)[1][5] == MERGED


def test_two_small_nuclei_are_told_by_waist_and_signals_together() -> None:
    areas = np.array([100.0] * 9 + [120.0])
    found = Forms(areas, np.array([0.99] * 9 + [0.87]), np.full(10, 2.2), np.zeros(10, bool))
    counts = np.full((10, 4), 2)
    counts[9] = 4
    assert suspected_merges(found, counts, FOUR).tolist() == [False] * 9 + [True]
    counts[9] = [2, 3, 4, 2]
    assert not suspected_merges(found, counts, FOUR).any()


def test_large_round_and_gained_is_a_cac() -> None:
    found = Forms(
        np.array([100.0] * 9 + [180.0]), np.full(10, 0.99), np.full(10, 1.1), np.zeros(10, bool)
    )
    counts = np.full((10, 4), 2)
    counts[9] = [4, 3, 2, 3]
    assert call(counts, found, FOUR)[0][9] == "CAC"
    assert not suspected_merges(found, counts, FOUR).any()
    few = Forms(*(getattr(found, k)[:3] for k in ("area", "solidity", "elongation", "border")))
    assert not suspected_merges(few, counts[:3], FOUR).any()


def test_what_cannot_be_read_is_said() -> None:
    found = scene(double=False)
    bad = [[] for _ in range(9)]
    bad[0] = ["ch1 is saturated"]
    calls, reasons = call(np.full((9, 4), 2), found, FOUR, unreadable=bad)
    assert (calls[0], reasons[0]) == (NOT_CALLED, "ch1 is saturated")


@pytest.mark.parametrize(
    ("cacs", "volume", "flagged"), [(3, 100, True), (2, 100, False), (3, 101, False), (2, 60, True)]
)
def test_cut_off_is_per_volume(cacs, volume, flagged) -> None:
    found = total(["CAC"] * cacs + ["normal"] * 5, FOUR, volume)
    assert found.flagged is flagged
    assert found.per_100_ul == pytest.approx(100 * cacs / volume)
    assert ("below" in found.sentence) is not flagged


def test_without_a_volume_nothing_is_flagged() -> None:
    found = total(["CAC"], FOUR)
    assert found.flagged is None
    assert "1 CAC; without the volume" in found.sentence
    assert total([], FOUR, 100.0).counts["CAC"] == 0
