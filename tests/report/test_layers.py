import base64
import io
import re

import numpy as np
from PIL import Image as Pillow

from cellwright.report.html import Html
from cellwright.report.layers import compressed, figure, layer, ready_figure
from cellwright.types import Image

from .conftest import SHAPE, cells, picture


def decoded(uri):
    return Pillow.open(io.BytesIO(base64.b64decode(uri.split(",", 1)[1])))


def test_layer_is_clear_outside_and_coloured_inside():
    drawn = np.eye(5, dtype=bool)
    pixels = np.asarray(decoded(layer(drawn, (1, 2, 3), alpha=120)).convert("RGBA"))
    assert (pixels[drawn] == (1, 2, 3, 120)).all()
    assert (pixels[~drawn][:, 3] == 0).all()


def test_noise_is_made_to_fit():
    noise = np.random.default_rng(0).integers(0, 255, (700, 900, 3), dtype=np.uint8)
    uri = compressed(noise, limit=40_000)
    assert len(uri) < 40_100
    assert decoded(uri).size[0] > decoded(uri).size[1]


def test_figure_has_its_layers_and_a_name():
    text = figure(Image(picture()), Html("c"), 'n"<', prediction=cells(), truth=cells())
    for kind in ("prediction", "truth", "overlap"):
        assert text.count(f'class="layer {kind}"') == 1
    assert 'alt="n&quot;&lt;, 3 predicted cells outlined"' in text
    assert f"aspect-ratio:{SHAPE[1]}/{SHAPE[0]}" in text
    layers = [decoded(u) for u in re.findall(r'class="layer \w+" src="([^"]+)"', text)]
    assert max(layers[-1].size) > max(SHAPE)  # outlines are sharper than the small image


def test_figure_keeps_to_its_limit():
    noise = np.random.default_rng(0).integers(0, 255, (900, 900), dtype=np.uint8)
    assert len(figure(Image(noise), Html(""), "n", limit=50_000)) < 51_000


def test_ready_figure():
    text = ready_figure(np.zeros((4, 6, 3), np.uint8), Html("<b>x</b>"), "name")
    assert "aspect-ratio:6/4" in text
    assert "<b>x</b>" in text
