"""YOLO from files of weights: what is read, and what is refused."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

pytest.importorskip("ultralytics", reason="the peer ultralytics is not installed")

from cellwright.label.segmenters import segmenter
from cellwright.peers.ultralytics import read_weights, start_from, yolo
from cellwright.peers.yolo_net import YoloNet
from cellwright.types import Image, InputError


@pytest.fixture(scope="module")
def net() -> YoloNet:
    """Random weights that answer with many cells."""
    torch.manual_seed(0)
    made = YoloNet(inputs=3, classes=2).eval()
    with torch.no_grad():
        for level in made.model.model[-1].cv3:
            level[-1].bias.fill_(0.0)
    made.model.names = {0: "alive", 1: "dead"}
    return made


@pytest.fixture(scope="module")
def files(net: YoloNet, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("weights")
    paths = {
        "tensors": folder / "yolov8n-seg.safetensors",
        "ours": folder / "yolov8n-ours.safetensors",
        "package": folder / "best.pt",
    }
    save_file(net.model.state_dict(), paths["tensors"])
    save_file(net.state_dict(), paths["ours"])
    torch.save({"model": net.model, "ema": None}, paths["package"])
    return paths


@pytest.mark.parametrize("kind", ["tensors", "ours", "package"])
def test_every_kind_of_file_gives_the_same_cells(files: dict[str, Path], kind: str) -> None:
    image = Image(np.random.default_rng(0).integers(0, 255, (3, 70, 50)).astype(np.uint8), "CYX")
    worker = yolo(weights=str(files[kind]), score=0.3, device="cpu")
    found = worker.segment(image)
    again = yolo(weights=str(files["tensors"]), score=0.3, device="cpu").segment(image)
    assert len(found) > 0
    assert found.shape == (70, 50)
    assert (found.boxes == again.boxes).all()
    assert found.class_names == (("alive", "dead") if kind == "package" else ("class 0", "class 1"))


def test_one_plane_is_repeated_and_two_are_refused(files: dict[str, Path]) -> None:
    worker = yolo(weights=str(files["tensors"]), score=0.3, device="cpu")
    assert worker.segment(Image(np.eye(40))).shape == (40, 40)
    with pytest.raises(InputError, match="read 3 channels, 2 came"):
        worker.segment(Image(np.zeros((2, 40, 40)), "CYX"))
    with pytest.raises(InputError, match="takes one plane"):
        worker.segment(Image(np.zeros((2, 40, 40)), "ZYX"))


class Evil:
    """Leaves a file behind when it is unpickled."""

    def __init__(self, mark: Path) -> None:
        self.mark = mark

    def __reduce__(self) -> tuple:
        return Path.touch, (self.mark,)


def test_a_file_that_would_run_code_is_refused(tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    torch.save({"model": Evil(mark)}, tmp_path / "yolov8n-seg.pt")
    with pytest.raises(InputError, match="without running code of it"):
        read_weights(tmp_path / "yolov8n-seg.pt")
    assert not mark.exists()


def test_messages_say_what_to_do(files: dict[str, Path], tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    with pytest.raises(InputError, match=r"models fetch yolov8n-seg.*AGPL-3.0.*SHA-256: none"):
        yolo(weights="yolov8n-seg")
    with pytest.raises(InputError, match=r"no YOLO weights 'x.pt'.*yolov8n-seg"):
        yolo(weights="x.pt")
    with pytest.raises(InputError, match=r"do not fit yolov8s-seg.*--option model"):
        yolo(weights=str(files["tensors"]), model="yolov8s-seg")
    with pytest.raises(InputError, match="1 class names came, the weights know 2"):
        yolo(weights=str(files["tensors"]), classes="cell")
    plain = tmp_path / "weights.safetensors"
    plain.write_bytes(files["tensors"].read_bytes())
    with pytest.raises(InputError, match="does not tell the network"):
        yolo(weights=str(plain))
    with pytest.raises(InputError, match=r"YOLO wants a file of weights.*--option weights=FILE"):
        segmenter("yolo")


def test_training_starts_from_what_fits(files: dict[str, Path]) -> None:
    net = YoloNet(inputs=1, classes=1)
    fresh = start_from(net, str(files["package"]))
    state = read_weights(files["tensors"])[0]
    assert "model.0.conv.weight" in fresh
    assert all("cv3" in name or name == "model.0.conv.weight" for name in fresh)
    own = net.model.state_dict()
    assert torch.equal(own["model.1.conv.weight"], state["model.1.conv.weight"])
    with pytest.raises(InputError, match="another network or size"):
        start_from(YoloNet(scale="s"), str(files["package"]))
