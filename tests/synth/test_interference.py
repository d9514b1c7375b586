from __future__ import annotations

import numpy as np
import pytest

from cellwright.synth.interference import interference_contrast, phase_contrast
from cellwright.synth.optics import Microscope

FOCUS = np.array([0.0])
EMPTY = np.zeros((96, 101))


def cell(radius=8.0):
    rows, cols = np.ogrid[:96, :101]
    return np.sqrt(np.clip(1 - ((rows - 48) ** 2 + (cols - 50) ** 2) / radius**2, 0, None))


@pytest.mark.parametrize("optics", [phase_contrast, interference_contrast])
def test_an_empty_dish_is_even_and_one(optics):
    plane = optics([(0.0, EMPTY)], [(0.0, EMPTY)], FOCUS, Microscope())[0]
    assert plane.shape == EMPTY.shape
    np.testing.assert_allclose(plane[30:66, 30:70], 1.0, atol=1e-6)


def test_phase_contrast_is_dark_with_a_bright_halo_and_bright_where_thick():
    def light(delay):
        return phase_contrast([(0.0, delay * cell())], [(0.0, EMPTY)], FOCUS, Microscope())[0]

    thin, thick = light(0.5), light(3.0)
    assert thin[48, 50] < 0.7
    assert thin[48, 62] > 1.03
    assert thick[48, 50] > 2.0


def test_slopes_are_bright_on_one_side_and_dark_on_the_other():
    layers = [(0.0, cell())], [(0.0, EMPTY)]
    plane = interference_contrast(*layers, FOCUS, Microscope())[0]
    after, middle, before = plane[43, 45], plane[48, 50], plane[53, 55]
    assert before > 1.02 > middle > 0.98 > after
    np.testing.assert_allclose(before - 1, 1 - after, rtol=0.2)


def test_absorption_is_dark_between_two_waves():
    layers = [(0.0, EMPTY)], [(0.0, 0.2 * cell())]
    plane = interference_contrast(*layers, FOCUS, Microscope())[0]
    assert plane[48, 50] == pytest.approx(np.exp(-0.4), abs=0.03)
