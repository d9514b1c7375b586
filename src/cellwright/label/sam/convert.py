"""Checkpoints in the original format of segment-anything, as micro-SAM writes them too.

The names of the weights tell the architecture: its sizes are read from their shapes, the keys
are renamed to those of ``SamModel``, and nothing may be missing or left over.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from cellwright.types import InputError

#: parts of keys, in order: original, `transformers`
RENAMED = (
    (r"^image_encoder\.", "vision_encoder."),
    (r"\.patch_embed\.proj\.", ".patch_embed.projection."),
    (r"\.blocks\.", ".layers."),
    (r"\.neck\.0\.", ".neck.conv1."),
    (r"\.neck\.1\.", ".neck.layer_norm1."),
    (r"\.neck\.2\.", ".neck.conv2."),
    (r"\.neck\.3\.", ".neck.layer_norm2."),
    (r"\.norm(\d)\.", r".layer_norm\1."),
    (r"\.norm_final_attn\.", ".layer_norm_final_attn."),
    (r"\.point_embeddings\.", ".point_embed."),
    (r"\.pe_layer\.positional_encoding_gaussian_matrix$", ".shared_embedding.positional_embedding"),
    (r"\.mask_downscaling\.0\.", ".mask_embed.conv1."),
    (r"\.mask_downscaling\.1\.", ".mask_embed.layer_norm1."),
    (r"\.mask_downscaling\.3\.", ".mask_embed.conv2."),
    (r"\.mask_downscaling\.4\.", ".mask_embed.layer_norm2."),
    (r"\.mask_downscaling\.6\.", ".mask_embed.conv3."),
    (r"\.output_upscaling\.0\.", ".upscale_conv1."),
    (r"\.output_upscaling\.1\.", ".upscale_layer_norm."),
    (r"\.output_upscaling\.3\.", ".upscale_conv2."),
)
HEADS = re.compile(r"(output_hypernetworks_mlps\.\d+|iou_prediction_head)\.layers\.(\d+)\.")
POSITION = "prompt_encoder.shared_embedding.positional_embedding"
TIED = "shared_image_embedding.positional_embedding"


def read_state(path: Path) -> dict[str, Tensor]:
    """Weights of a ``.safetensors`` or torch file; nothing else in it is ever unpickled.

    Raises
    ------
    InputError
        If the file is damaged, or holds more than tensors and plain values.
    """
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            found: Any = load_file(path)
        else:
            found = torch.load(path, map_location="cpu", weights_only=True)
    except Exception as error:
        raise InputError(
            f"{path} cannot be read as weights ({type(error).__name__}): it is damaged or holds "
            "Python objects, which are not loaded; export the plain weights as .pt or .safetensors"
        ) from error
    for inner in ("model_state", "model", "state_dict"):
        if isinstance(found, Mapping) and isinstance(found.get(inner), Mapping):
            found = found[inner]
    if not isinstance(found, Mapping) or not found:
        raise InputError(f"{path} holds no weights by name; give a checkpoint of SAM")
    state = {str(k): v for k, v in found.items() if isinstance(v, Tensor)}
    for prefix in ("sam.", "module."):
        if all(k.startswith(prefix) for k in state):
            state = {k.removeprefix(prefix): v for k, v in state.items()}
    return state


def load_original(path: Path) -> Any:
    """A ``SamModel`` with the weights of an original-format checkpoint, on the CPU, in float32.

    Raises
    ------
    InputError
        If it is no SAM checkpoint, of another network, or if keys are missing or left over.
    """
    from transformers import SamModel

    state = read_state(path)
    if "image_encoder.patch_embed.proj.weight" not in state:
        raise InputError(
            f"{path} is no checkpoint of SAM with a ViT-B, L or H encoder (its first key is "
            f"{next(iter(state), 'none')!r}); SAM 2 is read from a folder in the format of "
            "transformers, MobileSAM not at all"
        )
    config = infer_config(state, path)
    renamed = {new_key(key): value.float() for key, value in state.items()}
    if POSITION in renamed:
        renamed[TIED] = renamed[POSITION]
    with torch.device("meta"):
        model = SamModel(config)
    expected = {k: v.shape for k, v in model.state_dict().items()}
    missing, unexpected = sorted(expected.keys() - renamed), sorted(renamed.keys() - expected)
    wrong = [k for k in expected.keys() & renamed.keys() if expected[k] != renamed[k].shape]
    if missing or unexpected or wrong:
        raise InputError(
            f"{path} does not fit SAM: {len(missing)} weights are missing {missing[:2]}, "
            f"{len(unexpected)} are unknown {unexpected[:2]}, {len(wrong)} of another size "
            f"{wrong[:2]}"
        )
    model.load_state_dict(renamed, strict=True, assign=True)
    return model.eval()


def new_key(key: str) -> str:
    """The name in ``SamModel`` of a weight with the original name `key`."""
    for old, new in RENAMED:
        key = re.sub(old, new, key)
    found = HEADS.search(key)
    if found:
        place = ("proj_in", "layers.0", "proj_out")[min(int(found[2]), 2)]
        key = f"{key[: found.end(1)]}.{place}.{key[found.end() :]}"
    return key


def infer_config(state: Mapping[str, Tensor], path: Path) -> Any:
    """The ``SamConfig`` whose network the weights belong to."""
    from transformers import SamConfig

    try:
        return SamConfig(**_sizes(state))
    except (KeyError, ValueError, ZeroDivisionError) as error:
        raise InputError(f"{path} lacks a weight that every SAM has: {error}") from error


def _sizes(state: Mapping[str, Tensor]) -> dict[str, Any]:
    block = "image_encoder.blocks.{}.{}"
    width, _, patch, _ = state["image_encoder.patch_embed.proj.weight"].shape
    depth = 1 + max(int(k.split(".")[2]) for k in state if k.startswith("image_encoder.blocks."))
    grid = state["image_encoder.pos_embed"].shape[1]
    spans = [state[block.format(i, "attn.rel_pos_h")].shape[0] for i in range(depth)]
    across = 2 * grid - 1
    local = [(s + 1) // 2 for s in spans if s != across]
    head = state[block.format(0, "attn.rel_pos_h")].shape[1]
    hidden = state["mask_decoder.iou_token.weight"].shape[1]
    layers = "mask_decoder.transformer.layers."
    toward = state[f"{layers}0.cross_attn_token_to_image.q_proj.weight"].shape[0]
    image_size = grid * patch
    return {
        "vision_config": {
            "hidden_size": width,
            "output_channels": state["image_encoder.neck.0.weight"].shape[0],
            "num_hidden_layers": depth,
            "num_attention_heads": width // head,
            "image_size": image_size,
            "patch_size": patch,
            "qkv_bias": block.format(0, "attn.qkv.bias") in state,
            "mlp_dim": state[block.format(0, "mlp.lin1.weight")].shape[0],
            "window_size": local[0] if local else 14,
            "global_attn_indexes": [i for i, s in enumerate(spans) if s == across],
            "num_pos_feats": hidden // 2,
        },
        "prompt_encoder_config": {
            "hidden_size": hidden,
            "image_size": image_size,
            "patch_size": patch,
            "mask_input_channels": state["prompt_encoder.mask_downscaling.3.weight"].shape[0],
        },
        "mask_decoder_config": {
            "hidden_size": hidden,
            "mlp_dim": state[f"{layers}0.mlp.lin1.weight"].shape[0],
            "num_hidden_layers": 1
            + max(int(k.split(".")[3]) for k in state if k.startswith(layers)),
            "attention_downsample_rate": hidden // toward,
            "num_multimask_outputs": state["mask_decoder.mask_tokens.weight"].shape[0] - 1,
            "iou_head_hidden_dim": state["mask_decoder.iou_prediction_head.layers.0.weight"].shape[
                0
            ],
            "layer_norm_eps": 1e-5,
        },
    }
