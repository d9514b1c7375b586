"""A SAM or SAM 2 of `transformers` with what the rest needs to know of it."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from cellwright.device import resolve
from cellwright.label.sam.decode import Prepared, decode, draw, prepare
from cellwright.label.sam.encoder import attend_by_head
from cellwright.label.sam.precision import AT_ONCE, autocast, check_precision
from cellwright.label.sam.prompts import Group

#: which of the masks a prompt may mean is taken; numbers go from part to whole
CHOICES = ("auto", "best", "single", 0, 1, 2)
Choice = str | int


class Network:
    """Image encoder, prompt encoder and mask decoder on a device.

    Parameters
    ----------
    model
        A ``SamModel`` or ``Sam2Model`` in float32.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"``, ``"mps"`` ...
    precision
        Of matrix products: ``"float32"``, ``"bfloat16"`` or, on an accelerator, ``"float16"``.
    """

    def __init__(self, model: Any, *, device: str = "auto", precision: str = "float32") -> None:
        self.device = torch.device(resolve(device))
        check_precision(precision, self.device)
        self.precision = precision
        self.model = model.to(self.device).eval()
        attend_by_head(self.model)
        self.square = model.config.model_type != "sam"
        self.side = int(model.config.prompt_encoder_config.image_size)
        rows, cols = model.prompt_encoder.image_embedding_size
        self.low = (4 * int(rows), 4 * int(cols))
        self.at_once = AT_ONCE.get(self.device.type, 2)

    @cached_property
    def digest(self) -> str:
        """SHA-256 of the weights and of what else decides on the results."""
        found = hashlib.sha256()
        facts = (self.side, self.low, self.square, self.precision)
        found.update(repr(facts).encode())
        for name, value in sorted(self.model.state_dict().items()):
            found.update(f"{name}{tuple(value.shape)}".encode())
            found.update(memoryview(value.detach().float().cpu().contiguous().numpy()).cast("B"))
        return found.hexdigest()

    def embed(self, pixels: Tensor) -> tuple[Tensor, ...]:
        """Features of a normalised (1, 3, side, side) input, on the CPU, in float32."""
        with torch.inference_mode(), autocast(self.device, self.precision):
            found = self.model.get_image_embeddings(pixels.to(self.device))
        maps = found if isinstance(found, list | tuple) else [found]
        return tuple(m.float().cpu().contiguous().clone() for m in maps)

    def decode(
        self, features: tuple[Tensor, ...], groups: Iterable[Group], choice: Choice | None
    ) -> Iterator[tuple[int, Tensor, Tensor]]:
        """Masks of prompts of one image.

        Parameters
        ----------
        features
            From `embed`.
        groups
            Prompts as inputs of the network.
        choice
            One of `CHOICES`; None for all masks but the single one.

        Yields
        ------
        tuple
            The prompt's place, its (mask, row, column) low-resolution logits and its (mask,)
            predicted IoU, on the CPU.
        """
        with torch.inference_mode(), autocast(self.device, self.precision):
            image = prepare(self.model, tuple(f.to(self.device) for f in features))
        for group in groups:
            with torch.inference_mode(), autocast(self.device, self.precision):
                low, scores = self._decode_group(image, group, choice)
                low, scores = low.cpu(), scores.cpu()
            yield from zip(group.index, low, scores, strict=True)

    def _decode_group(
        self, image: Prepared, group: Group, choice: Choice | None
    ) -> tuple[Tensor, Tensor]:
        sparse, dense = self._prompt_tokens(group)
        weights, scores, pixels = decode(self.model, image, sparse, dense)
        if choice == "auto":
            ambiguous = group.boxes is None and group.masks is None
            one = group.points is not None and group.points.shape[2] == 1
            choice = "best" if ambiguous and one else "single"
        if choice is None:
            return draw(self.model, image, pixels, weights[:, 1:]), scores[:, 1:]
        rows = torch.arange(len(scores), device=scores.device)
        best = scores[:, 1:].argmax(dim=1) + 1
        if choice == "single" and getattr(
            self.model.mask_decoder, "dynamic_multimask_via_stability", False
        ):
            both = torch.stack([weights[:, 0], weights[rows, best]], dim=1)
            low = draw(self.model, image, pixels, both)
            taken = (~self._is_stable(low[:, 0])).long()
            return low[rows, taken][:, None], scores[rows, best * taken][:, None]
        if choice == "best":
            taken = best
        else:
            taken = torch.full_like(best, 0 if choice == "single" else int(choice) + 1)
        low = draw(self.model, image, pixels, weights[rows, taken][:, None])
        return low, scores[rows, taken][:, None]

    def _is_stable(self, low: Tensor) -> Tensor:
        """SAM 2 takes the best of its other masks where the single one hangs on a hair."""
        head = self.model.mask_decoder
        delta = head.dynamic_multimask_stability_delta
        inner = (low > delta).flatten(1).sum(dim=1)
        outer = (low > -delta).flatten(1).sum(dim=1)
        stability = torch.where(outer > 0, inner / outer.clamp(min=1), 1.0)
        return stability >= head.dynamic_multimask_stability_thresh

    def _prompt_tokens(self, group: Group) -> tuple[Tensor | None, Tensor | None]:
        """Tokens of points and boxes and maps of masks; coordinates stay in float32."""

        def there(x: Tensor | None) -> Tensor | None:
            return (
                None if x is None else (x.float() if x.is_floating_point() else x).to(self.device)
            )

        points, labels, boxes, masks = map(
            there, (group.points, group.labels, group.boxes, group.masks)
        )
        if self.square and points is None and boxes is None:
            points = torch.zeros(1, len(group.index), 1, 2, device=self.device)
            labels = -torch.ones(1, len(group.index), 1, dtype=torch.int64, device=self.device)
        with torch.autocast(self.device.type, enabled=False):
            sparse, dense = self.model.prompt_encoder(points, labels, boxes, masks)
        return None if sparse is None else sparse[0], None if masks is None else dense
