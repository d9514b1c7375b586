"""A page of a hundred full images stays below 15 MB."""

import numpy as np
import pytest

from cellwright.report.document import PAGE_SIZE, picture_share
from cellwright.report.html import Html, Section
from cellwright.report.layers import figure
from cellwright.types import Image, Instances

SHAPE = (520, 704)


def crowd(count, seed, sides):
    """Discs at random places of an image of SHAPE."""
    rng = np.random.default_rng(seed)
    boxes, masks = [], []
    for _ in range(count):
        height, width = rng.integers(*sides, 2)
        row, col = rng.integers(0, SHAPE[0] - height), rng.integers(0, SHAPE[1] - width)
        y, x = np.mgrid[-1 : 1 : height * 1j, -1 : 1 : width * 1j]
        boxes.append((row, col, row + height, col + width))
        masks.append(x**2 + y**2 <= 1)
    return Instances(SHAPE, np.array(boxes), tuple(masks), scores=np.ones(count))


@pytest.mark.parametrize(("cells", "sides", "images"), [(300, (12, 40), 100), (600, (5, 20), 300)])
def test_hundred_full_images_fit(cells, sides, images):
    noise = Image(np.random.default_rng(0).integers(0, 255, SHAPE, dtype=np.uint8))
    one = picture_share([], rows=images * 2, pictures=images)
    assert one * images <= PAGE_SIZE
    drawn = figure(
        noise,
        Html("c"),
        "n",
        prediction=crowd(cells, 1, sides),
        truth=crowd(cells, 2, sides),
        limit=one,
    )
    assert len(drawn) <= one + 1_000
    assert (PAGE_SIZE - one * images) + images * len(drawn) < 15_000_000


def test_pictures_get_what_the_tables_leave():
    full = picture_share([], rows=0, pictures=10)
    tables = [Section("Scores", (Html("x" * 1_000_000),))]
    assert picture_share(tables, rows=0, pictures=10) == full - 100_000
    assert picture_share(tables, rows=100_000, pictures=10) == 0
    assert picture_share([], rows=0, pictures=0) > 0
