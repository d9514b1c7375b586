import numpy as np
import pytest

from cellwright.report.sources import read_curves, read_sources
from cellwright.types import InputError


def test_curves_with_splits_and_gaps(sources):
    curves = read_curves(sources["model"] / "curves.csv")
    assert curves.x_label == "epoch"
    assert dict(curves.panels["Losses"]) == {
        "train foreground_loss": ([1.0, 2.0], [0.9, 0.5]),
        "val foreground_loss": ([1.0], [1.0]),
    }
    assert dict(curves.panels["Learning rate"]) == {"train lr": ([1.0, 2.0], [0.001, 0.0005])}


def test_curves_of_any_columns(tmp_path):
    path = tmp_path / "curves.csv"
    path.write_text(
        "iteration,total,val_accuracy@0.50,train_dice,val_dice\n10,1.5,nan,1,1\n20,x,0.4,1,1\n"
    )
    curves = read_curves(path)
    assert dict(curves.panels["Losses"]) == {"total": ([10.0], [1.5])}
    assert curves.panels["Scores"]["val_accuracy@0.50"][0] == [10.0, 20.0]
    assert set(curves.panels["Parts of the loss"]) == {"train_dice", "val_dice"}
    path.write_text("")
    with pytest.raises(InputError, match="empty"):
        read_curves(path)


def test_a_folder_may_be_several_things(sources):
    sources["scores"].rename(sources["run"] / "scores.json")
    kinds = [type(s).__name__ for s in read_sources([sources["run"], sources["model"]])]
    assert kinds == ["ScoresSource", "PredictionSource", "ModelSource"]


def test_a_translator_is_a_model_with_a_picture(tmp_path):
    from cellwright.report.model_section import model_section
    from cellwright.train.translation.pictures import draw_examples

    (tmp_path / "translator.json").write_text(
        '{"schema_version": 1, "how": "pix2pix", "source": ["phase"], "target": ["DAPI"],'
        ' "scores": {"fid": 3.25, "features": "cells"}}'
    )
    (tmp_path / "curves.csv").write_text("step,seconds,train_loss,held_out_fid\n1,1,2,3\n2,2,1,\n")
    crop = tuple(np.zeros((1, 8, 8)) for _ in range(3))
    draw_examples([crop], tmp_path / "examples.png", source=("phase",), target=("DAPI",))
    (found,) = read_sources([tmp_path / "translator.json"])
    assert found.curves.panels["Scores"]["held_out_fid"] == ([1.0], [3.0])
    page = "".join(model_section(found).body)
    assert "pix2pix" in page
    assert "data:image/png" in page
    assert "3.25" in page
