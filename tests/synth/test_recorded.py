"""Fields are what they were before the simulator learnt more: recorded results stand on them."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.synth import simulate_field

#: instances, sums of their areas and boxes, mean and deviation of the pixels, made before clumps,
#: coverage, dust and channels. Not the bytes: another processor rounds a Fourier transform its own
#: way, and noise of photons that is drawn from it then differs in some pixels.
RECORDED = {
    ("fluorescence", "round", 1): (2, 1025, 308, 370.2, 203.6),
    ("fluorescence", "mixed", 2): (2, 1047, 313, 373.6, 211.2),
    ("brightfield", "round", 1): (2, 1025, 308, 18751.8, 1105.2),
    ("brightfield", "mixed", 2): (2, 1047, 313, 18703.1, 1113.6),
    ("phase", "round", 1): (2, 1025, 308, 18977.5, 7434.8),
    ("phase", "mixed", 2): (2, 1047, 313, 19036.8, 7645.2),
    ("dic", "round", 1): (2, 1025, 308, 18708.2, 1179.7),
    ("dic", "mixed", 2): (2, 1047, 313, 18698.2, 1233.8),
    ("both", "round", 1): (2, 1025, 308, 9561.0, 9225.1),
    ("both", "mixed", 2): (2, 1047, 313, 9538.4, 9199.7),
}


@pytest.mark.parametrize(("modality", "kind", "planes"), RECORDED)
def test_the_same_arguments_give_the_fields_of_earlier_versions(modality, kind, planes):
    sample = simulate_field(
        11, 2, shape=(72, 81), modality=modality, kind=kind, planes=planes, overlap=0.4, nuclei=True
    )
    count, areas, boxes, mean, deviation = RECORDED[modality, kind, planes]
    assert len(sample.instances) == count
    assert int(sample.instances.areas.sum()) == pytest.approx(areas, abs=2 * count)
    assert int(sample.instances.boxes.sum()) == pytest.approx(boxes, abs=2 * count)
    pixels = np.asarray(sample.image.data, float)
    assert pixels.mean() == pytest.approx(mean, rel=2e-3)
    assert pixels.std() == pytest.approx(deviation, rel=5e-3)
