"""Processes that train together: who starts them, what comes back, and that none is waited for."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from importlib import import_module
from inspect import signature
from pathlib import Path

import pytest

from cellwright import simulate, train
from cellwright.steps import together
from cellwright.steps.result import StepResult
from cellwright.steps.together import processes, train_together
from cellwright.train.fit import Hardware
from cellwright.types import InputError


def started(program: str, *words: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-S", "-c", program, *words], stdin=subprocess.PIPE)


@pytest.fixture(autouse=True)
def _nobody_outside(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("LOCAL_RANK", "TORCHELASTIC_RUN_ID", "SLURM_NTASKS"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize(
    ("hardware", "wanted"),
    [
        (Hardware("cpu"), 1),
        (Hardware("cpu", devices=3), 3),
        (Hardware("cpu", devices=2, strategy="ddp"), 2),
        (Hardware("cpu", devices=2, strategy="ddp_spawn"), 1),
        (Hardware("cpu", devices=2, nodes=2), 1),
    ],
)
def test_several_devices_of_one_machine_are_started_here(hardware: Hardware, wanted: int) -> None:
    assert processes(hardware) == wanted


def test_what_was_started_by_others_starts_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOCAL_RANK", "0")
    assert processes(Hardware("cpu", devices=2)) == 1


def answering(monkeypatch: pytest.MonkeyPatch, *programs: str) -> None:
    """Processes of these programs in place of those that train; argument 1 is the answer."""

    def start(asked: Path, answer: Path, rank: int, count: int, *, port: int) -> object:
        assert json.loads(asked.read_text())["resume"] is True
        return started(programs[rank], str(answer))

    monkeypatch.setattr(together, "_start", start)


def test_the_answer_of_the_first_comes_back(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answer = json.dumps({"done": 1, "details": {"steps": 7}})
    program = f"import sys; open(sys.argv[1], 'w').write({answer!r})"
    answering(monkeypatch, program, "")
    found = train_together({"output": tmp_path / "model", "resume": False}, 2)
    assert found == StepResult(tmp_path / "model", done=1, details={"steps": 7})


def test_one_that_fails_ends_the_others_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch, "import time; time.sleep(300)", "raise SystemExit(3)")
    begun = time.monotonic()
    with pytest.raises(RuntimeError, match="process 1 of 2 with 3"):
        train_together({"output": tmp_path}, 2)
    assert time.monotonic() - begun < 60


def test_one_that_ends_without_an_answer_is_an_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    answering(monkeypatch, "", "")
    with pytest.raises(RuntimeError, match="ended early"):
        train_together({"output": tmp_path}, 2)


def test_what_a_process_refuses_is_refused(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    program = (
        "import sys; open(sys.argv[1], 'w').write('{\"refused\": \"too small\"}'); sys.exit(1)"
    )
    answering(monkeypatch, program, "import time; time.sleep(300)")
    with pytest.raises(InputError, match="too small"):
        train_together({"output": tmp_path}, 2)


def test_a_process_ends_when_the_one_that_started_it_is_gone() -> None:
    process = started(
        f"import sys; sys.path[:] = {sys.path!r}\n"
        "import threading, time\n"
        "from cellwright.steps.together import _end_with_the_caller\n"
        "threading.Thread(target=_end_with_the_caller, daemon=True).start()\n"
        "print('up', flush=True)\ntime.sleep(300)"
    )
    assert process.stdin
    process.stdin.close()
    assert process.wait(100) == 1


def test_train_hands_itself_on(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    asked: dict[str, object] = {}

    def instead(arguments: dict[str, object], count: int) -> StepResult:
        asked.update(arguments, count=count)
        return StepResult(tmp_path)

    # The package's own name `train` is the function, so the module is looked up by its path.
    monkeypatch.setattr(import_module("cellwright.steps.train"), "train_together", instead)
    simulate(tmp_path / "data", fields=2, shape=(48, 48), cells=3, quiet=True)
    train(tmp_path / "data", tmp_path / "m", epochs=1, crop=(48, 48), device="cpu", devices=2)
    assert asked["count"] == 2
    assert asked["crop"] == (48, 48)
    assert (tmp_path / "m/training/settings.json").is_file()
    known = set(signature(train).parameters)
    assert set(asked) - {"count"} == known
