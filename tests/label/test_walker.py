"""Random walks from prompts, beyond what every promptable segmenter must do (test_region.py)."""

from __future__ import annotations

import numpy as np
import pytest

from cellwright.label.prompting import prompt_segmenter
from cellwright.label.walker import MOST, walked
from cellwright.label.walker_seeds import away, mask_seeds
from cellwright.types import Image, InputError, Instances, Prompts

ROWS, COLS = np.mgrid[:60, :80]
LEFT = np.hypot(ROWS - 30, COLS - 25) < 14
RIGHT = np.hypot(ROWS - 30, COLS - 53) < 14
BOX = (16, 11, 45, 40)


def full(answer: Instances, index: int = 0) -> np.ndarray:
    mask = np.zeros(answer.shape, bool)
    row0, col0, row1, col1 = answer.boxes[index]
    mask[row0:row1, col0:col1] = answer.masks[index]
    return mask


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def ask(prompt: Prompts, plane: np.ndarray | None = None, **options: float) -> Instances:
    rng = np.random.default_rng(0)
    plane = (
        np.where(LEFT | RIGHT, 0.8, 0.3) + rng.normal(0, 0.04, LEFT.shape)
        if plane is None
        else plane
    )
    segmenter = prompt_segmenter("random-walker", **options)
    return segmenter.masks(segmenter.embed(Image(plane)), [prompt])


def test_seeds_divide_a_line_where_the_values_change() -> None:
    line = np.array([[0.0, 0, 0, 1, 1, 1, 1, 1]])
    on, off = np.zeros((2, 1, 8), bool)
    on[0, 0], off[0, 7] = True, True
    chance = walked(line[None], on, off, beta=130)
    assert (chance > 0.5).tolist() == [[True] * 3 + [False] * 5]
    assert chance[0, 0] == 1
    assert chance[0, 7] == 0


def test_without_seeds_of_one_side_there_is_nothing_to_divide() -> None:
    some, none = np.ones((3, 4), bool), np.zeros((3, 4), bool)
    plane = np.random.default_rng(0).random((1, 3, 4))
    assert walked(plane, some, none, beta=1).tolist() == np.ones((3, 4)).tolist()
    assert not walked(plane, none, some, beta=1).any()
    flat = np.zeros((1, 1, 5))
    on, off = np.eye(1, 5, 0, dtype=bool), np.eye(1, 5, 4, dtype=bool)
    assert (walked(flat, on, off, beta=1) > 0.5).tolist() == [[True, True, False, False, False]]


def test_a_large_window_is_thinned() -> None:
    side = int(np.sqrt(MOST)) + 150
    far = np.hypot(*(np.indices((side, side)) - side / 2))
    cell = far < side / 4
    chance = walked(cell[None].astype(float), far < side / 8, far > side / 2.2, beta=130)
    assert chance.shape == cell.shape
    assert iou(chance > 0.5, cell) > 0.95


def test_a_click_reaches_as_far_as_a_cell_and_the_next_one_is_another() -> None:
    answer = ask(Prompts([[30, 25]], [True]), radius=14.0)
    assert iou(full(answer), LEFT) > 0.9
    assert not (full(answer) & RIGHT).any()
    assert 0.8 < answer.scores[0] <= 1


def test_a_box_gives_one_of_two_cells_and_a_negative_click_the_other_half() -> None:
    assert iou(full(ask(Prompts(box=BOX))), LEFT) > 0.9
    both = Prompts([[30, 25], [30, 53]], [True, False], (14, 9, 47, 69))
    assert iou(full(ask(both)), LEFT) > 0.7


def test_a_click_that_contradicts_a_mask_moves_its_outline_there() -> None:
    short = LEFT & (COLS < 30)
    answer = full(ask(Prompts([[30, 34]], [True], None, short)))
    assert iou(answer, LEFT) > iou(short, LEFT) + 0.05
    assert (answer[:, :15] == short[:, :15]).mean() > 0.98
    agreed = ask(Prompts([[30, 20]], [True], None, short))
    assert (full(agreed) == short).all()


def test_seeds_of_a_mask_leave_a_contradiction_open() -> None:
    wrong = np.array([[30, 45]])
    on, off = mask_seeds(LEFT, wrong, np.array([True]))
    assert on[30, 45]
    assert not (on & off).any()
    assert on[30, 25]
    assert not off[30, 41]
    assert away(np.zeros((2, 3), bool)).min() >= 5


@pytest.mark.parametrize("wrong", [{"radius": 0.0}, {"beta": -1.0}])
def test_numbers_that_make_no_sense(wrong: dict[str, float]) -> None:
    with pytest.raises(InputError, match="more than 0"):
        prompt_segmenter("random-walker", **wrong)


def test_missing_values_are_refused() -> None:
    with pytest.raises(InputError, match="NaN"):
        ask(Prompts(box=BOX), np.full((60, 80), np.nan))
