"""Checkpoints that fit, and those that do not."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from cellwright.label import sam
from cellwright.label.sam.convert import infer_config, load_original, new_key
from cellwright.label.sam.weights import SAM_WEIGHTS, weights
from cellwright.types import InputError

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture
def state(original_sam: Any) -> dict[str, Any]:
    """Weights by their original names."""
    return dict(original_sam.state_dict())


@pytest.mark.parametrize("kind", ["plain", "micro-sam", "trainer", "safetensors"])
def test_every_wrapping_of_original_weights_is_read(
    kind: str, state: dict[str, Any], tmp_path: Path
) -> None:
    path = tmp_path / ("vit.safetensors" if kind == "safetensors" else "vit.pt")
    if kind == "safetensors":
        from safetensors.torch import save_file

        save_file(state, path)
    else:
        prefixed = {f"sam.{k}": v for k, v in state.items()}
        whole = {
            "plain": state,
            "micro-sam": {"model_state": prefixed},
            "trainer": {"model": state},
        }
        torch.save(whole[kind], path)
    model = load_original(path)
    name = "mask_decoder.iou_prediction_head.layers.2.weight"
    assert torch.equal(model.state_dict()[new_key(name)], state[name])


@pytest.mark.parametrize(
    ("width", "depth", "heads", "layers"),
    [
        (768, 12, 12, [2, 5, 8, 11]),
        (1024, 24, 16, [5, 11, 17, 23]),
        (1280, 32, 16, [7, 15, 23, 31]),
    ],
)
def test_the_size_of_published_models_is_inferred(
    width: int, depth: int, heads: int, layers: list[int]
) -> None:
    pytest.importorskip("segment_anything")
    from segment_anything.build_sam import _build_sam

    with torch.device("meta"):
        whole = _build_sam(width, depth, heads, layers)
    config = infer_config(whole.state_dict(), Path("x.pth"))
    vision = config.vision_config
    assert (vision.hidden_size, vision.num_hidden_layers) == (width, depth)
    assert vision.num_attention_heads == heads
    assert list(vision.global_attn_indexes) == layers
    assert (vision.image_size, vision.patch_size, vision.window_size) == (1024, 16, 14)
    assert vision.mlp_dim == 4 * width
    assert config.mask_decoder_config.mlp_dim == 2048
    assert config.prompt_encoder_config.mask_input_channels == 16


def test_missing_unknown_and_wrong_weights_are_named(state: dict[str, Any], tmp_path: Path) -> None:
    path = tmp_path / "vit.pt"
    gone = {k: v for k, v in state.items() if "no_mask_embed" not in k}
    torch.save(gone, path)
    with pytest.raises(InputError, match=r"1 weights are missing.*no_mask_embed"):
        load_original(path)
    torch.save({**state, "adapter.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match=r"1 are unknown.*adapter"):
        load_original(path)
    torch.save({"encoder.weight": torch.zeros(1)}, path)
    with pytest.raises(InputError, match="no checkpoint of SAM"):
        load_original(path)


def test_nothing_is_unpickled(tmp_path: Path) -> None:
    class Harm:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "harm",))

    path = tmp_path / "bad.pt"
    torch.save({"model_state": Harm()}, path)
    with pytest.raises(InputError, match="Python objects"):
        sam.build(path)
    assert not (tmp_path / "harm").exists()
    path.write_bytes(b"not weights")
    with pytest.raises(InputError, match="damaged"):
        sam.build(path)


def test_folders_without_model_are_refused(sam_folder: Path, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"config\.json"):
        sam.build(tmp_path)
    folder = shutil.copytree(sam_folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps({**config, "model_type": "bert"}))
    with pytest.raises(InputError, match="'bert'"):
        sam.build(folder)
    (folder / "config.json").write_text(json.dumps(config))
    (folder / "model.safetensors").write_bytes(b"\0" * 40)
    with pytest.raises(InputError, match="cannot be loaded"):
        sam.build(folder)


def test_folders_that_lack_a_weight_are_refused(sam_folder: Path, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    folder = shutil.copytree(sam_folder, tmp_path / "copy")
    state = load_file(folder / "model.safetensors")
    state.pop("mask_decoder.iou_token.weight")
    save_file(state, folder / "model.safetensors", metadata={"format": "pt"})
    with pytest.raises(InputError, match="missing.*iou_token"):
        sam.build(folder)


def test_a_video_model_is_read_as_its_image_part(sam2_folder: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(sam2_folder, tmp_path / "copy")
    config = json.loads((folder / "config.json").read_text())
    config["model_type"] = "sam2_video"
    (folder / "config.json").write_text(json.dumps(config))
    video, image = (sam.build(f, device="cpu") for f in (folder, sam2_folder))
    assert video.network.digest == image.network.digest


def test_records_are_complete_and_names_unique() -> None:
    assert len({r.name for r in SAM_WEIGHTS}) == len(SAM_WEIGHTS) >= 10
    for record in SAM_WEIGHTS:
        assert record.licence
        assert all(f.url.startswith("https://") for f in record.files)
        assert all(f.sha256 is None or len(f.sha256) == 64 for f in record.files)
        assert record.hub_id is None or weights(record.hub_id) is record
    with pytest.raises(InputError, match="sam-vit-b, sam-vit-l"):
        weights("sam-vit-x")


def test_a_fetched_model_is_found_by_name(
    state: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    record = weights("sam-vit-b")
    assert not record.is_here
    record.folder.mkdir(parents=True)
    torch.save(state, record.path)
    assert record.is_here
    assert sam.build("sam-vit-b", device="cpu").network.side == 64


def test_unknown_devices_are_named(sam_folder: Path) -> None:
    with pytest.raises(InputError, match="no device 'tpuu'"):
        sam.build(sam_folder, device="tpuu")
