"""Which device computes, and in which precision."""

from __future__ import annotations

import torch

from cellwright.types import InputError


def resolve(device: str) -> str:
    """The device meant by `device`; ``auto`` is the first accelerator, else the CPU.

    Raises
    ------
    InputError
        If the device is unknown or not there.
    """
    if device == "auto":
        if torch.cuda.is_available():
            return "cuda"
        return "mps" if torch.backends.mps.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda", "mps") or (number and not number.isdigit()):
        raise InputError(f"there is no device {device!r}; known are auto, cpu, cuda, cuda:N, mps")
    if kind == "cuda" and (
        not torch.cuda.is_available() or int(number or 0) >= torch.cuda.device_count()
    ):
        raise InputError(
            f"device {device!r} is not there: this torch sees {torch.cuda.device_count()} CUDA "
            "devices; use --device cpu, or install a torch build for your driver"
        )
    if kind == "mps" and not torch.backends.mps.is_available():
        raise InputError("device 'mps' is not there; use --device cpu")
    return device


def computes_in_half(device: str) -> bool:
    """Whether `device` computes in bfloat16 natively (CUDA; CPUs with AVX-512 BF16 or AMX)."""
    kind = torch.device(device).type
    if kind == "cuda":
        return bool(torch.cuda.is_bf16_supported())
    if kind == "cpu":
        return bool(torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported())
    return False
