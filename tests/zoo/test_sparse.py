"""SparseSEU-Net as a method: variants, targets, prediction."""

import numpy as np
import pytest
import torch

from cellwright.types import InputError, Instances
from cellwright.zoo.sparse import ENTRIES

SMALL = {"widths": (4, 8, 8), "branch": 8, "features": 12, "queries": 6, "mask_stride": 2}
BUILD = {entry.name: entry.build for entry in ENTRIES}


def _batch(method, count=2, frame=(29, 35), step=2):
    disc = np.hypot(*np.mgrid[-4:5, -4:5]) <= 4
    boxes = [[2 + step * k, 3 + step * k, 11 + step * k, 12 + step * k] for k in range(count)]
    cells = Instances(frame, np.array(boxes, np.int64).reshape(-1, 4), (disc,) * count)
    some = method.codec.encode(cells)
    ragged = method.codec.ragged
    return torch.rand(2, 1, *frame), {
        k: [v, v] if k in ragged else torch.stack([v, v]) for k, v in some.items()
    }


@pytest.mark.parametrize("name", BUILD)
@pytest.mark.parametrize("count", [0, 1, 5, 9])
def test_losses_and_prediction_of_odd_sizes(name, count):
    torch.manual_seed(0)
    method = BUILD[name](**SMALL)
    images, targets = _batch(method, count)
    losses = method.losses(images, targets)
    total = sum(losses.values())
    assert torch.isfinite(total)
    total.backward()
    assert all(p.grad is not None for p in method.parameters())
    found = method.eval().predict(images)
    assert [f.shape for f in found] == [(29, 35)] * 2


def test_the_variants_differ_in_what_they_say():
    deep = {**SMALL, "widths": (4, 8, 8, 8)}
    assert len(BUILD["sparse-seunet-multilevel"](**deep).net.mask_branches) == 2
    assert len(BUILD["sparse-seunet"](**deep).net.mask_branches) == 1
    assert BUILD["sparse-seunet-overlap"](**SMALL).net.overlap_decoder is not None
    assert BUILD["sparse-seunet-objectness"](**SMALL).net.activation_maps.objectness is not None


def test_weight_maps_are_encoded_only_where_they_weigh():
    plain = BUILD["sparse-seunet-overlap"](**SMALL)
    weighed = BUILD["sparse-seunet-overlap"](**SMALL, weighting="map", likelihood="v4")
    assert set(_batch(plain)[1]) == {"boxes", "classes", "crops", "overlap"}
    images, targets = _batch(weighed)
    assert targets["likelihood"].shape == targets["overlap"].shape == (2, 1, 29, 35)
    assert float(targets["overlap"].sum()) > 0
    assert torch.isfinite(sum(weighed.losses(images, targets).values()))


def test_the_number_of_queries_is_the_capacity():
    assert BUILD["sparse-seunet"](**SMALL).codec.capacity == 6
    assert BUILD["sparse-seunet-overlap"](**SMALL).codec.capacity == 6


def test_options_that_make_no_sense_are_refused():
    with pytest.raises(InputError, match="mask_stride 8"):
        BUILD["sparse-seunet"](**{**SMALL, "mask_stride": 8})
    with pytest.raises(InputError, match="without overlap"):
        BUILD["sparse-seunet"](**SMALL, weighting="map")
    with pytest.raises(InputError, match="v9"):
        BUILD["sparse-seunet-overlap"](**SMALL, weighting="map", likelihood="v9")


def test_it_learns_two_cells_that_overlap():
    torch.manual_seed(0)
    method = BUILD["sparse-seunet"](
        widths=(8, 8, 16), branch=16, features=32, queries=8, mask_stride=2
    )
    images, targets = _batch(method, step=6)
    rows, cols = np.mgrid[:29, :35]
    for k in range(2):
        at = (rows - 6 - 6 * k) ** 2 + (cols - 7 - 6 * k) ** 2
        images[:, 0] += torch.from_numpy(np.exp(-at / 20)).float()
    optimiser = torch.optim.AdamW(method.parameters(), lr=5e-3)
    seen = []
    for _ in range(30):
        optimiser.zero_grad()
        losses = method.losses(images, targets)
        sum(losses.values()).backward()
        optimiser.step()
        seen.append(float(losses["dice"].detach()))
    assert seen[-1] < 0.6 * seen[0]
