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
