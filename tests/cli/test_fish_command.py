"""The command fish on the command line: exit codes, what it says, results without images."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from cellwright import write_image
from cellwright.cli.app import app
from cellwright.synth.fish import FishStain, simulate_fish


def invoke(*arguments: object):
    """Result of ``cellwright fish``, without colours."""
    environment = {"TERM": "dumb", "COLUMNS": "200"}
    return CliRunner().invoke(app, ["fish", *map(str, arguments)], env=environment)


@pytest.fixture
def image(tmp_path: Path) -> Path:
    frame = simulate_fish(4, 0, shape=(200, 200), nuclei=7, stain=FishStain(abnormal=0.5))
    write_image(frame.sample.image, tmp_path / "frame.ome.tif")
    return tmp_path / "frame.ome.tif"


def test_it_says_calls_sample_gallery_and_what_it_is_not(image: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    done = invoke(image, "-o", out, "--probes", "ch1=3p22.1,ch2=3q29", "--volume-ul", "100")
    assert done.exit_code == 0, done.output
    assert "normal" in done.stdout
    assert "per 100 ul" in done.stdout
    assert "gallery.html" in done.stdout
    assert "not a diagnostic device" in done.stdout
    again = invoke("-o", out, "--volume-ul", "50")
    assert again.exit_code == 0
    assert "in 50 ul" in again.stdout


def test_wrong_use(image: Path, tmp_path: Path) -> None:
    assert invoke(image, "-o", tmp_path / "out").exit_code == 2
    probes = ("--probes", "ch1=a", "-o", tmp_path / "out")
    assert invoke(image, *probes, "--threshold", "a=high").exit_code == 2
    failed = invoke(image, "--probes", "ch9=a", "-o", tmp_path / "out")
    assert failed.exit_code == 1
    assert "there is no channel 'ch9'" in failed.stderr
    assert "failures.json" in failed.stderr
    unknown = invoke(image, *probes, "--rule", "best")
    assert (unknown.exit_code, len(unknown.stderr.splitlines())) == (1, 1)
