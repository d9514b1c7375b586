"""In which precision SAM computes, and how many prompts at once."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch

from cellwright.types import InputError

PRECISIONS = {
    "float32": torch.float32,
    "bfloat16": torch.bfloat16,
    "float16": torch.float16,
}
#: prompts decoded at once: on a processor what stays in its cache, on an accelerator what fills it
AT_ONCE = {"cpu": 2, "cuda": 64, "mps": 16}


def check_precision(precision: str, device: torch.device) -> None:
    """Refuse a precision that is unknown or that `device` does not compute in."""
    if precision not in PRECISIONS:
        raise InputError(f"precision {precision!r} is unknown; there are {', '.join(PRECISIONS)}")
    if precision == "float16" and device.type == "cpu":
        raise InputError("processors do not compute SAM in float16; use bfloat16 or float32")


def autocast(device: torch.device, precision: str) -> AbstractContextManager[object]:
    """Matrix products in `precision`; weights, coordinates and results stay in float32."""
    if precision == "float32":
        return nullcontext()
    return torch.autocast(device.type, dtype=PRECISIONS[precision])
