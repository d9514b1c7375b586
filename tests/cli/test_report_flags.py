from typer.testing import CliRunner

from cellwright.cli.app import app


def test_report_takes_a_title_a_limit_and_a_folder_for_tables(tmp_path):
    (tmp_path / "scores.json").write_text('{"pixel": {"f1": 0.5}}')
    page, tables = tmp_path / "r.html", tmp_path / "tables"
    arguments = ["report", str(tmp_path / "scores.json"), "-o", str(page), "--title", "Night <1>"]
    arguments += ["--max-images", "3", "--tables", str(tables), "--quiet"]
    result = CliRunner().invoke(app, arguments)
    assert result.exit_code == 0, result.output
    assert "<h1>Night &lt;1&gt;</h1>" in page.read_text("utf-8")
    assert {path.suffix for path in tables.iterdir()} == {".csv", ".md", ".tex", ".json"}
