"""Attention between the few tokens of a prompt and the many pixels of an embedding.

``q (K W)^T = (q W^T) K^T``: projecting the tokens instead of the pixels takes less than half of
the work as long as a prompt has fewer than about sixteen tokens.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor


def among(attention: Any, asked: Tensor, queries: Tensor) -> Tensor:
    """Tokens of each prompt attend to each other."""
    return attention(query=asked[None], key=asked[None], value=queries[None])[0][0]


def look_shared(attention: Any, asked: Tensor, key: Tensor, value: Tensor) -> Tensor:
    """Tokens attend to pixels that are the same for all prompts."""
    count, length, _ = asked.shape
    query = heads(attention.q_proj(asked).flatten(0, 1), attention)
    weight = torch.softmax(query @ key.transpose(1, 2) * attention.scaling, dim=-1)
    found = (weight @ value).transpose(0, 1).reshape(count, length, -1)
    return _out(attention)(found)


def look(attention: Any, asked: Tensor, placed: Tensor, pixels: Tensor) -> Tensor:
    """Tokens attend to the pixels of their own prompt.

    The bias of the keys adds the same to all scores of a token and leaves its softmax as it is.
    """
    count, length, _ = asked.shape
    number = attention.num_attention_heads
    query = attention.q_proj(asked).unflatten(-1, (number, -1))
    to_key = attention.k_proj.weight.unflatten(0, (number, -1))
    query = torch.einsum("nthd,hdc->nhtc", query, to_key).flatten(1, 2) * attention.scaling
    weight = torch.softmax(torch.bmm(query, placed.transpose(1, 2)), dim=-1)
    seen = torch.bmm(weight, pixels).unflatten(1, (number, length))
    to_value = attention.v_proj.weight.unflatten(0, (number, -1))
    found = torch.einsum("nhtc,hdc->nthd", seen, to_value).reshape(count, length, -1)
    return _out(attention)(found + attention.v_proj.bias)


def answer(
    attention: Any, asked: Tensor, queries: Tensor, shared: Tensor | None, placed: Tensor
) -> Tensor:
    """Pixels attend to the tokens of their prompt, (prompt, pixel, channel)."""
    count, length, _ = asked.shape
    number = attention.num_attention_heads
    key = attention.k_proj(asked).unflatten(-1, (number, -1)) * attention.scaling
    # Scores are (prompt, head, token, pixel): a softmax over the few tokens runs along pixels.
    if shared is not None:
        flat = key.permute(2, 0, 1, 3).flatten(1, 2)
        score = (flat @ shared.transpose(1, 2)).unflatten(1, (count, length)).transpose(0, 1)
    else:
        to_query = attention.q_proj.weight.unflatten(0, (number, -1))
        through = torch.einsum("nthd,hdc->nhtc", key, to_query).flatten(1, 2)
        shift = torch.einsum("nthd,hd->nht", key, attention.q_proj.bias.unflatten(0, (number, -1)))
        score = torch.baddbmm(shift.reshape(count, -1, 1), through, placed.transpose(1, 2))
        score = score.unflatten(1, (number, length))
    weight = torch.softmax(score, dim=2).flatten(1, 2).transpose(1, 2)
    out = _out(attention)
    value = attention.v_proj(queries).unflatten(-1, (number, -1))
    to_out = out.weight.unflatten(1, (number, -1))
    through = torch.einsum("nthd,chd->nhtc", value, to_out).flatten(1, 2)
    return torch.baddbmm(out.bias.to(weight.dtype), weight, through)


def _out(attention: Any) -> Any:
    return attention.out_proj if hasattr(attention, "out_proj") else attention.o_proj


def heads(x: Tensor, attention: Any) -> Tensor:
    """(pixel, channel) to (head, pixel, depth)."""
    return x.unflatten(-1, (attention.num_attention_heads, -1)).transpose(0, 1).contiguous()
