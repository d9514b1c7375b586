from __future__ import annotations

import numpy as np
import pytest

from cellwright.synth.optics import (
    Microscope,
    bright_field,
    camera,
    fluorescence,
    illumination,
    smooth_noise,
)
from cellwright.types import InputError

HEIGHTS = np.array([-4.0, 0.0, 4.0])


def disc(radius=8.0, shape=(65, 71)):
    rows, cols = np.ogrid[: shape[0], : shape[1]]
    u = ((rows - 32) ** 2 + (cols - 35) ** 2) / radius**2
    return np.sqrt(np.clip(1 - u, 0, None))


def test_bright_field_contrast_changes_its_sign_through_focus():
    planes = bright_field([(0.0, disc())], [(0.0, 0 * disc())], HEIGHTS, Microscope())
    below, focus, above = planes[:, 32, 35] - planes[:, 2, 2]
    assert below < -0.03
    assert above > 0.03
    assert abs(focus) < 1e-9


def test_absorption_is_dark_in_focus():
    plane = bright_field([(0.0, 0 * disc())], [(0.0, 0.1 * disc())], HEIGHTS[1:2], Microscope())[0]
    assert plane[32, 35] == pytest.approx(np.exp(-0.2), abs=0.01)
    assert plane[2, 2] == pytest.approx(1.0, abs=0.01)


def test_a_layer_is_in_focus_at_its_own_height():
    planes = fluorescence([(4.0, disc())], HEIGHTS, Microscope())
    steepest = np.abs(np.diff(planes, axis=2)).max(axis=(1, 2))
    assert steepest[0] < steepest[1] < steepest[2]
    assert planes.min() >= 0


def test_defocus_keeps_the_light():
    planes = fluorescence([(0.0, disc())], HEIGHTS, Microscope())
    np.testing.assert_allclose(planes.sum(axis=(1, 2)), disc().sum(), rtol=5e-3)


def test_camera_noise_is_poisson_and_read_noise():
    microscope = Microscope(gain=2.0, offset=100.0, read_noise=3.0)
    counts = camera(np.random.default_rng(0), np.full((200, 200), 50.0), microscope).astype(float)
    assert counts.mean() == pytest.approx(200.0, abs=0.5)
    assert counts.var() == pytest.approx(4 * 50.0 + 9.0, rel=0.05)


def test_camera_saturates():
    counts = camera(np.random.default_rng(0), np.full((4, 4), 1e6), Microscope())
    assert counts.dtype == np.uint16
    assert (counts == 65535).all()


def test_vignette_darkens_the_corners():
    vignette, uneven = illumination(np.random.default_rng(0), (41, 61), Microscope(vignetting=0.4))
    corners = vignette[[0, 0, -1, -1], [0, -1, 0, -1]]
    assert (corners < vignette[20, 30]).all()
    assert vignette.min() > 0
    assert vignette.max() <= 1
    assert (uneven > 0).all()
    assert uneven.std() > 0.01


def test_grain_of_smooth_noise():
    fine, coarse = (smooth_noise(np.random.default_rng(0), (63, 64), g) for g in (0.5, 4.0))
    assert fine.std() == pytest.approx(1.0)
    assert coarse.std() == pytest.approx(1.0)
    assert np.abs(np.diff(coarse)).mean() < 0.5 * np.abs(np.diff(fine)).mean()


def test_stack_is_centred_on_the_focus():
    np.testing.assert_allclose(Microscope(z_step=1.5).heights(4), [-2.25, -0.75, 0.75, 2.25])
    assert Microscope().heights(1) == [0.0]
    with pytest.raises(InputError, match="planes"):
        Microscope().heights(0)


@pytest.mark.parametrize(
    "options", [{"pixel_size": 0.0}, {"photons": -1.0}, {"vignetting": 2.0}, {"read_noise": -1.0}]
)
def test_impossible_microscopes_are_refused(options):
    with pytest.raises(InputError):
        Microscope(**options)
