"""The simulated person who clicks."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.geometry import from_masks
from cellwright.label.annotator import annotate, next_click
from cellwright.label.prompting import prompt_segmenter
from cellwright.types import Image, InputError, Instances, Prompts


class Scripted:
    """Answers with given masks, one after the other, and keeps what it was asked."""

    def __init__(self, answers: list[np.ndarray]) -> None:
        self.answers = answers
        self.asked: list[Prompts] = []

    def embed(self, image: Image) -> None:
        return None

    def masks(self, embedding: None, prompts) -> Instances:
        self.asked += prompts
        return from_masks([self.answers[min(len(self.asked), len(self.answers)) - 1]])


TRUTH = np.zeros((30, 40), bool)
TRUTH[5:20, 10:25] = True


def test_the_next_click_is_deepest_in_the_error() -> None:
    found = np.zeros_like(TRUTH)
    found[5:20, 10:16] = True
    assert next_click(found, TRUTH) == (9, 20, True)
    found = TRUTH.copy()
    found[5:12, 25:32] = True
    assert next_click(found, TRUTH) == (8, 28, False)
    assert next_click(TRUTH, TRUTH) is None


def test_a_pixel_is_not_clicked_twice() -> None:
    found = TRUTH.copy()
    found[5, 25] = True
    assert next_click(found, TRUTH) == (5, 25, False)
    assert next_click(found, TRUTH, [(5, 25)]) is None


def test_it_stops_when_content_and_counts_the_first_click() -> None:
    half = TRUTH & (np.arange(40) < 17)
    segmenter = Scripted([half, TRUTH])
    done = annotate(segmenter, None, from_masks([TRUTH]), 0)
    assert done.ious == pytest.approx((7 / 15, 1.0))
    assert done.first == 1
    assert done.clicks_to(0.9, otherwise=10) == 2
    assert done.clicks_to(0.4, otherwise=10) == 1
    first, second = segmenter.asked
    assert first.points.tolist() == [[12, 17]]
    assert second.signs.tolist() == [True, True]
    assert second.mask is not None
    assert (second.mask == half).all()


def test_of_a_box_no_click_is_counted_and_no_mask_is_kept_if_not_wanted() -> None:
    segmenter = Scripted([TRUTH & (np.arange(40) < 17), TRUTH])
    done = annotate(segmenter, None, from_masks([TRUTH]), 0, start="box", keep_mask=False)
    assert segmenter.asked[0].box == (5, 10, 20, 25)
    assert not len(segmenter.asked[0].points)
    assert segmenter.asked[1].mask is None
    assert done.clicks_to(0.9, otherwise=10) == 1


def test_it_gives_up_after_the_clicks_allowed() -> None:
    segmenter = Scripted([TRUTH & (np.arange(40) < 12)])
    done = annotate(segmenter, None, from_masks([TRUTH]), 0, clicks=4)
    assert len(done.ious) == 4
    assert not done.reached(0.8)
    assert done.clicks_to(0.8, otherwise=4) == 4
    assert len({tuple(p) for p in done.prompts.points.tolist()}) == 4


def test_a_jittered_box_depends_on_the_seed_only() -> None:
    boxes = []
    for seed in (1, 1, 2):
        segmenter = Scripted([TRUTH])
        annotate(segmenter, None, from_masks([TRUTH]), 0, start="box", jitter=0.1, seed=seed)
        boxes.append(segmenter.asked[0].box)
    assert boxes[0] == boxes[1] != boxes[2]


def test_an_unknown_start_is_refused() -> None:
    with pytest.raises(InputError, match="point, box"):
        annotate(Scripted([TRUTH]), None, from_masks([TRUTH]), 0, start="wish")


def test_a_clear_cell_is_right_after_few_clicks() -> None:
    rng = np.random.default_rng(0)
    data = np.where(TRUTH, 5.0, 1.0) + rng.normal(0, 0.3, TRUTH.shape)
    segmenter = prompt_segmenter("region")
    done = annotate(segmenter, segmenter.embed(Image(data)), from_masks([TRUTH]), 0)
    assert done.reached(0.9)
    assert done.clicks_to(0.9, otherwise=10) <= 5
