from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.synth import KINDS, MODALITIES, Microscope, simulate_field
from cellwright.types import InputError


def covered(instances):
    full = np.zeros(instances.shape, dtype=bool)
    for box, mask in zip(instances.boxes, instances.masks, strict=True):
        full[box[0] : box[2], box[1] : box[3]] |= mask
    return full


def same(a, b):
    return (
        a.image.data.tobytes() == b.image.data.tobytes()
        and a.instances.boxes.tobytes() == b.instances.boxes.tobytes()
        and all((m == n).all() for m, n in zip(a.instances.masks, b.instances.masks, strict=True))
        and a.instances.tags == b.instances.tags
    )


@pytest.mark.parametrize("modality", MODALITIES)
def test_same_seed_same_bytes(modality):
    options = {"shape": (96, 80), "modality": modality, "planes": 2, "kind": "mixed"}
    assert same(simulate_field(5, 3, **options), simulate_field(5, 3, **options))


def test_seed_and_field_both_matter():
    pictures = {
        simulate_field(seed, field, shape=(64, 64)).image.data.tobytes()
        for seed, field in [(0, 0), (0, 1), (1, 0), (1, 1)]
    }
    assert len(pictures) == 4


def test_cells_depend_neither_on_modality_nor_on_planes():
    one = simulate_field(2, modality="fluorescence").instances
    other = simulate_field(2, modality="brightfield", planes=3).instances
    assert (one.boxes == other.boxes).all()


@pytest.mark.parametrize(
    ("modality", "planes", "axes", "shape"),
    [
        ("fluorescence", 1, "YX", (50, 61)),
        ("brightfield", 3, "ZYX", (3, 50, 61)),
        ("both", 1, "CYX", (2, 50, 61)),
        ("both", 3, "ZCYX", (3, 2, 50, 61)),
    ],
)
def test_axes(modality, planes, axes, shape):
    image = simulate_field(shape=(50, 61), modality=modality, planes=planes).image
    assert (image.axes, image.data.shape, image.data.dtype) == (axes, shape, np.uint16)
    assert image.pixel_size == (0.5, 0.5)
    assert dict(image.tags) == {"field": 0, "modality": modality, "seed": 0}


@pytest.mark.parametrize("kind", [*KINDS, "mixed"])
def test_masks_agree_with_fluorescence(kind):
    sample = simulate_field(4, shape=(192, 192), kind=kind, overlap=0.3)
    pixels, cells = sample.image.data.astype(float), covered(sample.instances)
    background = pixels[~cells]
    assert pixels[cells].mean() > background.mean() + 5 * background.std()
    for box, mask in zip(sample.instances.boxes, sample.instances.masks, strict=True):
        inside = pixels[box[0] : box[2], box[1] : box[3]][mask]
        assert inside.mean() > background.mean() + 1.5 * background.std()


def test_masks_agree_with_bright_field():
    sample = simulate_field(4, shape=(192, 192), modality="brightfield")
    pixels, cells = sample.image.data.astype(float), covered(sample.instances)
    texture = np.hypot(*np.gradient(pixels))
    assert texture[cells].mean() > 2 * texture[~cells].mean()


def test_cells_are_brightest_where_they_overlap():
    fields = [simulate_field(6, i, overlap=1.0, cells=16) for i in range(3)]
    ratios = []
    for sample in fields:
        count = np.zeros(sample.image.shape, dtype=int)
        for box, mask in zip(sample.instances.boxes, sample.instances.masks, strict=True):
            count[box[0] : box[2], box[1] : box[3]] += mask
        edge = sample.image.data[count == 2].mean()
        ratios.append(edge / sample.image.data[count == 1].mean())
    assert count.max() == 2
    assert np.mean(ratios) > 1.0


@pytest.mark.parametrize("modality", MODALITIES)
def test_a_field_without_cells(modality):
    sample = simulate_field(cells=0, shape=(40, 40), modality=modality, nuclei=True)
    assert len(sample.instances) == 0
    assert sample.instances.class_names == ("cell", "nucleus")
    assert sample.image.data.std() > 0


@settings(max_examples=15, deadline=None)
@given(st.integers(8, 70), st.integers(8, 70), st.integers(0, 100))
def test_one_cell_in_a_field_of_any_size(rows, cols, seed):
    sample = simulate_field(seed, shape=(rows, cols), cells=1, overlap=1.0)
    assert len(sample.instances) == 1
    assert sample.image.shape == (rows, cols)
    assert sample.instances.areas[0] > 0
    assert sample.instances.tags[0]["shared"] == 0


def test_the_same_cells_at_another_pixel_size_are_larger():
    coarse = simulate_field(1, shape=(256, 256), cells=8, overlap=0)
    fine = simulate_field(
        1, shape=(256, 256), cells=8, overlap=0, microscope=Microscope(pixel_size=0.25)
    )
    assert fine.image.pixel_size == (0.25, 0.25)
    assert np.median(fine.instances.areas) > 2.5 * np.median(coarse.instances.areas)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"modality": "xray"}, "brightfield"),
        ({"seed": -1}, "0 or more"),
        ({"planes": 0}, "at least 1"),
    ],
)
def test_bad_options_get_one_clear_line(options, message):
    with pytest.raises(InputError, match=message):
        simulate_field(shape=(32, 32), **options)
