import pytest

from cellwright.steps.report import report
from cellwright.types import InputError


def test_report_without_curves_and_with_bare_records(tmp_path):
    model = tmp_path / "bare"
    model.mkdir()
    (model / "model.json").write_text("{}")
    (tmp_path / "scores.json").write_text('{"pixel": {"f1": null}, "matching": {}}')
    result = report([model, tmp_path / "scores.json"], tmp_path / "r.html", quiet=True)
    assert "No training curves" in result.output.read_text()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda p: p / "absent", "does not exist"),
        (lambda p: (p / "empty").mkdir() or p / "empty", "nothing a report can show"),
        (lambda p: (p / "a.txt").write_text("x") and p / "a.txt", "nothing a report can show"),
        (lambda p: (p / "a.json").write_text("[1]") and p / "a.json", "JSON object"),
        (lambda p: (p / "a.json").write_text("{") and p / "a.json", "could not be read as JSON"),
        (
            lambda p: (
                (p / "a.json").write_text('{"schema_version": 3, "pixel": {}}') and p / "a.json"
            ),
            "newer",
        ),
    ],
)
def test_bad_sources_are_named(make, message, tmp_path):
    with pytest.raises(InputError, match=message):
        report(make(tmp_path), tmp_path / "r.html", quiet=True)
    assert not (tmp_path / "r.html").exists()


def test_output_may_not_be_a_folder_and_sources_are_wanted(tmp_path):
    (tmp_path / "model.json").write_text("{}")
    with pytest.raises(InputError, match="is a folder"):
        report(tmp_path, tmp_path, quiet=True)
    with pytest.raises(InputError, match="no sources"):
        report([], tmp_path / "r.html", quiet=True)


def test_earlier_page_is_kept_when_a_source_is_bad(tmp_path):
    page = tmp_path / "r.html"
    page.write_text("earlier")
    with pytest.raises(InputError):
        report(tmp_path / "absent", page, quiet=True)
    assert page.read_text() == "earlier"
    (tmp_path / "model.json").write_text('{"method": "unet"}')
    result = report(tmp_path, page, quiet=True)
    assert result.output == page
    assert "unet" in page.read_text()
    assert not list(tmp_path.glob(".part*"))


def test_tables_are_written_beside_the_page(tmp_path):
    (tmp_path / "scores.json").write_text('{"pixel": {"f1": 0.123456789, "iou": null}}')
    result = report(
        tmp_path / "scores.json", tmp_path / "r.html", tables=tmp_path / "tables", quiet=True
    )
    assert result.details["tables"] == len(list((tmp_path / "tables").glob("*-*.*"))) + 3
    text = (tmp_path / "tables" / "pixels-cell-or-background.csv").read_text()
    rows = {line.split(",")[0]: line.split(",")[1] for line in text.splitlines()}
    assert (rows["F1 (Dice)"], rows["IoU"]) == ("0.123456789", "")
    again = report(
        tmp_path / "scores.json", tmp_path / "r.html", tables=tmp_path / "tables", quiet=True
    )
    assert again.details == result.details


def test_page_is_not_replaced_when_tables_are_in_the_way(tmp_path):
    (tmp_path / "scores.json").write_text('{"pixel": {"f1": 0.5}}')
    (tmp_path / "software.csv").write_text("mine")
    with pytest.raises(InputError, match=r"software\.csv is there already"):
        report(tmp_path / "scores.json", tmp_path / "r.html", tables=tmp_path, quiet=True)
    assert not (tmp_path / "r.html").exists()
