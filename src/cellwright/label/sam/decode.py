"""The mask decoder for many prompts of one image.

Source: Kirillov et al. 2023, "Segment Anything", appendix A, and Ravi et al. 2024, "SAM 2".
The weights are those of the decoder in `transformers`; the arithmetic is arranged anew, with
the same results up to rounding:

- What the first layer computes from the image alone is computed once, not once per prompt.
- Attention between few tokens and the many pixels of the embedding goes through the tokens:
  ``q (K W)^T = (q W^T) K^T``, so that the pixels are not projected for each prompt.
- The predicted IoU is known before any mask is drawn, so that only the masks asked for are.
- Transposed convolutions of stride 2 with kernel 2 are matrix products per pixel; no map is
  laid out as an image before the last one, which is small.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional as F

from cellwright.label.sam.attention import among, answer, heads, look, look_shared


@dataclass(frozen=True, slots=True)
class Prepared:
    """What the decoder needs of one image, for any number of prompts.

    Parameters
    ----------
    image
        (pixel, channel) embedding without a prompt's mask.
    position
        (pixel, channel) positional encoding.
    key, value, query
        (head, pixel, depth) projections of the first layer for `image` plus the embedding of
        "no mask", used by all prompts that bring no mask.
    size
        Rows and columns of the embedding.
    fine
        Features of SAM 2 at two and four times that size, (pixel, 4, channel) and
        (pixel, 4, 4, channel); empty for SAM.
    """

    image: Tensor
    position: Tensor
    key: Tensor
    value: Tensor
    query: Tensor
    size: tuple[int, int]
    fine: tuple[Tensor, ...]


def prepare(model: Any, features: tuple[Tensor, ...]) -> Prepared:
    """Everything that does not depend on a prompt.

    Parameters
    ----------
    model
        A ``SamModel`` or ``Sam2Model``.
    features
        Image features, the last (1, channel, row, column) the embedding, those before it the
        finer ones of SAM 2.
    """
    rows, cols = features[-1].shape[-2:]
    image = _flat(features[-1])[0]
    position = _flat(model.get_image_wide_positional_embeddings().to(image.device))[0]
    plain = image + model.prompt_encoder.no_mask_embed.weight
    layer = model.mask_decoder.transformer.layers[0]
    toward, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
    fine = tuple(_blocks(f, (rows, cols)) for f in reversed(features[:-1]))
    return Prepared(
        image,
        position,
        heads(toward.k_proj(plain + position), toward),
        heads(toward.v_proj(plain), toward),
        heads(back.q_proj(plain + position), back),
        (rows, cols),
        fine,
    )


def decode(
    model: Any, image: Prepared, sparse: Tensor | None, dense: Tensor | None
) -> tuple[Tensor, Tensor, Tensor]:
    """Tokens and pixels after the two-way transformer.

    Parameters
    ----------
    model
        A ``SamModel`` or ``Sam2Model``.
    image
        The prepared image.
    sparse
        (prompt, token, channel) embeddings of points and boxes; None where there are none.
    dense
        (prompt, channel, row, column) embeddings of earlier masks; None where there are none.

    Returns
    -------
    masks
        (prompt, mask, depth) weights of each mask; the first is the single mask.
    scores
        (prompt, mask) predicted IoU.
    pixels
        (prompt, pixel, channel), for `draw`.
    """
    head = model.mask_decoder
    own = [head.iou_token.weight, head.mask_tokens.weight]
    first = 0
    if hasattr(head, "obj_score_token"):
        own, first = [head.obj_score_token.weight, *own], 1
    count = len(sparse) if sparse is not None else len(dense) if dense is not None else 1
    tokens = torch.cat(own).expand(count, -1, -1)
    if sparse is not None:
        tokens = torch.cat([tokens, sparse.to(tokens.dtype)], dim=1)
    queries, pixels = _two_way(head.transformer, image, tokens, dense, model)
    scores = head.iou_prediction_head(queries[:, first])
    outs = queries[:, first + 1 : first + 1 + head.num_mask_tokens]
    mlps = head.output_hypernetworks_mlps
    weights = torch.stack([mlp(outs[:, i]) for i, mlp in enumerate(mlps)], dim=1)
    return weights, scores.float(), pixels


def draw(model: Any, image: Prepared, pixels: Tensor, weights: Tensor) -> Tensor:
    """Low-resolution logits, (prompt, mask, 4 row, 4 column), of the masks asked for.

    Parameters
    ----------
    model
        A ``SamModel`` or ``Sam2Model``.
    image
        The prepared image.
    pixels
        (prompt, pixel, channel) from `decode`.
    weights
        (prompt, mask, depth): those of the weights of `decode` whose masks are wanted.
    """
    head = model.mask_decoder
    count, number = weights.shape[:2]
    up = _spread(pixels, head.upscale_conv1)
    if image.fine:
        up = up + image.fine[0]
    norm = head.upscale_layer_norm
    up = head.activation(F.layer_norm(up, norm.normalized_shape, norm.weight, norm.bias, norm.eps))
    up = _spread(up, head.upscale_conv2)
    if image.fine:
        up = up + image.fine[1]
    up = head.activation(up).reshape(count, -1, up.shape[-1])
    logits = torch.bmm(weights.to(up.dtype), up.transpose(1, 2)).float()
    rows, cols = image.size
    logits = logits.reshape(count, number, rows, cols, 2, 2, 2, 2)
    return logits.permute(0, 1, 2, 4, 6, 3, 5, 7).reshape(count, number, 4 * rows, 4 * cols)


def _two_way(
    transformer: Any, image: Prepared, tokens: Tensor, dense: Tensor | None, model: Any
) -> tuple[Tensor, Tensor]:
    queries = tokens
    shared = dense is None
    pixels: Tensor
    if shared:
        pixels = (image.image + model.prompt_encoder.no_mask_embed.weight)[None]
    else:
        pixels = image.image + _flat(dense)
    for index, layer in enumerate(transformer.layers):
        if layer.skip_first_layer_pe:
            queries = among(layer.self_attn, queries, queries)
        else:
            asked = queries + tokens
            queries = queries + among(layer.self_attn, asked, queries)
        queries = layer.layer_norm1(queries)
        toward, back = layer.cross_attn_token_to_image, layer.cross_attn_image_to_token
        first = shared and index == 0
        placed = pixels if first else pixels + image.position
        asked = queries + tokens
        if first:
            found = look_shared(toward, asked, image.key, image.value)
        else:
            found = look(toward, asked, placed, pixels)
        queries = layer.layer_norm2(queries + found)
        queries = layer.layer_norm3(queries + layer.mlp(queries))
        asked = queries + tokens
        told = answer(back, asked, queries, image.query if first else None, placed)
        pixels = layer.layer_norm4(told.add_(pixels))
    asked = queries + tokens
    last = transformer.final_attn_token_to_image
    queries = queries + look(last, asked, pixels + image.position, pixels)
    return transformer.layer_norm_final_attn(queries), pixels


def _flat(x: Tensor) -> Tensor:
    """(prompt, channel, row, column) to (prompt, pixel, channel)."""
    return x.flatten(2).transpose(1, 2).contiguous()


def _spread(x: Tensor, convolution: Any) -> Tensor:
    """A transposed convolution of kernel 2 and stride 2: (..., channel) to (..., 4, channel)."""
    weight = convolution.weight.permute(2, 3, 1, 0).flatten(0, 2)
    return F.linear(x, weight, convolution.bias.repeat(4)).unflatten(-1, (4, -1))


def _blocks(x: Tensor, size: tuple[int, int]) -> Tensor:
    """A finer (1, channel, row, column) map in the order of `draw`: (pixel, 4[, 4], channel)."""
    channels = x.shape[1]
    (rows, cols), times = size, x.shape[-1] // size[1]
    if times == 2:
        return x.reshape(channels, rows, 2, cols, 2).permute(1, 3, 2, 4, 0).reshape(-1, 4, channels)
    parts = x.reshape(channels, rows, 2, 2, cols, 2, 2).permute(1, 4, 2, 5, 3, 6, 0)
    return parts.reshape(rows * cols, 4, 4, channels)
