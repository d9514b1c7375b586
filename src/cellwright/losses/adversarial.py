"""Losses of image translation: the conditional GAN with L1, and the autoencoder's.

Sources: Isola et al. 2017, arXiv 1611.07004, Eqs 1-4 with the generator's loss in the form that
does not saturate; Prytula 2023 (P4), sections 4.4.2 and 5.6.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional


def discriminator_loss(real: Tensor, made: Tensor) -> Tensor:
    """Half the binary cross-entropy of both kinds of logits, a scalar.

    Parameters
    ----------
    real, made
        Logits of patches of real pictures and of those made by the generator.
    """
    right = functional.binary_cross_entropy_with_logits(real, torch.ones_like(real))
    wrong = functional.binary_cross_entropy_with_logits(made, torch.zeros_like(made))
    return (right + wrong) / 2


def generator_losses(
    judged: Tensor, made: Tensor, wanted: Tensor, *, l1_weight: float = 100.0
) -> dict[str, Tensor]:
    """What the generator lowers, ``loss``, and its parts ``gan`` and ``l1``.

    Parameters
    ----------
    judged
        Logits of the discriminator for `made`.
    made, wanted
        (image, channel, row, column) in [-1, 1].
    l1_weight
        Weight of the mean absolute difference (Isola 2017: 100).
    """
    gan = functional.binary_cross_entropy_with_logits(judged, torch.ones_like(judged))
    l1 = functional.l1_loss(made, wanted)
    return {"loss": gan + l1_weight * l1, "gan": gan, "l1": l1}


def autoencoder_losses(logits: Tensor, wanted: Tensor) -> dict[str, Tensor]:
    """Mean-square error plus binary cross-entropy (P4, 5.6), ``loss`` and its parts.

    Parameters
    ----------
    logits
        (image, channel, row, column); their sigmoid is the intensity from 0 to 1.
    wanted
        The same shape, in [-1, 1], as of `generator_losses`.
    """
    share = (wanted + 1) / 2
    seen = torch.sigmoid(logits)
    mse = functional.mse_loss(seen, share)
    bce = functional.binary_cross_entropy_with_logits(logits, share)
    l1 = functional.l1_loss(2 * seen - 1, wanted)
    return {"loss": mse + bce, "mse": mse, "bce": bce, "l1": l1.detach()}
