"""Small SAMs with random weights, as their owners would save them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwright.types import Image, Prompts

torch = pytest.importorskip("torch")


def stir(module: Any, seed: int = 0) -> None:
    """Random weights and biases large enough that masks have both signs and odd shapes."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for name, value in module.state_dict().items():
            if "layer_norm" in name or ".norm" in name:
                value.add_(torch.randn(value.shape, generator=generator) * 0.1)
            else:
                last = "upscale" in name or "upscaling" in name or "hypernetworks" in name
                spread = 0.6 if last else 0.15
                value.copy_(torch.randn(value.shape, generator=generator) * spread)


def tiny_sam_config() -> Any:
    """A SAM of 64 px with three layers, one of them global."""
    from transformers import SamConfig

    small = {"hidden_size": 32, "image_size": 64, "patch_size": 8}
    return SamConfig(
        vision_config={
            **small,
            "output_channels": 32,
            "num_hidden_layers": 2,
            "num_attention_heads": 2,
            "window_size": 3,
            "global_attn_indexes": [1],
            "num_pos_feats": 16,
            "mlp_dim": 64,
        },
        prompt_encoder_config={**small, "mask_input_channels": 8},
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
    )


def tiny_sam2_config() -> Any:
    """A SAM 2 of 64 px."""
    from transformers import Sam2Config

    return Sam2Config(
        vision_config={
            "backbone_config": {
                "model_type": "sam2_hiera_det_model",
                "hidden_size": 8,
                "image_size": [64, 64],
                "blocks_per_stage": [1, 1, 2, 1],
                "embed_dim_per_stage": [8, 16, 32, 64],
                "num_attention_heads_per_stage": [1, 1, 2, 2],
                "window_size_per_stage": [4, 2, 2, 1],
                "global_attention_blocks": [3],
                "window_positional_embedding_background_size": [4, 4],
            },
            "backbone_channel_list": [64, 32, 16, 8],
            "backbone_feature_sizes": [[16, 16], [8, 8], [4, 4]],
            "fpn_hidden_size": 32,
        },
        prompt_encoder_config={
            "hidden_size": 32,
            "image_size": 64,
            "patch_size": 16,
            "mask_input_channels": 8,
        },
        mask_decoder_config={
            "hidden_size": 32,
            "mlp_dim": 64,
            "num_attention_heads": 4,
            "iou_head_hidden_dim": 32,
        },
    )


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="session")
def sam_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SAM in the format of transformers."""
    transformers = pytest.importorskip("transformers")
    model = transformers.SamModel(tiny_sam_config())
    stir(model)
    folder = tmp_path_factory.mktemp("sam")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def sam2_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SAM 2 in the format of transformers."""
    transformers = pytest.importorskip("transformers")
    model = transformers.Sam2Model(tiny_sam2_config())
    stir(model, 1)
    folder = tmp_path_factory.mktemp("sam2")
    model.save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def picture() -> Image:
    """A colour photograph that is not square and must be scaled."""
    rng = np.random.default_rng(3)
    rows, cols = np.mgrid[:90, :120]
    wave = 127 + 80 * np.sin(rows / 9) * np.cos(cols / 7)
    planes = [np.clip(wave + rng.normal(0, 25, wave.shape), 0, 255) for _ in range(3)]
    return Image(np.stack(planes).astype(np.uint8), "CYX", channels=("red", "green", "blue"))


@pytest.fixture(scope="session")
def cases() -> dict[str, Prompts]:
    """One prompt of each kind."""
    box = (12.0, 20.0, 60.0, 95.0)
    one, signs = np.array([[40.0, 50.0]]), np.array([True])
    many = np.array([[40.0, 50.0], [70.0, 20.0], [30.0, 80.0]])
    return {
        "point": Prompts(one, signs),
        "points": Prompts(many, np.array([True, False, True])),
        "box": Prompts(box=box),
        "both": Prompts(many, np.array([True, False, True]), box),
    }


@pytest.fixture(scope="session")
def original_sam() -> Any:
    """A small SAM of the original package with random weights."""
    pytest.importorskip("segment_anything")
    from functools import partial

    from segment_anything.modeling import (
        ImageEncoderViT,
        MaskDecoder,
        PromptEncoder,
        Sam,
        TwoWayTransformer,
    )

    torch.manual_seed(0)
    encoder = ImageEncoderViT(
        img_size=64,
        patch_size=8,
        embed_dim=32,
        depth=3,
        num_heads=2,
        out_chans=32,
        use_rel_pos=True,
        window_size=3,
        global_attn_indexes=(1,),
        norm_layer=partial(torch.nn.LayerNorm, eps=1e-6),
    )
    prompts = PromptEncoder(
        embed_dim=32, image_embedding_size=(8, 8), input_image_size=(64, 64), mask_in_chans=8
    )
    transformer = TwoWayTransformer(depth=2, embedding_dim=32, mlp_dim=64, num_heads=8)
    decoder = MaskDecoder(transformer_dim=32, transformer=transformer, iou_head_hidden_dim=16)
    whole = Sam(encoder, prompts, decoder).eval()
    stir(whole)
    return whole
