"""Stages run once per settings, in order, and go on after a stop."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from cellwright.experiment import run as runner
from cellwright.experiment.stages import Stage
from cellwright.steps.result import Failure
from cellwright.types import InputError

RECIPE = 'title = "t"\n[data.train]\nsimulate = { fields = 1 }\n'


class Bench:
    """Three stages a -> b -> c that write files and note their calls."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.calls: list[tuple[str, bool]] = []
        self.settings: dict[str, dict[str, int]] = {"a": {}, "b": {}, "c": {}}
        self.breaks: set[str] = set()
        self.fails: set[str] = set()
        self.variant = ""
        self.text = RECIPE

    def plan(self, *_: object, **__: object) -> list[Stage]:
        inputs = {"a": (), "b": (self.folder / "a",), "c": (self.folder / "b",)}
        return [
            Stage(n, self.folder / n, self.settings[n], inputs[n], self.action(n), self.variant)
            for n in inputs
        ]

    def action(self, name: str):
        def act(resume: bool) -> tuple[Failure, ...]:
            self.calls.append((name, resume))
            (self.folder / name).mkdir(exist_ok=True)
            if name in self.breaks:
                raise InputError("stopped")
            return (Failure("x.tif", "bad"),) if name in self.fails else ()

        return act

    def run(self) -> tuple[list[tuple[str, bool]], runner.StepResult | None]:
        self.calls = []
        recipe = self.folder / "recipe.toml"
        recipe.write_text(self.text, encoding="utf-8")
        try:
            result = runner.run(recipe, self.folder)
        except InputError:
            return self.calls, None
        return self.calls, result


@pytest.fixture
def bench(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Bench:
    made = Bench(tmp_path)
    monkeypatch.setattr(runner, "plan", made.plan)
    monkeypatch.setattr(runner, "_report", lambda *_: tmp_path / "report.html")
    return made


def test_done_stages_are_kept(bench: Bench) -> None:
    calls, first = bench.run()
    assert calls == [("a", False), ("b", False), ("c", False)]
    calls, second = bench.run()
    assert calls == []
    assert first is not None
    assert second is not None
    assert (first.done, second.done, second.skipped) == (3, 0, 3)


def test_changed_settings_run_the_stage_and_what_follows(bench: Bench) -> None:
    bench.run()
    (bench.folder / "b" / "old").touch()
    bench.settings["b"] = {"epochs": 2}
    calls, _ = bench.run()
    assert calls == [("b", False), ("c", False)]
    assert not (bench.folder / "b" / "old").exists()


def test_a_stopped_stage_is_resumed(bench: Bench) -> None:
    bench.breaks = {"b"}
    bench.run()
    bench.breaks = set()
    assert bench.run()[0] == [("b", True), ("c", False)]


def test_failures_are_listed_and_tried_again(bench: Bench) -> None:
    bench.fails = {"a"}
    _, result = bench.run()
    assert result is not None
    assert result.failed == (Failure("x.tif", "bad"),)
    listed = json.loads((bench.folder / "failures.json").read_text(encoding="utf-8"))
    assert listed["failed"] == [{"path": "x.tif", "message": "bad"}]
    bench.fails = set()
    assert bench.run()[0] == [("a", True)]


def test_what_lies_there_already_is_not_touched(bench: Bench) -> None:
    (bench.folder / "b").mkdir()
    assert bench.run() == ([("a", False)], None)
    assert (bench.folder / "b").is_dir()


def test_an_optional_variant_does_not_stop_the_others(bench: Bench) -> None:
    bench.variant, bench.breaks = "peer", {"b"}
    assert bench.run()[1] is None
    bench.text = RECIPE + '[[variant]]\nname = "peer"\noptional = true\n'
    calls, result = bench.run()
    assert calls == [("b", True)]
    assert result is not None
    assert result.details["not_run"] == {"peer": "stopped"}
