"""Images whose turn comes."""

from pathlib import Path

import numpy as np

from cellwright.steps.inputs import ImageJob, kept_once
from cellwright.types import Image


def test_an_image_that_was_looked_at_is_not_read_again() -> None:
    reads = []

    def read() -> Image:
        reads.append(1)
        return Image(np.ones((2, 2)))

    job = kept_once(ImageJob("a", Path("a.tif"), read))
    assert job.read() is job.read()
    assert len(reads) == 1
    job.read()
    assert len(reads) == 2
