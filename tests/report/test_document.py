import json
import re
import shutil
import subprocess
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from PIL import Image as Pillow

from cellwright.steps.report import report


class Page(HTMLParser):
    """Tags with their attributes, headings and texts of a page."""

    def __init__(self, path: Path):
        super().__init__()
        self.source = path.read_text("utf-8")
        self.tags, self.headings, self.open = [], [], []
        self.feed(self.source)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.open.append(tag)

    def handle_endtag(self, tag):
        while self.open and self.open.pop() != tag:
            pass

    def handle_data(self, data):
        if "h2" in self.open:
            self.headings.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture
def page(sources, tmp_path):
    paper = {
        "title": "Paper & Co <1>",
        "rows": [{"metric": "F1", "paper": 0.9, "ours": 0.85, "note": "own split"}],
    }
    result = report(
        list(sources.values()),
        tmp_path / "out" / "report.html",
        title="Night <run>",
        paper=paper,
        quiet=True,
    )
    assert result.ok, result.failed
    assert result.done == 4
    assert result.details["bytes"] == result.output.stat().st_size
    return Page(result.output)


def test_every_section_is_there(page):
    assert page.headings == [
        "Scores",
        "Beside the paper",
        "Predictions",
        "Model",
        "Data set",
        "Versions",
    ]
    for text in (
        "Cells matched, by IoU threshold",
        "Time per frame",
        "Measurements of all cells",
        "Sizes and densities",
        "Test CPU &amp; co",
        "tile_shape",
        "own split",
        "Where the model comes from",
        "9.9.9",
    ):
        assert text in page.source, text


def test_nothing_is_loaded_and_only_the_script_of_the_page_runs(page):
    assert not re.findall(r"https?://", page.source)
    assert page.all("script") == [{}]
    assert not re.search(r"@import|url\(", page.source)
    loaded = [attrs["src"] for tag, attrs in page.tags if "src" in attrs]
    linked = [attrs["href"] for tag, attrs in page.tags if "href" in attrs]
    assert len(loaded) == 8
    assert all(address.startswith("data:image/") for address in loaded)
    assert all(address.startswith(("#", "data:,")) for address in linked)
    assert not [a for _, attrs in page.tags for a in attrs if a.startswith("on")]


def test_text_from_outside_is_escaped(page):
    for raw in ("<x>", "<small>", "<i>DIC", "<run>", "line<b>", "alert(1)</script>"):
        assert raw not in page.source, raw
    assert "&lt;script&gt;alert(1)" in page.source
    assert "<h1>Night &lt;run&gt;</h1>" in page.source


def test_page_can_be_read_by_everyone(page):
    assert page.all("html")[0]["lang"] == "en"
    assert page.all("meta")[1]["content"].startswith("width=device-width")
    assert all("alt" in image for image in page.all("img"))
    assert all(chart.get("aria-label") or "aria-hidden" in chart for chart in page.all("svg"))
    tables = page.source.count("<table>")
    assert tables == page.source.count('class="scroll" role="region"') == page.source.count("<cap")
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids))
    anchors = {a["href"][1:] for a in page.all("a")}
    assert anchors <= set(ids)


def test_predictions_are_drawn_with_their_truth(page):
    assert page.source.count('class="layer prediction"') == 2
    assert page.source.count('class="layer truth"') == 2
    assert page.source.count('class="layer overlap"') == 2
    assert "2 images are drawn with predictions" in page.source
    switches = [i["class"] for i in page.all("input") if i["class"] != "zoom"]
    assert switches == ["show-prediction", "show-truth", "show-overlap"]


def test_switches_belong_to_their_section(sources, tmp_path):
    page = Page(report([sources["data"]], tmp_path / "r.html", quiet=True).output)
    switches = [i["class"] for i in page.all("input") if i["class"] != "zoom"]
    assert switches == ["show-truth", "show-overlap"]
    assert "section:has(.show-truth:not(:checked)) .layer.truth" in page.source


def test_each_source_stands_alone(sources, tmp_path):
    for name, path in sources.items():
        result = report(path, tmp_path / f"{name}.html", quiet=True)
        assert len(Page(result.output).headings) == 2


def test_two_models_are_told_apart(sources, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(sources["model"], other)
    page = Page(report([sources["model"], other], tmp_path / "r.html", quiet=True).output)
    assert page.headings == ["Model: model", "Model: other", "Versions"]


def test_lost_image_is_reported_and_the_rest_shown(sources, tmp_path):
    (sources["data"] / "images" / "0.png").unlink()
    result = report(sources["run"], tmp_path / "r.html", quiet=True)
    assert [failure.path for failure in result.failed] == ["A01 <x>&"]
    page = Page(result.output)
    assert "A01 &lt;x&gt;&amp; is not shown" in page.source
    assert page.source.count('class="layer prediction"') == 1
    listed = json.loads((tmp_path / "r.failures.json").read_text())
    assert listed["failed"][0]["path"] == "A01 <x>&"


def test_overlay_drawn_by_predict_is_used_when_the_image_is_gone(sources, tmp_path):
    (sources["data"] / "images" / "1.png").unlink()
    Pillow.fromarray(np.zeros((60, 80, 3), np.uint8)).save(sources["run"] / "B02_overlay.png")
    result = report(sources["run"], tmp_path / "r.html", quiet=True)
    assert result.ok
    page = Page(result.output)
    assert page.source.count("<figure><label") == 2
    assert page.source.count('class="layer prediction"') == 1


def test_few_images_are_spread(sources, tmp_path):
    page = Page(report(sources["run"], tmp_path / "r.html", max_images=1, quiet=True).output)
    assert "1 of 2 images" in page.source
    assert page.source.count('class="layer prediction"') == 1


def test_browser_shows_the_page_without_sideways_scroll(page, tmp_path):
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        pytest.skip("no Chromium on this machine")
    shot = tmp_path / "shot.png"
    path = tmp_path / "out" / "report.html"
    command = [browser, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic"]
    command += ["--no-first-run", "--disable-background-networking", "--disable-sync"]
    command += ["--disable-component-update", f"--user-data-dir={tmp_path / 'profile'}"]
    command += [f"--screenshot={shot}", "--window-size=500,900", "--hide-scrollbars"]
    done = subprocess.run([*command, path.as_uri()], capture_output=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr[-500:]
    pixels = np.asarray(Pillow.open(shot).convert("L"))
    assert pixels.shape == (900, 500)
    assert pixels.std() > 5
    assert len(np.unique(pixels[:, -4:])) <= 2  # the page ends before the edge of the window
