"""cellwright fish: the whole way, resume, overrules, wrong frames beside good ones."""

import csv
import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from cellwright import write_image, write_instances
from cellwright.formats.dataset import write_dataset
from cellwright.steps.fish import fish
from cellwright.steps.fishing.channels import (
    panel_of,
    parse_probes,
    plane_of,
    saturated_shares,
    unreadable_cells,
)
from cellwright.steps.fishing.nuclei import check_something_there
from cellwright.steps.fishing.overrules import read_overrules
from cellwright.synth.fish import FishStain, simulate_fish
from cellwright.types import Image, InputError, Sample

PROBES = "ch1=3p22.1,ch2=3q29,ch3=10q22.3,ch4=CEP10"


@pytest.fixture(scope="module")
def frame():
    return simulate_fish(8, 0, shape=(300, 320), nuclei=16, stain=FishStain(abnormal=0.5))


@pytest.fixture(scope="module")
def ready(frame, tmp_path_factory):
    """A folder with one frame and its result."""
    folder = tmp_path_factory.mktemp("fish")
    write_image(frame.sample.image, folder / "in" / "good.ome.tif")
    result = fish(folder / "in", folder / "out", probes=PROBES, volume_ul=100, quiet=True)
    return folder, result


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open(encoding="utf-8")))


def test_the_whole_way(frame, ready) -> None:
    folder, result = ready
    out = folder / "out"
    assert (result.done, result.failed) == (1, ())
    cells = rows(out / "cells.csv")
    kinds = sorted(t["kind"] for t in frame.sample.instances.tags)
    whole = [c for c in cells if not c["reason"]]
    assert abs(len(cells) - len(kinds)) <= 1
    assert len(whole) >= 6
    assert {c["call"] for c in whole} >= {"normal", "CAC"}
    counted = sum(int(c[p]) for c in cells for p in ("3p22.1", "3q29", "10q22.3", "CEP10"))
    assert counted == len(rows(out / "signals.csv"))
    total = rows(out / "samples.csv")[0]
    assert int(total["CAC"]) == sum(c["final"] == "CAC" for c in cells)
    assert float(total["cacs_per_100_ul"]) == int(total["CAC"])
    record = json.loads((out / "samples.json").read_text())
    assert "not a diagnostic device" in record["note"]
    assert "cut-off" in record["samples"][0]["sentence"]
    assert record["rule"]["name"] == "four-colour"


def test_calls_agree_with_the_truth(frame, ready) -> None:
    folder, _ = ready
    cells = rows(folder / "out" / "cells.csv")
    boxes = frame.sample.instances.boxes
    right = seen = 0
    for box, tags in zip(boxes, frame.sample.instances.tags, strict=True):
        middle = (box[:2] + box[2:]) / 2
        near = min(
            cells,
            key=lambda c: np.hypot(float(c["row"]) - middle[0], float(c["column"]) - middle[1]),
        )
        if (box[:2] > 0).all() and (box[2:] < (300, 320)).all():
            seen += 1
            right += near["call"] == tags["kind"]
    assert right >= 0.8 * seen


def test_the_page_is_whole_and_loads_nothing(ready) -> None:
    page = (ready[0] / "out" / "gallery.html").read_text()
    assert "not a diagnostic device" in page
    assert page.count('class="fish-call"') >= 3
    assert "Thresholds" in page
    assert "http" not in page.replace("http-equiv", "").replace("http://www.w3.org", "")
    assert "fish-totals" in page
    assert "Save calls.csv" in page


def test_called_again_nothing_is_done_again(ready) -> None:
    folder, _ = ready
    before = (folder / "out" / "frames" / "good.json").stat().st_mtime_ns
    again = fish(folder / "in", folder / "out", probes=PROBES, quiet=True)
    assert (again.done, again.skipped) == (0, 1)
    assert (folder / "out" / "frames" / "good.json").stat().st_mtime_ns == before
    with pytest.raises(InputError, match="another probes"):
        fish(folder / "in", folder / "out", probes="ch1=x", quiet=True)
    with pytest.raises(InputError, match="another rule"):
        fish(folder / "in", folder / "out", probes=PROBES, rule="katz2010", quiet=True)


def test_overrules_are_kept_and_totals_follow(ready, tmp_path: Path) -> None:
    folder, _ = ready
    out = folder / "out"
    first = next(c for c in rows(out / "cells.csv") if c["call"] == "CAC")
    count = int(rows(out / "samples.csv")[0]["CAC"])
    calls = tmp_path / "calls.csv"
    calls.write_text(f"image,cell,call\ngood,{first['cell']},normal\n")
    done = fish(None, out, overrule=calls, quiet=True)
    assert (done.done, done.details["overruled"]) == (0, 1)
    assert int(rows(out / "samples.csv")[0]["CAC"]) == count - 1
    row = next(c for c in rows(out / "cells.csv") if c["cell"] == first["cell"])
    assert (row["call"], row["by_hand"], row["final"]) == ("CAC", "normal", "normal")
    assert "by hand: normal" in (out / "gallery.html").read_text()
    fish(folder / "in", out, probes=PROBES, quiet=True)
    assert int(rows(out / "samples.csv")[0]["CAC"]) == count - 1
    calls.write_text(f"image,cell,call\ngood,{first['cell']},as found\n")
    fish(None, out, overrule=calls, quiet=True)
    assert int(rows(out / "samples.csv")[0]["CAC"]) == count


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("image,cell\ngood,1\n", "no column call"),
        ("image,cell,call\nbad,1,CAC\n", "line 2: there is no image 'bad'"),
        ("image,cell,call\ngood,0,CAC\n", "cells 1 to 3"),
        ("image,cell,call\ngood,4,CAC\n", "cells 1 to 3"),
        ("image,cell,call\ngood,1,CAC\ngood,2,cancer\n", "line 3: call 'cancer' is not known"),
    ],
)
def test_wrong_overrules_name_their_line(tmp_path: Path, text: str, words: str) -> None:
    (tmp_path / "calls.csv").write_text(text)
    with pytest.raises(InputError, match=words):
        read_overrules(tmp_path / "calls.csv", {"good": 3})


def test_bad_frames_are_one_line_each_and_the_rest_goes_on(frame, tmp_path: Path) -> None:
    image = frame.sample.image
    rng = np.random.default_rng(0)
    noise = image.data.copy()
    noise[0] = rng.poisson(40, image.shape)
    full = image.data.copy()
    full[2] = 65535 - (rng.random(image.shape) < 0.2)
    flat = image.data.copy()
    flat[3] = 7
    places = tmp_path / "in"
    write_image(image, places / "a_good.ome.tif")
    write_image(replace(image, data=noise), places / "b_empty.ome.tif")
    write_image(replace(image, data=full), places / "c_saturated.ome.tif")
    write_image(replace(image, data=flat), places / "d_flat.ome.tif")
    three = replace(image, data=image.data[:3], channels=image.channels[:3])
    write_image(three, places / "e_three.ome.tif")
    (places / "f_broken.tif").write_bytes(b"no image")
    result = fish(places, tmp_path / "out", probes=PROBES, quiet=True)
    assert result.done == 1
    said = {Path(f.path).name.partition(".")[0]: f.message for f in result.failed}
    assert "DAPI shows no nuclei" in said["b_empty"]
    assert "channel ch2 (3q29) is saturated in" in said["c_saturated"]
    assert "ch3 has the value 7 everywhere" in said["d_flat"]
    assert "probe 10q22.3: there is no channel 'ch3'" in said["e_three"]
    assert "DAPI (0), ch1 (1), ch2 (2)" in said["e_three"]
    assert len(said) == 5
    assert all("\n" not in message for message in said.values())
    assert (tmp_path / "out" / "failures.json").is_file()
    assert "f_broken" in (tmp_path / "out" / "gallery.html").read_text()


def test_channels_in_files_of_their_own_and_of_different_sizes(frame, tmp_path: Path) -> None:
    image = frame.sample.image
    for place in (1, 2):
        for c, name in enumerate(image.channels):
            data = image.data[c] if (place, name) != (2, "ch2") else image.data[c][:-5]
            plane = Image(data, pixel_size=image.pixel_size)
            write_image(plane, tmp_path / "in" / f"p{place}_{name}.tif")
    result = fish(
        tmp_path / "in",
        tmp_path / "out",
        pattern="p{position}_{channel}",
        probes=PROBES,
        quiet=True,
    )
    assert result.done == 1
    assert len(result.failed) == 1
    assert "shape (295, 320)" in result.failed[0].message
    assert len(list((tmp_path / "out" / "frames").glob("*.json"))) == 1


def test_nuclei_that_are_there_and_samples_by_tag(frame, tmp_path: Path) -> None:
    image, nuclei = frame.sample.image, frame.sample.instances
    samples = [
        Sample(name, replace(image, tags={"patient": name}), nuclei) for name in ("ann", "bob")
    ]
    write_dataset(samples, tmp_path / "data")
    result = fish(
        tmp_path / "data", tmp_path / "out", probes=PROBES, nuclei=tmp_path / "data",
        sample_tag="patient", volume_ul=50, quiet=True,
    )  # fmt: skip
    assert list(result.details["samples"]) == ["ann", "bob"]
    cells = rows(tmp_path / "out" / "cells.csv")
    assert len(cells) == 2 * len(nuclei)
    write_instances(nuclei, tmp_path / "masks" / "ann_masks.tif")
    other = fish(
        tmp_path / "data", tmp_path / "other", probes=PROBES, nuclei=tmp_path / "masks", quiet=True
    )
    assert (other.done, len(other.failed)) == (1, 1)
    assert "neither bob_masks.tif nor bob.tif" in other.failed[0].message


def test_katz_calls_deletions_too(frame, tmp_path: Path) -> None:
    write_dataset([frame.sample], tmp_path / "data")
    result = fish(
        tmp_path / "data", tmp_path / "out", probes=PROBES, nuclei=tmp_path / "data",
        rule="katz2010", quiet=True,
    )  # fmt: skip
    counts = result.details["cells"]
    assert counts["gain"] == counts["deletion"] == 0
    assert counts["CAC"] > 0


def test_wrong_use_is_said_before_anything_is_done(tmp_path: Path, frame) -> None:
    write_image(frame.sample.image, tmp_path / "a.ome.tif")
    image, out = tmp_path / "a.ome.tif", tmp_path / "out"
    for options, words in (
        ({}, "no probe came"),
        ({"probes": "ch1"}, "CHANNEL=PROBE is wanted"),
        ({"probes": "ch1=a,ch1=b"}, "channel ch1 twice"),
        ({"probes": PROBES, "rule": "best"}, "no rule 'best'"),
        ({"probes": PROBES, "detector": "eye"}, "detector 'eye'"),
        ({"probes": PROBES, "thresholds": {"x": 3}}, "no such probe"),
        ({"probes": PROBES, "segmenter": "magic"}, "no segmenter 'magic'"),
        ({"probes": PROBES, "nuclei": "a", "model": "b"}, "one of the two"),
        ({"probes": PROBES, "spot_width": 0}, "spot-width"),
        ({"probes": PROBES, "pixel_size": 0}, "pixel-size"),
        ({"probes": PROBES, "overrule": "none.csv"}, "no such table"),
    ):
        with pytest.raises(InputError, match=words):
            fish(image, out, quiet=True, **options)
    assert not out.exists()
    with pytest.raises(InputError, match="no results of an earlier run"):
        fish(None, tmp_path / "nothing", quiet=True)


def test_channels_are_found_by_name_and_number(frame) -> None:
    image = frame.sample.image
    panel = panel_of(image, {"ch1": "a", "3": "b"})
    assert (panel.nuclei, panel.channels, panel.names) == (0, (1, 3), ("ch1", "ch3"))
    plain = replace(image, channels=())
    assert panel_of(plain, {"ch1": "a"}).channels == (1,)
    assert panel_of(plain, {"0": "a"}, 4).nuclei == 4
    with pytest.raises(InputError, match="channel of the nuclei"):
        panel_of(image, {"DAPI": "a"})
    with pytest.raises(InputError, match="another probe too"):
        panel_of(image, {"ch1": "a", "1": "b"})
    assert parse_probes({"ch1": "a"}) == parse_probes(["ch1=a"]) == {"ch1": "a"}


def test_a_stack_shows_its_brightest_plane() -> None:
    data = np.zeros((3, 2, 8, 8), np.uint8)
    data[2, 1, 4, 4] = 9
    assert plane_of(Image(data, "ZCYX"), 1)[4, 4] == 9
    with pytest.raises(InputError, match="time points"):
        plane_of(Image(data, "TCYX"), 1)


def test_a_few_pixels_at_the_top_are_no_saturation_and_one_cell_may_be(frame) -> None:
    nuclei, image = frame.sample.instances, frame.sample.image
    panel = panel_of(image, {"ch1": "a"})
    plane = image.data[1].copy()
    assert not saturated_shares(plane, nuclei.boxes, nuclei.masks).any()
    row0, col0, row1, col1 = nuclei.boxes[2]
    plane[row0:row1, col0:col1][nuclei.masks[2]] = 65535
    found = unreadable_cells([plane], panel, nuclei.boxes, nuclei.masks)
    assert [i for i, said in enumerate(found) if said] == [2]
    assert found[2] == ["ch1 is saturated"]


def test_noise_alone_is_told_from_one_nucleus() -> None:
    rng = np.random.default_rng(0)
    rows_, cols = np.mgrid[:400, :500]
    slope = 30 + 0.2 * rows_
    check = check_something_there
    for empty in (rng.poisson(slope), np.full((400, 500), 7), rng.normal(0, 1, (400, 500))):
        with pytest.raises(InputError, match="shows no nuclei"):
            check(empty, "DAPI")
    one = slope + 25 * (np.hypot(rows_ - 200, cols - 200) < 20)
    check(rng.poisson(one), "DAPI")
    check(one, "DAPI")
