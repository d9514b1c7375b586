"""The page in a real browser: clicks, keys, exports, colours, small screens.

Needs Chromium and the package playwright (``pip install "cellwright[browser]"``), which
drives the Chromium of the machine and downloads none. Screenshots go to the folder that
CELLWRIGHT_SCREENSHOTS names, otherwise to a temporary one.
"""

import itertools
import os
import shutil
from pathlib import Path

import pytest

from cellwright.report.html import Html, Section, columns, page
from cellwright.report.table_text import csv_text, latex_text, markdown_text
from cellwright.report.tables import Estimate, Table

from .simulated import simulated_report

sync_api = pytest.importorskip(
    "playwright.sync_api", reason='playwright is not installed: pip install "cellwright[browser]"'
)
_NAMES = ("chromium", "chromium-browser", "google-chrome")
CHROMIUM = next((found for found in map(shutil.which, _NAMES) if found), None)
pytestmark = pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
DESKTOP = {"width": 1280, "height": 900}
PHONE = {"width": 390, "height": 844}
ODD = Table(
    'Odd: a|b, "c" & <d>_1 #$%~^{}\\ µm²',
    ("Name, first", "Value", "Fitted | x", "Words"),
    (
        ('x|y "q", <b>*b*</b>', -0.123456789012345, Estimate(0.78, 0.751, 0.806), "10"),
        ("line\nbreak \\ [z]", None, Estimate(-0.5, -1.0, 0.25), "9.5"),
        ("–", 1234567, Estimate(0.5), "apple_9"),
        ("plain", float("nan"), None, "Apple_10"),
        (Html("<em>R&amp;D</em>"), 1e-9, Estimate(12.5, 11.0, 14.0), ""),
    ),
    "A note: 5 % of <all> & more.",
)


@pytest.fixture(scope="module")
def report_page(tmp_path_factory):
    return simulated_report(tmp_path_factory.mktemp("simulated"))


@pytest.fixture(scope="module")
def odd_page(tmp_path_factory):
    path = tmp_path_factory.mktemp("odd") / "odd.html"
    path.write_text(page("Odd", [Section("Tables", (columns([ODD.html()]),))]), "utf-8")
    return path


@pytest.fixture(scope="module")
def browser():
    with sync_api.sync_playwright() as driver:
        opened = driver.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield opened
        opened.close()


@pytest.fixture
def show(browser):
    """Opens a page; at the end nothing may have been requested, and no error reported."""
    contexts, requested, errors = [], [], []

    def opened(path, viewport=DESKTOP, **options):
        context = browser.new_context(viewport=viewport, accept_downloads=True, **options)
        contexts.append(context)
        tab = context.new_page()
        tab.set_default_timeout(8000)
        tab.on("request", lambda request: requested.append(request.url))
        tab.on("console", lambda message: errors.append(message.text))
        tab.on("pageerror", lambda error: errors.append(str(error)))
        tab.goto(path.as_uri())
        return tab

    yield opened
    for context in contexts:
        context.close()
    assert not errors
    outside = [url for url in requested if not url.startswith(("data:", "blob:", "file:"))]
    assert not outside
    assert all(url.endswith(".html") for url in requested if url.startswith("file:"))


def enlarge(tab, index):
    """The button that opens a picture of the predictions, in their order on the page."""
    return tab.locator("#s-predictions").get_by_role("button", name="Enlarge").nth(index)


def table_of(tab, caption):
    return tab.locator(".table").filter(has=tab.locator("caption", has_text=caption)).first


def column(table, index):
    return table.locator("tbody tr").evaluate_all(
        "(rows, i) => rows.filter((r) => !r.hidden).map((r) => r.cells[i].textContent)", index
    )


def texts(tab):
    """What the copy buttons of every table give, by format."""
    return tab.evaluate(
        """async () => {
          const found = [];
          navigator.clipboard.writeText = async (text) => { found.push(text); };
          for (const button of document.querySelectorAll(".menu button:nth-of-type(odd)")) {
            button.click();
            await Promise.resolve();
          }
          return found;
        }"""
    )


def test_tables_sort_by_clicks_and_keys(show, report_page):
    tab = show(report_page)
    table = table_of(tab, "Cells matched, by IoU threshold")
    before = column(table, 2)
    head = table.locator("th", has_text="FP")
    head.get_by_role("button").click()
    assert head.get_attribute("aria-sort") == "ascending"
    assert column(table, 2) == [*sorted(before[:-1], key=int), "–"]
    head.get_by_role("button").press("Enter")
    assert head.get_attribute("aria-sort") == "descending"
    assert column(table, 2) == [*sorted(before[:-1], key=int, reverse=True), "–"]
    head.get_by_role("button").press("Space")
    assert head.get_attribute("aria-sort") is None
    assert column(table, 2) == before
    table.locator("th", has_text="IoU").get_by_role("button").click()
    table.locator("th", has_text="IoU").get_by_role("button").click()
    assert column(table, 0)[:3] == ["mean", "0.95", "0.90"]
    assert tab.locator("[aria-sort]").count() == 1


def test_numbers_sort_by_value_words_after_numbers_and_dashes_last(show, odd_page):
    tab = show(odd_page)
    table = table_of(tab, "Odd")
    value, fitted, words = (
        table.locator("thead th").nth(i).get_by_role("button") for i in (1, 2, 3)
    )
    value.click()
    assert column(table, 1) == ["-0.123", "1e-09", "1,234,567", "–", "–"]
    fitted.click()
    assert [text.split()[0] for text in column(table, 2)] == [
        "-0.500",
        "0.500",
        "0.780",
        "12.50",
        "–",
    ]
    words.click()
    assert column(table, 3) == ["9.5", "10", "apple_9", "Apple_10", ""]
    words.click()
    assert column(table, 3) == ["Apple_10", "apple_9", "10", "9.5", ""]


def test_exports_of_every_table_are_those_of_the_files(show, report_page):
    found = texts(show(report_page))
    files = sorted((report_page.parent / "report_tables").glob("*.*"))
    wanted = [f.read_text("utf-8") for f in files if f.suffix != ".json"]
    assert len(found) == len(wanted) > 60
    assert sorted(found) == sorted(wanted)


def test_exports_escape_what_their_format_interprets(show, odd_page):
    assert texts(show(odd_page)) == [csv_text(ODD), markdown_text(ODD), latex_text(ODD)]


def test_rows_are_filtered_and_exported_as_they_are_shown(show, report_page):
    tab = show(report_page)
    tab.get_by_text("Scores of each image (14)").click()
    table = table_of(tab, "Scores of each image")
    table.get_by_role("searchbox").fill("field_000")
    assert len(column(table, 0)) == 10
    assert table.locator(".count").inner_text() == "10 of 14"
    table.locator("th", has_text="Image").get_by_role("button").click()
    table.locator("th", has_text="Image").get_by_role("button").click()
    table.locator("summary").click()
    with tab.expect_download() as download:
        table.get_by_role("button", name="Save CSV").click()
    assert download.value.suggested_filename == "scores-of-each-image.csv"
    lines = Path(download.value.path()).read_text("utf-8").splitlines()
    assert [line.split(",")[0] for line in lines] == ["Image"] + [
        f"field_000{i}" for i in range(9, -1, -1)
    ]
    table.locator("summary").press("Escape")
    assert not table.get_by_role("button", name="Save CSV").is_visible()


def test_copying_reaches_the_clipboard(show, report_page):
    tab = show(report_page, permissions=["clipboard-read", "clipboard-write"])
    table = table_of(tab, "COCO average precision")
    table.locator("summary").click()
    table.get_by_role("button", name="Copy LaTeX").click()
    tab.wait_for_function("document.querySelector('.said:not(:empty)')")
    assert table.locator(".said").inner_text() == "LaTeX copied"
    assert "\\toprule" in tab.evaluate("navigator.clipboard.readText()")
    tab.locator("h1").click()
    assert not table.get_by_role("button", name="Copy LaTeX").is_visible()


def test_layers_of_the_page_can_be_switched(show, report_page):
    tab = show(report_page)
    layers = {
        k: tab.locator(f"#s-predictions .layer.{k}").first
        for k in ("truth", "prediction", "overlap")
    }
    assert all(layer.is_visible() for layer in layers.values())
    tab.locator("#s-predictions .switches").get_by_text("Truth").click()
    assert [layers[k].is_visible() for k in layers] == [False, True, True]
    tab.locator("#s-predictions .show-prediction").press("Space")
    assert [layers[k].is_visible() for k in layers] == [False, False, True]


def test_viewer_obeys_keys(show, report_page):
    tab = show(report_page)
    opener = enlarge(tab, 1)
    opener.press("Enter")
    viewer = tab.locator("dialog.viewer")
    assert viewer.is_visible()
    assert viewer.locator(".place").inner_text() == "2 of 14"
    scale = lambda: float(viewer.get_attribute("data-scale"))  # noqa: E731
    place = lambda: viewer.locator(".sheet").evaluate("e => e.style.transform")  # noqa: E731
    tab.keyboard.press("+")
    tab.keyboard.press("+")
    assert scale() == pytest.approx(2.25)
    still = place()
    tab.keyboard.press("ArrowRight")
    assert place() != still
    tab.keyboard.press("ArrowLeft")
    assert place() == still
    tab.keyboard.press("-")
    assert scale() == pytest.approx(1.5)
    tab.keyboard.press("0")
    assert scale() == 1
    shown = lambda kind: viewer.locator(f".layer.{kind}").is_visible()  # noqa: E731
    for key, kind in (("t", "truth"), ("p", "prediction"), ("o", "overlap")):
        assert shown(kind)
        tab.keyboard.press(key)
        assert not shown(kind)
    assert not tab.locator("#s-predictions .show-truth").is_checked()
    tab.keyboard.press("t")
    for key, number in (("]", 3), ("PageDown", 4), ("[", 3), ("PageUp", 2), ("[", 1), ("[", 14)):
        tab.keyboard.press(key)
        assert viewer.locator(".place").inner_text() == f"{number} of 14"
    assert shown("truth")
    assert not shown("overlap")
    last = enlarge(tab, 13).get_attribute("aria-label")
    assert last.removeprefix("Enlarge ") in viewer.locator(".title").inner_text()
    tab.keyboard.press("Escape")
    assert not viewer.is_visible()
    focused = tab.evaluate("document.activeElement.getAttribute('aria-label')")
    assert focused == last


def test_viewer_obeys_the_mouse(show, report_page):
    tab = show(report_page)
    enlarge(tab, 0).click()
    viewer = tab.locator("dialog.viewer")
    box = viewer.locator(".stage").bounding_box()
    x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] * 0.3
    under = "([x, y]) => { const r = document.querySelector('.sheet').getBoundingClientRect();"
    under += " return [(x - r.left) / r.width, (y - r.top) / r.height]; }"
    before = tab.evaluate(under, [x, y])
    tab.mouse.move(x, y)
    tab.mouse.wheel(0, -300)
    tab.wait_for_function("document.querySelector('.viewer').dataset.scale === '2.000'")
    assert tab.evaluate(under, [x, y]) == pytest.approx(before, abs=0.01)
    tab.mouse.down()
    tab.mouse.move(x - 80, y + 30, steps=3)
    tab.mouse.up()
    assert tab.evaluate(under, [x - 80, y + 30]) == pytest.approx(before, abs=0.01)
    tab.mouse.dblclick(x, y)
    assert viewer.get_attribute("data-scale") == "1.000"
    viewer.get_by_role("button", name="Zoom in").click()
    viewer.get_by_role("button", name="Whole picture").click()
    assert viewer.get_attribute("data-scale") == "1.000"
    viewer.get_by_role("button", name="Next picture").click()
    assert viewer.locator(".place").inner_text() == "2 of 14"
    viewer.get_by_text("Truth").click()
    assert not viewer.locator(".layer.truth").is_visible()
    viewer.get_by_role("button", name="Close").click()
    assert not viewer.is_visible()


def test_viewer_obeys_two_fingers(show, report_page):
    tab = show(report_page, PHONE, has_touch=True, is_mobile=True)
    enlarge(tab, 0).tap()
    wire = tab.context.new_cdp_session(tab)
    for kind, apart in (("touchStart", 40), ("touchMove", 60), ("touchMove", 120)):
        points = [{"x": 195 - apart, "y": 400, "id": 0}, {"x": 195 + apart, "y": 400, "id": 1}]
        wire.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})
    wire.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    tab.wait_for_function("document.querySelector('.viewer').dataset.scale > 2.8")
    assert float(tab.locator(".viewer").get_attribute("data-scale")) == pytest.approx(3, abs=0.2)


def test_colours_follow_the_system_and_the_switch(show, report_page):
    dark, light = "rgb(20, 23, 27)", "rgb(251, 251, 250)"
    ground = "getComputedStyle(document.body).backgroundColor"
    tab = show(report_page, color_scheme="dark")
    assert tab.evaluate(ground) == dark
    tab.locator(".theme").get_by_text("Light").click()
    assert tab.evaluate(ground) == light
    tab.locator(".theme input:checked").press("ArrowRight")
    assert tab.evaluate(ground) == dark
    tab.emulate_media(color_scheme="light")
    assert tab.evaluate(ground) == dark
    tab.reload()
    assert tab.evaluate(ground) == dark
    tab.locator(".theme").get_by_text("System").click()
    assert tab.evaluate(ground) == light
    tab.emulate_media(media="print", color_scheme="dark")
    assert tab.evaluate(ground) == "rgb(255, 255, 255)"
    assert not tab.locator(".theme").is_visible()
    assert not tab.locator(".export").first.is_visible()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_text_stands_out_from_its_ground(show, report_page, scheme):
    tab = show(report_page, color_scheme=scheme)
    seen = tab.evaluate(
        """() => {
          const probe = document.body.appendChild(document.createElement("i"));
          const names = ["back", "card", "head", "text", "soft", "accent", "edge",
            ...Array.from({ length: 8 }, (_, i) => `c${i}`)];
          return Object.fromEntries(names.map((name) => {
            probe.style.color = `var(--${name})`;
            return [name, getComputedStyle(probe).color.match(/[\\d.]+/g).slice(0, 3).map(Number)];
          }));
        }"""
    )
    grounds = [seen[name] for name in ("back", "card", "head")]
    for name in ("text", "soft", "accent"):
        assert min(contrast(seen[name], ground) for ground in grounds) >= 4.5, name
    assert contrast(seen["card"], seen["accent"]) >= 4.5
    for name in ("edge", *(f"c{i}" for i in range(8))):
        assert min(contrast(seen[name], seen[g]) for g in ("back", "card")) >= 3, name


def contrast(one, other):
    """Contrast ratio of two sRGB colours, as WCAG 2 defines it."""

    def light(colour):
        parts = [c / 255 for c in colour]
        linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
        return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]

    bright, dim = sorted((light(one), light(other)), reverse=True)
    return (bright + 0.05) / (dim + 0.05)


def test_everything_has_a_name(show, report_page):
    tab = show(report_page)
    enlarge(tab, 0).click()
    nameless = tab.evaluate(
        """() => [...document.querySelectorAll("button, summary, input, img, svg, a, [role]")]
          .filter((e) => !(e.getAttribute("aria-label") || e.getAttribute("alt") !== null
            || e.getAttribute("aria-labelledby") || e.getAttribute("aria-hidden")
            || e.textContent.trim() || e.closest("label")?.textContent.trim()
            || e.getAttribute("role") === "status"))
          .map((e) => e.outerHTML.slice(0, 90))"""
    )
    assert nameless == []
    levels = tab.evaluate("[...document.querySelectorAll('h1,h2,h3')].map((h) => +h.tagName[1])")
    assert levels[0] == 1
    assert all(after <= before + 1 for before, after in itertools.pairwise(levels))


def test_focus_is_seen(show, report_page):
    tab = show(report_page)
    for _ in range(12):
        tab.keyboard.press("Tab")
        style = tab.evaluate(
            """() => { const e = document.activeElement;
              const seen = e.closest(".theme label") ?? e;
              return [getComputedStyle(seen).outlineStyle, seen.outerHTML.slice(0, 80)]; }"""
        )
        assert style[0] == "solid", style


def test_page_fits_a_phone(show, report_page):
    tab = show(report_page, PHONE, has_touch=True, is_mobile=True)
    tab.evaluate("document.querySelectorAll('details').forEach((d) => { d.open = true; })")
    wide = "() => [document.documentElement.scrollWidth, document.body.scrollWidth]"
    assert tab.evaluate(wide) == [390, 390]
    outside = """() => [...document.querySelectorAll("body *")].filter((e) => {
      const r = e.getBoundingClientRect();
      return r.width > 1 && (r.right > 391 || r.left < -1)
        && !e.closest(".scroll, svg, .quiet, .skip, dialog"); })
      .map((e) => e.outerHTML.slice(0, 90))"""
    assert tab.evaluate(outside) == []
    small = """() => [...document.querySelectorAll(
        "button, summary, nav a, .switches label, .layers label, .theme label, [type=search]")]
      .filter((e) => e.checkVisibility() && e.getBoundingClientRect().height < 40)
      .map((e) => e.outerHTML.slice(0, 90))"""
    assert tab.evaluate(small) == []
    enlarge(tab, 0).tap()
    assert tab.evaluate(small) == []
    viewer = tab.locator("dialog.viewer").bounding_box()
    assert (viewer["width"], viewer["height"]) == (390, 844)
    inside = "() => [...document.querySelectorAll('dialog button')].every((e) => {"
    inside += " const r = e.getBoundingClientRect(); return r.left >= 0 && r.right <= 390"
    inside += " && r.bottom <= 844; })"
    assert tab.evaluate(inside)


def test_page_is_whole_without_its_script(show, report_page):
    tab = show(report_page, java_script_enabled=False)
    assert tab.locator("table").count() > 20
    assert table_of(tab, "Cells matched").is_visible()
    assert tab.locator("button").count() == 0
    tab.locator("#s-predictions .switches").get_by_text("Truth").click()
    assert not tab.locator("#s-predictions .layer.truth").first.is_visible()
    frame = tab.locator("#s-predictions .frame").first
    narrow = frame.bounding_box()["width"]
    frame.click()
    assert frame.bounding_box()["width"] > 2 * narrow


def test_no_other_script_runs(browser, report_page, tmp_path):
    spoilt = tmp_path / "spoilt.html"
    text = report_page.read_text("utf-8")
    foreign = "<script>document.title = 'run'</script><img src=x onerror=\"document.title='run'\">"
    spoilt.write_text(text.replace("</main>", f"{foreign}</main>"), "utf-8")
    tab = browser.new_page()
    refused = []
    tab.on("console", lambda message: refused.append(message.text))
    tab.goto(spoilt.as_uri())
    assert tab.title() == "Simulated cells"
    assert tab.locator(".sort").count() > 50
    assert sum("Content Security Policy" in text for text in refused) >= 2
    tab.close()


def test_screenshots(show, report_page, tmp_path):
    folder = Path(os.environ.get("CELLWRIGHT_SCREENSHOTS") or tmp_path)
    folder.mkdir(parents=True, exist_ok=True)
    desk = show(report_page)
    table_of(desk, "Cells matched").locator("th", has_text="FP").get_by_role("button").click()
    shoot(desk, folder / "report-desktop.png", height=3300)
    dark = show(report_page, color_scheme="dark")
    enlarge(dark, 1).click()
    dark.keyboard.press("+")
    dark.keyboard.press("+")
    shoot(dark, folder / "report-dark.png")
    phone = show(report_page, PHONE, has_touch=True, is_mobile=True)
    table_of(phone, "Cells matched").locator("summary").tap()
    shoot(phone, folder / "report-phone.png", height=2400)
    for name in ("desktop", "dark", "phone"):
        size = (folder / f"report-{name}.png").stat().st_size
        assert 20_000 < size < 400_000, (name, size)


def shoot(tab, path, *, height=None):
    """The window, or the upper `height` pixels of the page; large pictures get 256 colours."""
    from PIL import Image as Pillow

    width = tab.viewport_size["width"]
    part = {"x": 0, "y": 0, "width": width, "height": height} if height else None
    tab.screenshot(path=path, full_page=part is not None, clip=part)
    if path.stat().st_size > 380_000:
        with Pillow.open(path) as picture:
            few = picture.convert("RGB").quantize(256, Pillow.Quantize.MAXCOVERAGE)
        few.save(path, optimize=True)
