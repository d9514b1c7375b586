import base64
import io
import json
import re
import shutil

import numpy as np
import pytest
from PIL import Image as Pillow

from cellwright.report import crops
from cellwright.report.crops import Cropper, corners, window
from cellwright.report.freshness import accuracies, made_from, stale
from cellwright.report.html import Html
from cellwright.report.prediction_section import worst_first
from cellwright.report.sources import read_sources
from cellwright.report.worst_section import KINDS, PER_KIND, caption, worst_section, worst_table
from cellwright.steps.report import report
from cellwright.types import Image

from .scored import NAMES, SHAPE, prediction, scored_folder, truth


@pytest.fixture(scope="module")
def kept(tmp_path_factory):
    folder = tmp_path_factory.mktemp("scored")
    return scored_folder(folder)


@pytest.fixture
def found(kept):
    scores, run, data = read_sources([kept["scores"], kept["run"], kept["data"]])
    return scores, run, data


def drawn(scores, runs, data, budget=10**6):
    section, failed = worst_section(scores, runs, data, budget=budget)
    return "".join(section.body), failed


def test_each_kind_has_its_crops(found):
    scores, run, data = found
    text, failed = drawn(scores, [run], [data])
    assert failed == ()
    for name, words, _ in KINDS.values():
        assert f'<h3>{name}</h3><p class="soft">{words}</p>' in text, name
    cells = scores.scores["worst_cells"]
    counts = [min(PER_KIND, sum(c["kind"] == kind for c in cells)) for kind in KINDS]
    assert text.count("<figure>") == text.count('class="layer meant"') == sum(counts)
    assert text.count('class="layer prediction"') == text.count('class="layer truth"')
    assert "show-prediction" in text
    assert f"All cells listed ({len(cells)})" in text


def test_no_section_without_worst_cells(found):
    scores, run, data = found
    bare = type(scores)(scores.path, {"matching": {}})
    assert worst_section(bare, [run], [data], budget=10**6) == (None, ())


def test_without_pictures_there_is_a_table(found):
    text, failed = drawn(found[0], [], [])
    assert "<figure>" not in text
    assert "not among the sources" in text
    assert "<table>" in text
    assert failed == ()


def test_truth_alone_shows_truth_alone(found):
    text, _ = drawn(found[0], [], [found[2]])
    assert 'class="layer truth"' in text
    assert 'class="layer prediction"' not in text


def test_crops_keep_to_their_budget(found):
    scores, run, data = found
    whole, _ = drawn(scores, [run], [data])
    text, _ = drawn(scores, [run], [data], budget=20_000)
    pictures = sum(len(f) for f in re.findall(r"<figure>.*?</figure>", text))
    assert 0 < pictures <= 20_000
    assert text.count("<figure>") < whole.count("<figure>")


def test_an_image_that_cannot_be_read_is_named(found, tmp_path):
    scores, run, data = found
    broken = type(run)(
        run.path, run.cells, {"images": [{"name": n, "path": str(tmp_path)} for n in NAMES]}
    )
    text, failed = drawn(scores, [broken], [data])
    assert {name for name, _ in failed} <= set(NAMES)
    assert failed
    assert "<figure>" not in text


def test_changed_predictions_are_not_drawn_and_said(kept, found, tmp_path):
    scores, run, data = found
    assert made_from(scores.scores, "pred", run) is True
    assert made_from({}, "pred", run) is None
    assert stale(scores, [run, data]) == []
    old = json.loads(kept["scores"].read_text())
    old["settings"]["sources"]["pred"]["sha256"] = "0" * 64
    (tmp_path / "old.json").write_text(json.dumps(old))
    paths = [tmp_path / "old.json", kept["run"], kept["data"]]
    page = report(paths, tmp_path / "r.html", quiet=True).output.read_text("utf-8")
    warning = re.search(r'<p class="warning">([^<]*)</p>', page)[1]
    assert "out of date" in warning
    assert "2026-01-02 03:04:05 UTC" in warning
    assert "evaluate again" in warning
    worst = page[page.index('id="s-worst-cells"') : page.index('id="s-predictions"')]
    assert 'class="layer truth"' in worst
    assert 'class="layer prediction"' not in worst
    assert "Worst images first" not in page
    assert "accuracy 0." not in page[page.index('id="s-predictions"') :]


def test_scores_of_another_run_are_not_those_shown(kept, found, tmp_path):
    scores, run, data = found
    other = json.loads(kept["scores"].read_text())
    other["settings"]["sources"]["pred"] = {"path": "else/predictions.json", "sha256": "1" * 64}
    strange = type(scores)(scores.path, other)
    (sentence,) = stale(strange, [run, data])
    assert "other predictions than the page shows: from else/predictions.json" in sentence
    assert stale(strange, [data]) == []
    assert accuracies([run], [strange]) == [{}]
    assert set(accuracies([run], [strange, scores])[0]) == set(NAMES)
    changed = json.loads(kept["scores"].read_text())
    changed["settings"]["sources"]["truth"]["sha256"] = "1" * 64
    (sentence,) = stale(type(scores)(scores.path, changed), [run, data])
    assert "other true cells" in sentence


def test_scores_that_do_not_say_are_taken_as_they_are(found):
    scores, run, _ = found
    silent = {k: v for k, v in scores.scores.items() if k != "settings"}
    silent = type(scores)(scores.path, silent)
    (values,) = accuracies([run], [silent])
    assert set(values) == set(NAMES)
    assert accuracies([run, run], [silent]) == [{}, {}]


def test_scores_go_to_their_own_run(kept, found, tmp_path):
    scores, run, _ = found
    shutil.copytree(kept["run"], tmp_path / "other")
    record = json.loads((tmp_path / "other" / "predictions.json").read_text())
    record["annotations"].pop()
    (tmp_path / "other" / "predictions.json").write_text(json.dumps(record))
    (other,) = read_sources([tmp_path / "other"])
    none, values = accuracies([other, run], [scores])
    assert none == {}
    assert set(values) == set(NAMES)


def test_the_worst_images_are_drawn_first_and_kept(kept, tmp_path):
    paths = [kept["scores"], kept["run"], kept["data"]]
    page = report(paths, tmp_path / "r.html", max_images=3, quiet=True).output.read_text("utf-8")
    part = page[page.index('id="s-predictions"') :]
    assert "Worst images first" in part
    assert "3 of 6 images, the worst by accuracy" in part
    assert "field_5</strong>" not in part
    shown = [float(v) for v in re.findall(r"accuracy ([\d.]+) at IoU", part)]
    assert shown == sorted(shown)
    assert len(shown) == 3
    assert worst_first(["a", "b"], {}) == [0, 1]


def test_no_crops_where_no_images_are_wanted(kept, tmp_path):
    paths = [kept["scores"], kept["run"], kept["data"]]
    page = report(paths, tmp_path / "r.html", max_images=0, quiet=True).output.read_text("utf-8")
    assert "<figure><label" not in page


def test_window_stays_in_the_image_and_is_wide_enough():
    for box in ((0, 0, 4, 4), (60, 92, 64, 96), (20, 20, 44, 44), (0, 0, 64, 96)):
        row0, col0, row1, col1 = window(box, SHAPE)
        assert 0 <= row0 <= box[0] < box[2] <= row1 <= SHAPE[0]
        assert 0 <= col0 <= box[1] < box[3] <= col1 <= SHAPE[1]
        assert row1 - row0 >= 48
        assert col1 - col0 >= 48
    assert window((200, 300, 230, 340), (900, 900)) == (175, 280, 255, 360)


def test_corners_lie_about_the_box_and_leave_it_free():
    drawn_corners = corners((16, 16, 32, 32), (0, 0, 48, 48), 4.0)
    assert drawn_corners.shape == (192, 192)
    assert drawn_corners.any()
    assert not drawn_corners[64:128, 64:128].any()
    np.testing.assert_array_equal(drawn_corners.any(axis=0), drawn_corners.any(axis=1))
    edge = corners((0, 0, 8, 8), (0, 0, 48, 48), 4.0)
    assert edge[0].any()


def test_crop_shows_its_part_of_the_image():
    data = np.zeros(SHAPE, np.uint8)
    data[52:60, 80:90] = 200
    cropper = Cropper(Image(data), prediction=prediction(0), truth=truth(0))
    markup = cropper.figure((52, 80, 60, 90), Html("c"), "n")
    address = re.search(r'<img src="data:image/webp;base64,([^"]+)"', markup)[1]
    pixels = np.asarray(Pillow.open(io.BytesIO(base64.b64decode(address))).convert("L"))
    assert pixels.shape == (48, 48)
    row0, col0, _, _ = window((52, 80, 60, 90), SHAPE)
    bright = np.argwhere(pixels > 128)
    assert bright.min(axis=0).tolist() == [52 - row0, 80 - col0]
    assert "image-rendering:pixelated" in markup


def test_crop_of_a_frame_too_large_to_be_read_whole(monkeypatch):
    data = np.random.default_rng(0).integers(0, 90, (2, *SHAPE)).astype(np.uint16)
    data[:, 30:44, 50:66] += 500
    monkeypatch.setattr(crops, "_WHOLE_READ", 10)
    reads = []

    class Lazy:
        shape, dtype, ndim = data.shape, data.dtype, data.ndim

        def __getitem__(self, index):
            reads.append(index)
            return data[index]

    lazy = Cropper(Image(Lazy(), "CYX"), prediction=None, truth=truth(0))
    markup = lazy.figure((30, 50, 44, 66), Html("c"), "n")
    assert markup.count("<img") == 4  # picture, overlap, truth, corners
    assert [index[-2:] for index in reads] == [(slice(13, 61), slice(34, 82))]


def test_captions_and_table_name_the_kind():
    cell = {"image": "<x>", "kind": "misfit", "area": 1234, "score": 0.5, "iou": 0.625}
    text = caption(cell)
    assert "&lt;x&gt;" in text
    assert "poor outline \N{MIDDLE DOT} 1,234 px \N{MIDDLE DOT} score 0.50" in text
    assert text.endswith("IoU 0.62</span>")
    assert "unheard of" in caption({"image": "a", "kind": "unheard of"})
    (row,) = worst_table([cell | {"box": [1, 2, 3, 4], "side": "prediction", "cell": 7}]).rows
    assert row == ("poor outline", "<x>", "prediction", 7, 1, 2, 1234, 0.5, 0.625)
