"""Global attention of SAM's image encoder, head by head.

The encoder of `transformers` lays out the relative positions of all heads at once: 12 maps of
4096 x 4096 weights, three times over, for ViT-B. One head after the other gives the same numbers
in a twelfth of that memory.
"""

from __future__ import annotations

from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F


def attend_by_head(model: Any) -> None:
    """Let the global layers of a ``SamModel`` work head by head; others are left as they are."""
    for layer in getattr(model.vision_encoder, "layers", ()):
        if layer.window_size == 0 and hasattr(layer.attn, "get_decomposed_rel_pos"):
            layer.attn.forward = partial(_forward, layer.attn)


def _forward(attention: Any, hidden_states: Tensor, **_: Any) -> tuple[Tensor, None]:
    """As ``SamVisionSdpaAttention.forward``, for one head at a time."""
    count, rows, cols, _width = hidden_states.shape
    heads, size = attention.num_attention_heads, (rows, cols)
    whole = attention.qkv(hidden_states).reshape(count, rows * cols, 3, heads, -1)
    found = []
    for head in range(heads):
        query, key, value = (part.contiguous() for part in whole[:, :, :, head].unbind(2))
        bias = None
        if attention.use_rel_pos:
            bias = attention.get_decomposed_rel_pos(
                query, attention.rel_pos_h, attention.rel_pos_w, size, size
            ).reshape(count, 1, rows * cols, rows * cols)
        alone = F.scaled_dot_product_attention(
            query[:, None], key[:, None], value[:, None], attn_mask=bias
        )
        found.append(alone[:, 0])
    joined = torch.cat(found, dim=-1).reshape(count, rows, cols, -1)
    return attention.proj(joined), None
