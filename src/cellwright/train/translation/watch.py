"""What a translator makes of held-out crops while it learns: FID and L1."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from cellwright.evaluate.frechet import frechet
from cellwright.train.translation.pairs import Pairs, fixed_crops
from cellwright.types import Image, InputError
from cellwright.zoo.feature_networks import feature_network
from cellwright.zoo.image_distance import CROP, crop_features, plane_bounds

#: pixels of the held-out frames looked at, at most
WATCHED_PIXELS = 2**22


class HeldOut:
    """Held-out crops with the features of their real targets, which are computed once.

    Parameters
    ----------
    pairs
        Held-out frames.
    size
        Rows and columns of a crop: those of training.
    features
        Name of the feature network.
    seed
        Of the noise.
    """

    def __init__(self, pairs: Pairs, size: tuple[int, int], *, features: str, seed: int) -> None:
        most = max(4, WATCHED_PIXELS // (size[0] * size[1]))
        self.crops = fixed_crops(pairs, size, most=most)
        self.seed = seed
        self.network = feature_network(features)
        self._crop = min(CROP, *size)
        real = [_image(target) for _, target in self.crops]
        self._bounds = plane_bounds(real)
        self._real = self._features(real)
        if len(self._real) < 2:
            raise InputError(
                "the held-out images give one crop, and FID needs two at least: hold out more "
                "(--val-fraction, --val), or take a smaller --crop"
            )

    def read(self, net: torch.nn.Module, device: str) -> dict[str, float]:
        """``fid`` and ``l1`` (mean absolute difference in [-1, 1]) of the net as it stands."""
        made = self.translated(net, device)
        l1 = np.mean(
            [float((m - t).abs().mean()) for m, (_, t) in zip(made, self.crops, strict=True)]
        )
        distance = frechet(self._real, self._features([_image(m) for m in made]))
        return {"fid": distance, "l1": float(l1)}

    @torch.no_grad()
    def translated(
        self, net: torch.nn.Module, device: str, count: int | None = None
    ) -> list[Tensor]:
        """The first `count` crops as the net makes them, with statistics as when it is used.

        Torch's random numbers are left as they were, and so is the mode of the net.
        """
        training = net.training
        net.eval()
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.seed)
            made = [net(s[None].to(device))[0].cpu() for s, _ in self.crops[:count]]
        net.train(training)
        return made

    def _features(self, images: list[Image]) -> np.ndarray:
        return crop_features(images, self.network, bounds=self._bounds, crop=self._crop)


def _image(planes: Tensor) -> Image:
    return Image(planes.numpy(), "CYX")
