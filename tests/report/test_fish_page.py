"""The page of FISH calls: pictures, charts, and the choices of a human in a browser."""

import csv
import json
import re
import shutil

import numpy as np
import pytest

from cellwright.report.fish_cells import OUTLINE, SIGNAL, cell_figure, cell_picture
from cellwright.report.fish_charts import threshold_chart
from cellwright.report.fish_page import FishRun, fish_page
from cellwright.report.html import digest, page, script

CHROMIUM = shutil.which("chromium") or shutil.which("google-chrome")


def run(figures=()):
    return FishRun(
        key="k",
        rule={"name": "four-colour", "precedence": ["CAC", "gain"]},
        totals={"normal": 4, "gain": 0, "deletion": 0, "CAC": 2, "not called": 1},
        samples=[("all <frames>", 4, 0, 0, 2, 1, 100.0, 2.0, False, "2 CACs: below.")],
        groups={"CAC": list(figures), "gain": []},
        thresholds={"3q29": [{"edges": [1, 3, 9, 27], "counts": [100, 2, 30], "value": 6.5}]},
        frames=[("a", 7)],
        frame_columns=("Frame", "Nuclei"),
        failures=[("b.tif", "DAPI shows <nothing>")],
        disclaimer="Not a diagnostic device.",
    )


def figures():
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    picture = cell_picture(np.zeros((3, 40, 40), np.uint8), mask, [(1, 20, 20, True)])
    return [
        cell_figure(picture, image='f "1"', cell=n, call="CAC", by_hand="", words="3q29 3")
        for n in (3, 8)
    ]


def test_picture_marks_the_lower_row_alone() -> None:
    mask = np.zeros((40, 40), bool)
    mask[10:30, 10:30] = True
    picture = cell_picture(np.zeros((3, 40, 40), np.uint8), mask, [(2, 20, 20, True)])
    assert picture.shape == (244, 368, 3)
    assert not (picture[:120] == OUTLINE).all(axis=-1).any()
    assert (picture[124:] == OUTLINE).all(axis=-1).any()
    ring = np.argwhere((picture == SIGNAL).all(axis=-1))
    assert ring[:, 1].min() > 248
    assert np.abs(ring.mean(axis=0) - (124 + 61, 248 + 61)).max() < 2


def test_page_escapes_says_what_it_is_and_runs_its_own_script_alone() -> None:
    text = fish_page(run(figures()))
    assert text.count("Not a diagnostic device.") == 2
    assert "all &lt;frames&gt;" in text
    assert "DAPI shows &lt;nothing&gt;" in text
    assert text.count('class="fish-call"') == 2
    assert f"script-src '{digest(script(['fish_calls.js']))}'" in text
    assert "fish-totals" not in page("Other", [])


def test_chart_says_its_threshold() -> None:
    chart = threshold_chart("3q29", run().thresholds["3q29"])
    assert "132 spots in nuclei, threshold 6.5" in chart
    two = threshold_chart(
        "p", [*run().thresholds["3q29"], {**run().thresholds["3q29"][0], "value": 8}]
    )
    assert "threshold 6.5 to 8" in two


def test_a_full_page_says_what_it_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    from cellwright.report import fish_page as module

    first, second = figures()
    monkeypatch.setattr(module, "_BUDGET", len(first) + 10)
    text = fish_page(run([first, second]))
    assert text.count('class="fish-call"') == 1
    assert "1 more stand in cells.csv" in text


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
def test_choices_are_counted_kept_and_saved(tmp_path) -> None:
    sync_api = pytest.importorskip("playwright.sync_api")
    path = tmp_path / "gallery.html"
    path.write_text(fish_page(run(figures())), "utf-8")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox", "--disable-gpu"]
        )
        tab = browser.new_page()
        problems = []
        tab.on("console", lambda message: problems.append(message.text))
        tab.on("pageerror", lambda error: problems.append(str(error)))
        tab.goto(path.as_uri())
        status = tab.locator(".fish-totals [role=status]")
        assert "4 normal, 0 gain, 0 deletion, 2 CAC, 1 not called" in status.text_content()
        tab.locator(".fish-call select").nth(1).select_option("normal")
        assert "(1): 5 normal, 0 gain, 0 deletion, 1 CAC" in status.text_content()
        tab.reload()
        assert "5 normal" in status.text_content()
        with tab.expect_download() as download:
            tab.get_by_role("button", name="Save calls.csv").click()
        saved = list(csv.DictReader(download.value.path().read_text("utf-8").splitlines()))
        assert saved == [{"image": 'f "1"', "cell": "8", "call": "normal"}]
        assert download.value.suggested_filename == "calls.csv"
        assert problems == []
        browser.close()


def test_totals_on_the_page_are_json() -> None:
    found = re.search(r'data-totals="([^"]*)"', fish_page(run()))
    assert json.loads(found.group(1).replace("&quot;", '"'))["CAC"] == 2
