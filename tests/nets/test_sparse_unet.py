"""SparseSEU-Net: shapes, parameters, activation maps, variants; the document's numbers."""

from pathlib import Path

import pytest
import torch

from cellwright.nets.instance_branches import ActivationMaps, Branch, with_coordinates, with_discs
from cellwright.nets.sparse_unet import SparseUNet

SMALL = {"widths": (4, 8, 8), "branch": 8, "features": 12, "queries": 7}
DOCUMENT = Path(__file__).parents[2] / "docs/networks/sparse_seunet.md"


def _parameters(net):
    return sum(p.numel() for p in net.parameters())


@pytest.mark.parametrize("stride", [1, 2, 4])
@pytest.mark.parametrize(
    "variant", [{}, {"multi_level": True}, {"overlap": True}, {"objectness": True}]
)
def test_outputs_and_gradients(stride, variant):
    torch.manual_seed(0)
    net = SparseUNet(2, classes=3, mask_stride=stride, **SMALL, **variant)
    assert net.stride == 4
    found = net(torch.rand(2, 2, 24, 32))
    frame = (24 // stride, 32 // stride)
    assert found["masks"].shape == (2, 7, *frame)
    assert found["classes"].shape == found["scores"].shape == (2, 7, 3)
    assert 0 <= float(found["scores"].min()) <= float(found["scores"].max()) <= 1
    assert ("overlap" in found) == ("overlap" in variant)
    assert ("objectness" in found) == ("objectness" in variant)
    if "overlap" in variant:
        assert found["overlap"].shape == (2, 1, *frame)
    sum(value.square().sum() for value in found.values()).backward()
    assert all(p.grad is not None for p in net.parameters())
    idle = [n for n, p in net.named_parameters() if not p.grad.abs().sum() > 0]
    # Of the four hidden units of a small squeeze-and-excitation all may be below zero.
    assert all(".excite." in name for name in idle)


def test_activation_maps_gather_the_mean_under_them():
    torch.manual_seed(1)
    head = ActivationMaps(3, queries=4, features=5, kernel=6, classes=1)
    x = torch.rand(1, 3, 5, 6)
    active = head.maps(x).sigmoid()[0]
    for n in range(4):
        wanted = (active[n] * x[0]).sum((1, 2)) / active[n].sum()
        torch.testing.assert_close(head.gather(x)[0, n], wanted)
    torch.testing.assert_close(head.gather(torch.full_like(x, 2.5)), torch.full((1, 4, 3), 2.5))


def test_softmax_maps_sum_to_one():
    head = ActivationMaps(3, queries=4, features=5, kernel=6, classes=1, activation="softmax")
    ones = torch.full((1, 3, 5, 6), 1.5)
    torch.testing.assert_close(head.gather(ones), torch.full((1, 4, 3), 1.5))


def test_gathering_is_float32_under_autocast():
    torch.manual_seed(2)
    net = SparseUNet(1, mask_stride=2, **SMALL).eval()
    x = torch.rand(1, 1, 16, 16)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = net(x)
    assert found["scores"].dtype == torch.float32
    torch.testing.assert_close(found["scores"], net(x)["scores"], atol=0.01, rtol=0.1)


def test_before_training_hardly_any_query_is_a_cell_and_queries_differ():
    torch.manual_seed(3)
    found = SparseUNet(1, mask_stride=2, widths=(8, 16, 16), branch=16, queries=50)(
        torch.rand(1, 1, 32, 32)
    )
    assert float(found["scores"].mean()) == pytest.approx(0.01, abs=0.005)
    assert float(found["masks"].std(dim=1).mean()) > 0


def test_objectness_makes_the_score_a_geometric_mean():
    torch.manual_seed(4)
    found = SparseUNet(1, mask_stride=2, objectness=True, **SMALL)(torch.rand(1, 1, 16, 16))
    sure = found["objectness"].sigmoid()[..., None]
    torch.testing.assert_close(found["scores"].square(), found["classes"].sigmoid() * sure)


def test_coordinates_run_from_minus_one_to_one():
    found = with_coordinates(torch.zeros(2, 1, 3, 5))
    assert found.shape == (2, 3, 3, 5)
    assert found[0, 0, :, 0].tolist() == [-1, 0, 1]
    assert found[1, 1, 0].tolist() == [-1, -0.5, 0, 0.5, 1]
    assert with_coordinates(torch.zeros(1, 1, 1, 1))[0, :2].tolist() == [[[0]], [[0]]]


def test_each_query_starts_from_a_place_of_its_own():
    torch.manual_seed(5)
    head = ActivationMaps(8, queries=30, features=5, kernel=6, classes=1, placed=True)
    x = with_discs(torch.zeros(1, 5, 41, 41))
    maps = head.maps(x)[0].detach()[:, 1:-1, 1:-1].reshape(30, -1)
    torch.testing.assert_close(maps.amax(1), torch.ones(30), atol=0.05, rtol=0)
    rows, cols = maps.argmax(1) // 39, maps.argmax(1) % 39
    quarters = torch.bincount((rows > 19).long() * 2 + (cols > 19).long(), minlength=4)
    assert quarters.min() >= 6
    at = torch.stack([rows, cols], dim=1).float()
    apart = torch.cdist(at, at) + 99 * torch.eye(30)
    assert float(apart.amin(1).min()) >= 3


def test_masks_start_as_discs_around_what_the_query_looks_at():
    torch.manual_seed(6)
    head = ActivationMaps(8, queries=20, features=5, kernel=6, classes=1, placed=True)
    with torch.no_grad():
        head.kernel.weight.zero_()
        head.kernel.bias.zero_()
    instances = with_discs(torch.zeros(1, 5, 33, 33))
    found = head(instances)
    features = with_discs(torch.zeros(1, 3, 33, 33))[0]
    masks = torch.einsum("qk,krc->qrc", found["kernels"][0], features)
    masks = masks + found["offsets"][0, :, None, None]
    middles = head.gather(instances)[0, :, -3:-1] / 4
    at = torch.stack(torch.meshgrid(*[torch.linspace(-1, 1, 33)] * 2, indexing="ij"))
    away = (at[None] - middles[:, :, None, None]).square().sum(dim=1)
    torch.testing.assert_close(masks, 1 - away * torch.tensor(4.0).exp(), atol=1e-3, rtol=1e-3)


def test_discs_are_drawn_by_a_weighted_sum():
    x = with_discs(torch.zeros(1, 1, 9, 9))[0, 1:]
    centre = torch.tensor([0.5, -0.25])
    disc = 2 * centre[0] * x[0] + 2 * centre[1] * x[1] - x[2]
    assert divmod(int(disc.argmax()), 9) == (6, 3)


def test_a_branch_is_four_convolutions():
    kinds = [type(layer).__name__ for layer in Branch(3, 5, normalise=False)]
    assert kinds == ["Conv2d", "ReLU"] * 4


@pytest.mark.parametrize("stride", [3, 8, 0])
def test_a_stride_that_the_decoder_lacks_is_refused(stride):
    with pytest.raises(ValueError, match="mask_stride"):
        SparseUNet(1, mask_stride=stride, **SMALL)


def test_an_unknown_activation_is_refused():
    with pytest.raises(ValueError, match="softmax"):
        SparseUNet(1, activation="tanh", **{**SMALL, "widths": (4, 8)})


def _spaced(number):
    return f"{number:,}".replace(",", " ")


def _part(name):
    """Whether the module of this name has a row of its own in the document."""
    first, *rest = name.split(".")
    if first in ("encoder", "decoder"):
        return len(rest) == 2
    return name == "activation_maps.maps" or ("branches" in first and len(rest) == 1)


def _rows(net, *, frame):
    """A row for each part: name, output for an input of `frame`, stride, parameters."""
    shapes = {}
    parts = {name: part for name, part in net.named_modules() if _part(name)}
    for name, part in parts.items():
        part.register_forward_hook(lambda _, __, y, name=name: shapes.update({name: y.shape[1:]}))
    net(torch.zeros(2, 2, net.stride, net.stride))
    rows = []
    for name, part in parts.items():
        stride = net.stride // shapes[name][1]
        size = f"{shapes[name][0]} × {frame // stride} × {frame // stride}"
        rows.append(f"| `{name}` | {size} | {stride} | {_spaced(_parameters(part))} |")
    return rows


VARIANTS = {
    "sparse-seunet": {},
    "sparse-seunet-multilevel": {"multi_level": True},
    "sparse-seunet-overlap": {"overlap": True},
    "sparse-seunet-objectness": {"objectness": True},
}


def test_the_document_states_layers_and_parameters():
    text = DOCUMENT.read_text(encoding="utf-8")
    rows = _rows(SparseUNet(2), frame=512)
    assert len(rows) == 16
    for name, variant in VARIANTS.items():
        small = {"widths": (16, 32, 64, 128, 256), "branch": 64, "mask_stride": 4}
        with torch.device("meta"):
            totals = [SparseUNet(2, **variant), SparseUNet(1, **small, **variant)]
        paper, ours = (_spaced(_parameters(net)) for net in totals)
        rows.append(f"| `{name}` | {paper} | {ours} |")
    missing = [row for row in rows if row not in text]
    assert not missing, "\n".join(missing)
