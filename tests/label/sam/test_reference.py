"""Embeddings and masks against the reference implementations, all with random weights."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwright.label import sam
from cellwright.label.sam.model import SamSegmenter
from cellwright.types import Image, Prompts

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")
KINDS = ("point", "points", "box", "both")
CLOSE = 1e-4


def full_logits(worker: SamSegmenter, embedding: Any, low: np.ndarray) -> np.ndarray:
    """Logits of every pixel of the only tile."""
    tile = embedding.tiles[0]
    return worker._upsampling(tile).logits(torch.from_numpy(low), (0, 0, *tile.shape)).numpy()


def check(
    worker: SamSegmenter, embedding: Any, prompt: Prompts, low: Any, full: Any, score: float
) -> None:
    """Low-resolution logits, logits of the image, mask and score of one prompt."""
    found = worker.predict(embedding, [prompt])
    assert np.ptp(low) > 1
    np.testing.assert_allclose(found.logits[0], low, atol=CLOSE)
    np.testing.assert_allclose(full_logits(worker, embedding, found.logits[0]), full, atol=CLOSE)
    mask = np.zeros(embedding.shape, bool)
    r0, c0, r1, c1 = found.instances.boxes[0]
    mask[r0:r1, c0:c1] = found.instances.masks[0]
    sure = np.abs(full) > CLOSE
    assert (mask == (full > 0))[sure].all()
    assert found.instances.scores[0] == pytest.approx(np.clip(score, 1e-6, 1), abs=CLOSE)


def xy(prompt: Prompts) -> dict[str, Any]:
    """A prompt as the processors of transformers want it."""
    given: dict[str, Any] = {}
    if len(prompt.points):
        given["input_points"] = [[prompt.points[:, ::-1].tolist()]]
        given["input_labels"] = [[prompt.signs.astype(int).tolist()]]
    if prompt.box is not None:
        r0, c0, r1, c1 = prompt.box
        given["input_boxes"] = [[[c0, r0, c1, r1]]]
    return given


def of_transformers(kind: str, folder: Path) -> tuple[Any, Any]:
    """Model and processor of the reference."""
    import transformers

    if kind == "sam":
        images = transformers.SamImageProcessor(
            size={"longest_edge": 64}, pad_size={"height": 64, "width": 64}
        )
        return transformers.SamModel.from_pretrained(folder), transformers.SamProcessor(images)
    images = transformers.Sam2ImageProcessor(size={"height": 64, "width": 64})
    return transformers.Sam2Model.from_pretrained(folder), transformers.Sam2Processor(images)


@pytest.mark.parametrize("kind", ["sam", "sam2"])
@pytest.mark.parametrize("choice", ["single", "best", 2])
def test_equals_transformers(
    kind: str, choice: str | int, sam_folder: Path, sam2_folder: Path, picture: Image, cases: Any
) -> None:
    folder = sam_folder if kind == "sam" else sam2_folder
    model, processor = of_transformers(kind, folder)
    model.eval()
    worker = sam.build(folder, device="cpu", choice=choice)
    embedding = worker.embed(picture)
    shown = np.moveaxis(np.asarray(picture.data), 0, -1)
    for name in KINDS:
        inputs = processor(images=shown, return_tensors="pt", **xy(cases[name]))
        sizes = [inputs.pop("original_sizes")]
        if kind == "sam":
            sizes.append(inputs.pop("reshaped_input_sizes"))
        with torch.no_grad():
            expected = model(**inputs, multimask_output=choice != "single")
            features = model.get_image_embeddings(inputs["pixel_values"])
        for mine, theirs in zip(
            embedding.tiles[0].features, [features] if kind == "sam" else features, strict=True
        ):
            assert torch.allclose(mine, theirs, atol=CLOSE)
        scores = expected.iou_scores[0, 0]
        index = int(scores.argmax()) if choice == "best" else 0 if choice == "single" else choice
        low = expected.pred_masks[0, :, index : index + 1]
        full = processor.post_process_masks([low], *sizes, binarize=False)[0][0, 0]
        check(worker, embedding, cases[name], low[0, 0].numpy(), full.numpy(), float(scores[index]))


def test_global_attention_by_head_is_the_encoder_of_transformers(sam_folder: Path) -> None:
    from transformers import SamModel

    from cellwright.label.sam.encoder import attend_by_head

    plain, by_head = (SamModel.from_pretrained(sam_folder).eval() for _ in range(2))
    attend_by_head(by_head)
    changed = ["forward" in layer.attn.__dict__ for layer in by_head.vision_encoder.layers]
    assert changed == [False, True]
    pixels = torch.randn(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    one, other = (m.get_image_embeddings(pixels) for m in (plain, by_head))
    assert torch.allclose(one, other, atol=1e-5)


@pytest.mark.parametrize("kind", ["sam", "sam2"])
def test_earlier_logits_equal_transformers(
    kind: str, sam_folder: Path, sam2_folder: Path, picture: Image, cases: Any
) -> None:
    folder = sam_folder if kind == "sam" else sam2_folder
    model, processor = of_transformers(kind, folder)
    model.eval()
    worker = sam.build(folder, device="cpu", choice="single")
    embedding = worker.embed(picture)
    shown = np.moveaxis(np.asarray(picture.data), 0, -1)
    earlier = worker.predict(embedding, [cases["box"]]).logits[0]
    inputs = processor(images=shown, return_tensors="pt", **xy(cases["both"]))
    hint = torch.from_numpy(earlier)[None, None]
    given = {k: inputs[k] for k in ("pixel_values", "input_points", "input_labels", "input_boxes")}
    with torch.no_grad():
        expected = model(**given, input_masks=hint, multimask_output=False)
        plain = model(**given, multimask_output=False)
    found = worker.predict(embedding, [cases["both"]], logits=[earlier])
    np.testing.assert_allclose(found.logits[0], expected.pred_masks[0, 0, 0], atol=CLOSE)
    assert np.abs(found.logits[0] - plain.pred_masks[0, 0, 0].numpy()).max() > CLOSE


@pytest.fixture(scope="module")
def reference(original_sam: Any) -> Any:
    """The original predictor."""
    pytest.importorskip("segment_anything")
    from segment_anything import SamPredictor

    return SamPredictor(original_sam)


@pytest.fixture(scope="module")
def checkpoint(reference: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Its weights as it would be downloaded."""
    path = tmp_path_factory.mktemp("original") / "sam_vit_x.pth"
    torch.save(reference.model.state_dict(), path)
    return path


@pytest.mark.parametrize("shape", [(48, 64), (150, 100)])
def test_original_checkpoints_equal_the_original_code(
    shape: tuple[int, int], reference: Any, checkpoint: Path
) -> None:
    rng = np.random.default_rng(0)
    smooth = (
        np.add.outer(np.sin(np.arange(shape[0]) / 7), np.cos(np.arange(shape[1]) / 5)) * 50 + 120
    )
    shown = np.stack([np.clip(smooth + 9 * k, 0, 255) for k in range(3)], -1).astype(np.uint8)
    reference.set_image(shown)
    worker = sam.build(checkpoint, device="cpu", choice="single")
    embedding = worker.embed(Image(np.moveaxis(shown, -1, 0), "CYX"))
    features = reference.get_image_embedding()
    # PIL and torchvision may differ by one grey value in a few pixels of a scaled image.
    close = CLOSE if max(shape) == 64 else 0.05
    assert (embedding.tiles[0].features[0] - features).abs().max() < close
    if max(shape) != 64:
        return
    points = rng.uniform(5, 45, (3, 2))
    signs = np.array([True, True, False])
    box = (6.0, 8.0, 40.0, 52.0)
    for prompt in (Prompts(points, signs), Prompts(box=box), Prompts(points, signs, box)):
        corners = None if prompt.box is None else np.array([box[1], box[0], box[3], box[2]])
        given = bool(len(prompt.points))
        full, score, low = reference.predict(
            point_coords=prompt.points[:, ::-1] if given else None,
            point_labels=signs.astype(int) if given else None,
            box=corners,
            multimask_output=False,
            return_logits=True,
        )
        check(worker, embedding, prompt, low[0], full[0], float(score[0]))


def test_an_original_checkpoint_and_a_folder_of_the_same_weights_are_one_model(
    checkpoint: Path, tmp_path: Path
) -> None:
    from cellwright.label.sam.convert import load_original

    load_original(checkpoint).save_pretrained(tmp_path / "folder")
    one, other = (sam.build(p, device="cpu") for p in (checkpoint, tmp_path / "folder"))
    assert one.network.digest == other.network.digest
