"""The builders of SparseSEU-Net (P4 4.5, 5.7) and its variants."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

from cellwright.codecs.overlap_queries import OverlapQueryCodec
from cellwright.codecs.queries import QueryCodec
from cellwright.losses.query import SparseCriterion
from cellwright.nets.sparse_unet import SparseUNet
from cellwright.types import InputError
from cellwright.zoo.entry import COMPACT, MethodEntry
from cellwright.zoo.instance import QueryMethod

_PAPER = "Prytula 2023 (P4) 4.5, after SparseInst (arXiv 2203.12827)"
#: P4 trains AdamW at 5e-5 with a decay of 0.005 for 2000 epochs: that is in its recipe.
_TRAINING: dict[str, Any] = {
    "optimizer": "adamw",
    "learning_rate": 1e-3,
    "weight_decay": 0.005,
    "schedule": "one-cycle",
    "batch_size": 2,
    "crop": 256,
}


def sparse_seunet(
    *,
    inputs: int = 1,
    class_names: Sequence[str] = ("cell",),
    widths: Sequence[int] = COMPACT,
    queries: int = 100,
    branch: int = 64,
    features: int = 256,
    mask_stride: int = 4,
    multi_level: bool = False,
    overlap: bool = False,
    objectness: bool = False,
    activation: str = "sigmoid",
    normalise: bool = True,
    placed: bool = True,
    reduction: int = 16,
    balance: float = 0.8,
    weights: Mapping[str, float] | None = None,
    weighting: str = "none",
    likelihood: str = "v4",
    invert: bool = False,
) -> QueryMethod:
    """SparseSEU-Net; options as of `SparseUNet` and `SparseCriterion`.

    P4's own size: ``widths`` of 64 to 1024, ``branch=256``, ``mask_stride=1``. With `overlap`,
    `weighting` and `likelihood` are P4's weight maps (Table 5.9, last row); without a weighting
    no map is computed.
    """
    strides = [2**k for k in range(len(widths))]
    if mask_stride not in strides:
        raise InputError(
            f"mask_stride {mask_stride} came with {len(widths)} widths: choose one of {strides}"
        )
    if weighting != "none" and not overlap:
        raise InputError(f"weighting {weighting!r} came without overlap: ask for overlap=true")
    net = SparseUNet(
        inputs,
        classes=len(class_names),
        widths=tuple(widths),
        queries=queries,
        branch=branch,
        features=features,
        mask_stride=mask_stride,
        multi_level=multi_level,
        overlap=overlap,
        objectness=objectness,
        activation=activation,
        normalise=normalise,
        placed=placed,
        reduction=reduction,
    )
    criterion = SparseCriterion(
        stride=mask_stride, balance=balance, weights=weights, weighting=weighting, invert=invert
    )
    codec = QueryCodec(tuple(class_names), capacity=queries)
    if overlap:
        wanted = "none" if weighting == "none" else likelihood
        codec = OverlapQueryCodec(tuple(class_names), capacity=queries, likelihood=wanted)
    return QueryMethod(net, criterion=criterion, codec=codec)


ENTRIES: tuple[MethodEntry, ...] = (
    MethodEntry(
        "sparse-seunet",
        sparse_seunet,
        "SparseSEU-Net: 100 masks from instance activation maps; overlapping cells come out whole",
        _PAPER,
        _TRAINING,
    ),
    MethodEntry(
        "sparse-seunet-multilevel",
        partial(sparse_seunet, multi_level=True),
        "SparseSEU-Net with instance and mask branches at every level of its decoder",
        _PAPER,
        _TRAINING,
    ),
    MethodEntry(
        "sparse-seunet-overlap",
        partial(sparse_seunet, overlap=True),
        "SparseSEU-Net with a second decoder that learns where cells overlap",
        _PAPER,
        _TRAINING,
    ),
    MethodEntry(
        "sparse-seunet-objectness",
        partial(sparse_seunet, objectness=True),
        "SparseSEU-Net that estimates how good each of its masks is",
        _PAPER,
        _TRAINING,
    ),
)
