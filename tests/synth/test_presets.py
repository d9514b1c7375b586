from __future__ import annotations

from pathlib import Path

import pytest

from cellwright.synth import KINDS, simulate_field
from cellwright.synth.presets import PRESETS, draw_preset
from cellwright.types import InputError


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_draws_within_its_ranges_and_the_same_again(name):
    preset = PRESETS[name]
    for field in range(20):
        drawn = draw_preset(name, 7, field)
        assert drawn == draw_preset(name, 7, field)
        looks = [k for k in preset.looks if k.name == drawn.tags.get("cell_line", "")]
        (look,) = looks
        for key in ("diameter", "spread", "coverage", "overlap", "touching"):
            low, high = getattr(look, key)
            assert low <= drawn.arguments[key] <= high
        for key, (low, high) in look.microscope.items():
            assert low <= getattr(drawn.microscope, key) <= high
        assert drawn.arguments["kind"] in (*KINDS, "mixed")
        assert drawn.arguments["cluster"] in look.clusters


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_makes_a_field(name):
    drawn = draw_preset(name, 1, 3)
    sample = simulate_field(1, 3, shape=(160, 150), microscope=drawn.microscope, **drawn.arguments)
    assert len(sample.instances) > 0
    assert sample.image.size("Z") == PRESETS[name].planes


def test_fields_differ_and_all_cell_lines_come():
    drawn = [draw_preset("livecell", 0, field) for field in range(80)]
    assert len({d.tags["cell_line"] for d in drawn}) == 8
    assert len({d.arguments["diameter"] for d in drawn}) == 80


def test_an_unknown_preset_is_refused_with_the_known_ones():
    with pytest.raises(InputError, match="livecell"):
        draw_preset("hela")


def test_the_table_in_the_docs_is_that_of_the_presets():
    page = (Path(__file__).parents[2] / "docs/simulator.md").read_text(encoding="utf-8")
    for name, preset in PRESETS.items():
        assert f"| `{name}` | {preset.about}" in page
        for look in preset.looks:
            row = f"| `{name}`, {look.name} |" if look.name else f"| `{name}` |"
            lines = [line for line in page.splitlines() if line.startswith(row)]
            low, high = look.diameter
            assert any(f"| {low:g}–{high:g} |" in line for line in lines)
