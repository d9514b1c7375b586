"""Cellpose as a segmenter, of the version that is installed, with random weights."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

pytest.importorskip("cellpose", reason="the peer Cellpose is not installed")

from cellwright.label.peers import PeerSegmenter
from cellwright.label.segmenters import segmenter
from cellwright.peers import packages
from cellwright.peers.cellpose import CellposeSegmenter, cell_scores, cellpose, model_file
from cellwright.types import Image, InputError

MAJOR = packages.version("cellpose")[0]


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file of random weights; of version 4 with a small encoder in the place of ViT-L."""
    path = tmp_path_factory.mktemp("cellpose") / "random"
    torch.manual_seed(0)
    if MAJOR == 3:
        from cellpose.resnet_torch import CPnet

        CPnet([2, 32, 64, 128, 256], 3, 3).save_model(path)
        return path
    from cellpose import vit
    from segment_anything.modeling import ImageEncoderViT

    encoder = ImageEncoderViT(depth=1, embed_dim=16, num_heads=2, out_chans=8)
    with pytest.MonkeyPatch.context() as patch:
        built = {"vit_l": lambda _: SimpleNamespace(image_encoder=encoder)}
        patch.setattr(vit, "sam_model_registry", built)
        vit.CPSAM().save_model(path)
    return path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    if MAJOR == 4:
        from cellpose import vit
        from segment_anything.modeling import ImageEncoderViT

        def build(_: None) -> SimpleNamespace:
            encoder = ImageEncoderViT(depth=1, embed_dim=16, num_heads=2, out_chans=8)
            return SimpleNamespace(image_encoder=encoder)

        monkeypatch.setattr(vit, "sam_model_registry", {"vit_l": build})


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("shape", [(50, 70), (5, 3)])
def test_a_file_of_weights_runs_on_any_size(weights: Path, shape: tuple[int, int]) -> None:
    worker = cellpose(model=str(weights), cellprob_threshold=-2.0, flow_threshold=0, device="cpu")
    image = Image(np.random.default_rng(0).integers(0, 255, shape).astype(np.uint8))
    found = worker.segment(image)
    assert found.shape == shape
    assert ((found.scores >= 0) & (found.scores <= 1)).all()


class Told:
    """Stands for a Cellpose model: remembers what it was shown, answers with two cells."""

    def eval(self, planes: np.ndarray, **options: object) -> tuple:
        self.planes, self.options = planes, options
        labels = np.zeros(planes.shape[:2], np.uint16)
        labels[2:6, 3:9], labels[8:14, 10:12] = 1, 5
        logits = np.where(labels == 5, 0.0, 50.0).astype(np.float32)
        return labels, [None, None, logits], None


@pytest.mark.parametrize("major", [3, 4])
def test_labels_become_cells_with_mean_probabilities(major: int) -> None:
    told = Told()
    image = Image(np.random.default_rng(0).random((2, 20, 30)), "CYX")
    worker = CellposeSegmenter(model=told, major=major, diameter=12.0, min_size=4)
    found = worker.segment(image)
    assert found.boxes.tolist() == [[2, 3, 6, 9], [8, 10, 14, 12]]
    assert found.scores.tolist() == pytest.approx([1.0, 0.5])
    assert told.planes.shape == (20, 30, 2)
    assert told.planes[..., 1] == pytest.approx(image.data[1])
    assert told.options["diameter"] == 12
    assert told.options["channel_axis"] == 2
    assert told.options.get("channels") == ([1, 2] if major == 3 else None)


def test_what_is_no_plane_is_refused() -> None:
    worker = CellposeSegmenter(model=Told(), major=3)
    with pytest.raises(InputError, match="takes 2 channels at most, 3 came"):
        worker.segment(Image(np.ones((3, 20, 20)), "CYX"))
    with pytest.raises(InputError, match="takes one plane"):
        worker.segment(Image(np.ones((3, 20, 20)), "ZYX"))
    assert len(worker.segment(Image(np.full((20, 20), 7)))) == 0


def test_channels_are_shown_in_the_order_asked() -> None:
    told = Told()
    data = np.random.default_rng(0).random((3, 2, 20, 30))
    image = Image(data, "ZCYX", channels=("DAPI", "actin"))
    PeerSegmenter(CellposeSegmenter(model=told, major=3), ("actin", "DAPI")).segment(image)
    assert told.planes[..., 0] == pytest.approx(data[:, 1].max(axis=0))
    assert told.planes[..., 1] == pytest.approx(data[:, 0].max(axis=0))


def test_scores_follow_the_labels() -> None:
    labels = np.array([[3, 3, 0], [1, 1, 1]])
    logits = np.array([[0.0, 0.0, 9.0], [-99.0, -99.0, 99.0]])
    assert cell_scores(labels, logits).tolist() == pytest.approx([1 / 3, 0.5])


def test_missing_models_are_said_and_nothing_is_downloaded(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "own"))
    with pytest.raises(InputError, match=r"'nuclei'.*fetch cellpose-nuclei.*nucleitorch_0.*SHA"):
        model_file("nuclei", 3)
    with pytest.raises(InputError, match="no Cellpose model 'nothing': give nuclei, cyto3"):
        model_file("nothing", 3)
    with pytest.raises(packages.MissingPackage, match="pip install"):
        model_file("cpsam" if MAJOR == 3 else "nuclei", MAJOR)
    with pytest.raises(InputError, match="models fetch cellpose-"):
        segmenter("cellpose")
    with pytest.raises(InputError, match="segmenter 'cellpose'.*colour"):
        segmenter("cellpose", colour="red")


@pytest.mark.parametrize("place", ["cache/models/cellpose-nuclei", "own"])
def test_models_are_found_where_they_are_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, place: str
) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path / "cache"))
    monkeypatch.setenv("CELLPOSE_LOCAL_MODELS_PATH", str(tmp_path / "own"))
    file = tmp_path / place / "nucleitorch_0"
    file.parent.mkdir(parents=True)
    file.write_bytes(b"weights")
    assert model_file("nuclei", 3) == file


def test_other_files_are_refused(tmp_path: Path) -> None:
    file = tmp_path / "model"
    file.write_text("no weights")
    with pytest.raises(InputError, match="is not a model that Cellpose"):
        cellpose(model=str(file), device="cpu")
