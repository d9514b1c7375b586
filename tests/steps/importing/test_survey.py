"""The table of what was found, without writing anything."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Photo
from scipy import ndimage
from typer.testing import CliRunner

from cellwright.cli.app import app
from cellwright.formats import write_image
from cellwright.steps.import_images import import_images
from cellwright.types import Image


@pytest.fixture
def plate(tmp_path: Path) -> Path:
    """Four positions: whole, a plane missing, a plane twice, a plane damaged; and a stranger."""
    folder = tmp_path / "plate"
    (folder / "b").mkdir(parents=True)
    sharp = np.random.default_rng(0).integers(0, 999, (12, 14)).astype(np.float32)
    for p in (1, 2, 3, 4):
        for c in (1, 2):
            for z in (1, 2):
                pixels = ndimage.gaussian_filter(sharp, 2 - z)
                Photo.fromarray(pixels.astype(np.uint16)).save(folder / f"c{c}xy{p}z{z}.png")
    (folder / "c2xy2z1.png").unlink()
    (folder / "b" / "c1xy3z1.png").write_bytes((folder / "c1xy3z1.png").read_bytes())
    bad = folder / "c1xy4z2.png"
    bad.write_bytes(bad.read_bytes()[:50])
    Photo.fromarray(np.zeros((4, 4), np.uint8)).save(folder / "overview.png")
    return folder


def test_everything_is_listed_and_nothing_written(plate: Path, tmp_path: Path) -> None:
    found = import_images(
        [plate, plate / "b"], tmp_path / "out", pattern="c{channel}xy{position}z{z}",
        channel=["1=bf", "2=gfp"], dry_run=True, focus=True,
    )  # fmt: skip
    assert not (tmp_path / "out").exists()
    survey = found.details["survey"]
    whole, *others = survey.rows
    assert (whole.name, whole.planes, whole.channels) == ("position1", ("1", "2"), ("bf", "gfp"))
    assert (whole.shape, whole.dtype, whole.files, whole.problem) == ((12, 14), "uint16", 4, "")
    assert whole.focus[1] > 2 * whole.focus[0]
    why = {r.name: r.problem for r in others}
    assert "missing z1 channel gfp" in why["position2"]
    assert "z1 channel bf twice: c1xy3z1.png, c1xy3z1.png" in why["position3"]
    assert "c1xy4z2.png: the file is damaged" in why["position4"]
    assert [p.name for p in survey.left_out] == ["overview.png"]
    text = "\n".join(survey.lines())
    for part in ("1 fields with 4 planes can be imported, 3 cannot", "*2:", "fits no pattern"):
        assert part in text
    assert len(survey.to_json()["fields"]) == 4


def test_the_command_prints_the_table(plate: Path) -> None:
    flags = ["--pattern", "c{channel}xy{position}z{z}"]
    done = CliRunner().invoke(app, ["import", str(plate), "--list", *flags])
    assert done.exit_code == 1
    assert "position1" in done.output
    assert "not imported: position2: missing z1 channel 2" in done.output
    fine = CliRunner().invoke(app, ["import", str(plate), "--dry-run", *flags, "--where",
                                    "position=1"])  # fmt: skip
    assert fine.exit_code == 0
    none = CliRunner().invoke(app, ["import", str(plate)])
    assert none.exit_code == 2


def test_planes_within_files(tmp_path: Path) -> None:
    data = np.zeros((3, 2, 8, 9), np.float32)
    write_image(Image(data, "ZCYX", channels=("a", "b")), tmp_path / "in" / "s.ome.tif")
    write_image(Image(data, "ZCYX", channels=("a", "b")), tmp_path / "in" / "t.ome.zarr")
    result = import_images(tmp_path / "in", dry_run=True)
    for row in result.details["survey"].rows:
        assert (row.planes, row.channels, row.shape) == (("1", "2", "3"), ("a", "b"), (8, 9))
        assert row.dtype == "float32"
