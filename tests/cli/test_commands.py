"""The command line: flags, exit codes, one-line errors, defaults that are those of the calls."""

from __future__ import annotations

import importlib
import inspect
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

import cellwright
from cellwright.cli import options
from cellwright.cli.app import COMMANDS, app
from cellwright.cli.outcome import command, summarise
from cellwright.steps.result import Failure, StepResult, failures_path, write_failures
from cellwright.types import InputError

NAMES = [name for _, name, *_ in COMMANDS]
CALLS = {
    "import": "import_images",
    "split": "split_dataset",
    "zero-shot": "zero_shot",
    "learn-translation": "learn_translation",
    "compare-data": "compare_data",
}


def invoke(*arguments: str, runner: CliRunner | None = None):
    """Result of ``cellwright`` with these arguments, without colours and frames."""
    return (runner or CliRunner()).invoke(app, arguments, env={"TERM": "dumb", "COLUMNS": "200"})


def app_of(body) -> typer.Typer:
    """An app of one command with this body."""
    small = typer.Typer(pretty_exceptions_enable=False)
    small.command()(command(body))
    return small


def test_the_commands_are_there() -> None:
    wanted = (
        "demo simulate import split label annotate labelled zstack alive overlays "
        "extend learn-translation translate train predict zero-shot fish evaluate compare "
        "compare-data report run methods"
    )
    assert wanted.split() == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_help_has_examples_of_the_command(name: str) -> None:
    done = invoke(name, "--help")
    assert done.exit_code == 0
    assert "Examples:" in done.output
    assert f"cellwright {name}" in done.output.partition("Examples:")[2]


@pytest.mark.parametrize("name", [n for n in NAMES if n not in ("annotate", "methods")])
def test_options_are_those_of_the_call_with_its_defaults(name: str) -> None:
    call = inspect.signature(getattr(cellwright, CALLS.get(name, name))).parameters
    renamed = {
        "tag": "tags",
        "option": "options",
        "loss_weight": "loss_weights",
        "format": "formats",
        "threshold": "thresholds",
        "input": None,
        "verbose": None,
        "list_presets": None,
    }
    body = next(f for f, n, *_ in COMMANDS if n == name)
    for key, parameter in inspect.signature(body).parameters.items():
        key = renamed.get(key, key)
        if key is None:
            continue
        assert key in call, f"{name} offers {key}, the call has {', '.join(call)}"
        ours, theirs = parameter.default, call[key].default
        if ours in (None, (), inspect.Parameter.empty) or theirs is inspect.Parameter.empty:
            continue
        if key == "formats":
            ours = tuple(ours.split(","))
        assert str(ours) == str(theirs), f"{name} --{key}"


def test_short_flags_mean_one_thing_everywhere() -> None:
    meanings: dict[str, set[str]] = {}
    for name in NAMES:
        for parameter in typer.main.get_command(app).commands[name].params:
            for short in [flag for flag in parameter.opts if not flag.startswith("--")]:
                long = [flag for flag in parameter.opts if flag.startswith("--")]
                meanings.setdefault(short, set()).update(long)
    meanings = {flag: long for flag, long in meanings.items() if flag.startswith("-")}
    assert meanings == {
        "-i": {"--input"},
        "-o": {"--output"},
        "-m": {"--model"},
        "-d": {"--device"},
        "-j": {"--jobs"},
        "-q": {"--quiet"},
        "-v": {"--verbose"},
    }


@pytest.mark.parametrize(
    "arguments",
    [
        ("predict", "a"),
        ("predict", "-m", "model", "-o", "out"),
        ("predict", "a", "-m", "model", "-o", "out", "--format", "coco,bmp"),
        ("predict", "a", "-m", "model", "-o", "out", "--tile-shape", "512"),
        ("train", "a", "-o", "model", "--epochs", "3", "--minutes", "3"),
        ("train", "a", "-i", "b", "-o", "model"),
        ("train", "a", "-o", "model", "--where", "modality"),
        ("simulate", "-o", "a", "--fields", "0"),
        ("segmentate",),
    ],
)
def test_wrong_use_is_two(arguments: tuple[str, ...]) -> None:
    done = invoke(*arguments)
    assert done.exit_code == 2, done.output
    assert "Traceback" not in done.output


def test_bad_input_is_one_line_on_stderr(tmp_path: Path) -> None:
    done = invoke("run", str(tmp_path / "none.toml"), "-o", str(tmp_path / "out"))
    assert done.exit_code == 1
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert "none.toml" in done.stderr


def test_input_errors_have_no_traceback_and_others_only_when_asked() -> None:
    def broken(bad_input: bool = False, verbose: options.Verbose = 0) -> None:
        raise InputError("two\nlines") if bad_input else KeyError("lost")

    runner = CliRunner()
    assert runner.invoke(app_of(broken), ["--bad-input", "-v"]).stderr == "error: two lines\n"
    plain = runner.invoke(app_of(broken), [])
    assert (plain.exit_code, plain.stderr.count("\n")) == (1, 1)
    assert "lost" in plain.stderr
    assert isinstance(runner.invoke(app_of(broken), ["-v"]).exception, KeyError)


def test_partly_failed_is_one_and_names_the_list(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    failed = tuple(Failure(f"{n}.tif", "truncated") for n in range(7))
    with pytest.raises(typer.Exit) as left:
        summarise(StepResult(tmp_path, 2, 1, failed), quiet=False)
    assert left.value.exit_code == 1
    said = capsys.readouterr()
    assert "2 done, 1 already there, 7 failed" in said.out
    assert "0.tif: truncated" in said.err
    assert "2 more" in said.err
    assert "failures.json" in said.err


def test_failures_lie_beside_the_output_and_go_when_they_are_mended(tmp_path: Path) -> None:
    scores = tmp_path / "scores.json"
    assert failures_path(scores).name == "scores.failures.json"
    written = write_failures(tmp_path, [Failure("a.tif", "truncated")])
    assert written == tmp_path / "failures.json"
    assert "truncated" in written.read_text(encoding="utf-8")
    assert write_failures(tmp_path, []) is None
    assert not written.exists()


def test_version_and_methods() -> None:
    assert invoke("--version").stdout.strip() == cellwright.__version__
    methods = importlib.import_module("cellwright.zoo.builders").METHODS
    said = invoke("methods")
    assert said.exit_code == 0
    for method in methods:
        assert method.name in said.stdout
    assert "--segmenter  watershed" in said.stdout
