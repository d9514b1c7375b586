from __future__ import annotations

import runpy
import sys


def test_the_gallery_script_draws_a_field(repository, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["simulate_a_field.py", str(tmp_path)])
    runpy.run_path(str(repository / "examples" / "simulate_a_field.py"), run_name="__main__")
    assert "ZCYX" in capsys.readouterr().out
    assert (tmp_path / "simulated_field.png").stat().st_size > 20_000
