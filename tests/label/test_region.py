"""The promptable segmenter that needs no download."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.label.prompting import PROMPT_SEGMENTERS, prompt_segmenter
from cellwright.synth import simulate_field
from cellwright.types import Image, InputError, Instances, Prompts

NAMES = [entry.name for entry in PROMPT_SEGMENTERS if not entry.needs_download]
ROWS, COLS = np.mgrid[:100, :90]
CELL = ((ROWS - 50) / 20) ** 2 + ((COLS - 40) / 12) ** 2 <= 1
BOX = (30, 28, 71, 53)


def picture(kind: str = "bright", noise: float = 0.05) -> np.ndarray:
    """One cell: bright, dark, or as grey as its surroundings but rough."""
    rng = np.random.default_rng(0)
    grain = rng.normal(0, 1, CELL.shape)
    if kind == "rough":
        return np.where(CELL, 0.3 * grain, noise * grain) + 0.5
    return np.where(CELL, 0.8 if kind == "bright" else 0.2, 0.5) + noise * grain


def full(answer: Instances, index: int = 0) -> np.ndarray:
    """One mask on the whole image."""
    mask = np.zeros(answer.shape, bool)
    row0, col0, row1, col1 = answer.boxes[index]
    mask[row0:row1, col0:col1] = answer.masks[index]
    return mask


def iou(a: np.ndarray, b: np.ndarray) -> float:
    return float((a & b).sum() / max((a | b).sum(), 1))


def ask(prompt: Prompts, data: np.ndarray | None = None, name: str = "region") -> np.ndarray:
    segmenter = prompt_segmenter(name)
    image = Image(picture() if data is None else data)
    return full(segmenter.masks(segmenter.embed(image), [prompt]))


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["bright", "dark", "rough"])
def test_a_box_gives_the_cell(name: str, kind: str) -> None:
    assert iou(ask(Prompts(box=BOX), picture(kind), name), CELL) > 0.9


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("kind", ["bright", "dark"])
def test_a_click_gives_the_cell(name: str, kind: str) -> None:
    prompt = Prompts(points=[[50, 40]], signs=[True])
    assert iou(ask(prompt, picture(kind), name), CELL) > 0.8


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16, np.float32, np.float64])
def test_the_number_type_makes_no_difference(dtype) -> None:
    data = np.clip(picture() * 250, 0, 255).astype(np.uint8)
    scaled = data.astype(dtype) * (200 if dtype == np.uint16 else 1)
    assert (ask(Prompts(box=BOX), scaled) == ask(Prompts(box=BOX), data)).all()


@pytest.mark.parametrize("modality", ["fluorescence", "brightfield"])
def test_boxes_of_simulated_cells_are_filled_well(modality: str) -> None:
    sample = simulate_field(5, 0, shape=(160, 160), modality=modality)
    truth = sample.instances
    assert truth is not None
    segmenter = prompt_segmenter("region")
    prompts = [Prompts(box=tuple(b)) for b in truth.boxes.tolist()]
    answer = segmenter.masks(segmenter.embed(sample.image), prompts)
    assert len(answer) == len(truth)
    found = [iou(full(answer, i), full(truth, i)) for i in range(len(truth))]
    assert np.mean(found) > 0.85
    assert answer.scores.min() > 0


def test_boxes_drawn_by_hand_may_be_off() -> None:
    image = Image(picture())
    prompt = Prompts(box=(33, 30, 70, 54))
    found = {}
    for exact in (True, False):
        segmenter = prompt_segmenter("region", exact_boxes=exact)
        found[exact] = iou(full(segmenter.masks(segmenter.embed(image), [prompt])), CELL)
    assert found[False] > max(found[True], 0.93)


def test_many_prompts_are_answered_in_order_as_each_alone() -> None:
    segmenter = prompt_segmenter("region")
    embedding = segmenter.embed(Image(picture()))
    prompts = [
        Prompts(points=[[50, 40]], signs=[True]),
        Prompts(box=BOX),
        Prompts(mask=CELL),
        Prompts(points=[[10, 80], [50, 40]], signs=[False, True], box=BOX),
    ]
    together = segmenter.masks(embedding, prompts)
    for i, prompt in enumerate(prompts):
        assert (full(together, i) == full(segmenter.masks(embedding, [prompt]))).all()
    assert len(segmenter.masks(embedding, [])) == 0


def test_an_earlier_mask_alone_comes_back() -> None:
    assert (ask(Prompts(mask=CELL)) == CELL).all()


def test_a_click_that_the_mask_agrees_with_changes_nothing() -> None:
    prompt = Prompts(points=[[50, 40], [5, 5]], signs=[True, False], mask=CELL)
    assert (ask(prompt) == CELL).all()


def test_a_positive_click_in_a_hole_fills_exactly_that_hole() -> None:
    holed = CELL.copy()
    holed[45:50, 36:40] = False
    other = holed.copy()
    other[58:61, 40:43] = False
    answer = ask(Prompts(points=[[47, 38]], signs=[True], mask=other))
    expected = other.copy()
    expected[45:50, 36:40] = True
    assert (answer == expected).all()


def test_a_negative_click_on_a_leak_takes_the_leak_away() -> None:
    leaked = CELL.copy()
    leaked[44:56, 50:75] = True
    answer = ask(Prompts(points=[[50, 40], [50, 64]], signs=[True, False], mask=leaked))
    assert iou(answer, CELL) > 0.9
    far = COLS < 40
    assert (answer[far] == leaked[far]).all()


def test_a_positive_click_on_a_missed_part_adds_it() -> None:
    cut = CELL & (ROWS < 58)
    answer = ask(Prompts(points=[[40, 40], [64, 40]], signs=[True, True], mask=cut))
    assert iou(answer, CELL) > 0.9
    assert (answer[:45] == cut[:45]).all()


def test_box_and_points_answer_as_point_after_point() -> None:
    segmenter = prompt_segmenter("region")
    embedding = segmenter.embed(Image(picture(noise=0.2)))
    points, signs = np.array([[50, 51], [32, 48]]), np.array([False, True])
    at_once = segmenter.masks(embedding, [Prompts(points, signs, BOX)])
    first = full(segmenter.masks(embedding, [Prompts(points[:1], signs[:1], BOX)]))
    second = segmenter.masks(embedding, [Prompts(points, signs, BOX, first)])
    assert (full(at_once) == full(second)).all()


@settings(max_examples=30, deadline=None)
@given(data=st.data())
def test_positive_points_are_on_the_cell_and_negative_ones_are_not(data) -> None:
    rows, cols = data.draw(st.tuples(st.integers(1, 40), st.integers(1, 40)))
    kind = data.draw(st.sampled_from(["noise", "flat", "blob"]))
    rng = np.random.default_rng(rows * 100 + cols)
    plane = rng.random((rows, cols)) if kind == "noise" else np.full((rows, cols), 3.0)
    if kind == "blob":
        plane[rows // 3 : rows // 2 + 1, cols // 3 : cols // 2 + 1] = 9
    pixels = data.draw(
        st.lists(
            st.tuples(st.integers(0, rows - 1), st.integers(0, cols - 1)),
            min_size=1, max_size=5, unique=True,
        )
    )  # fmt: skip
    signs = [True, *(data.draw(st.booleans()) for _ in pixels[1:])]
    box = mask = None
    if data.draw(st.booleans()):
        r, c = data.draw(st.tuples(st.floats(0, rows - 0.5), st.floats(0, cols - 0.5)))
        box = (r, c, r + data.draw(st.floats(0, 30)), c + data.draw(st.floats(0, 30)))
    if data.draw(st.booleans()):
        mask = rng.random((rows, cols)) > 0.6
    name = data.draw(st.sampled_from(NAMES))
    prompt = Prompts(np.array(pixels, float), np.array(signs), box, mask)
    answer = ask(prompt, plane, name)
    for (row, col), sign in zip(pixels, signs, strict=True):
        assert answer[row, col] == sign


@pytest.mark.parametrize(
    "box",
    [(0, 0, 20, 15), (80, 70, 100, 90), (-5, -5, 30, 200), (3, 3, 4, 4), (3.2, 3.2, 3.4, 3.4)],
)
def test_boxes_at_the_edge_and_tiny_ones_stay_inside(box) -> None:
    answer = ask(Prompts(box=box))
    rows, cols = np.nonzero(answer)
    assert rows.min() >= max(np.floor(box[0]), 0)
    assert cols.min() >= max(np.floor(box[1]), 0)
    assert rows.max() < max(np.ceil(box[2]), 1)
    assert cols.max() < max(np.ceil(box[3]), 1)


def test_a_positive_point_outside_the_box_is_joined() -> None:
    answer = ask(Prompts(points=[[50, 58]], signs=[True], box=BOX))
    assert answer[50, 58]
    assert iou(answer, CELL) > 0.7


def test_a_cell_with_every_pixel_off_is_one_pixel_of_no_score() -> None:
    segmenter = prompt_segmenter("region")
    embedding = segmenter.embed(Image(picture()))
    answer = segmenter.masks(embedding, [Prompts([[3, 3]], [False], (3, 3, 4, 4))])
    assert answer.areas.tolist() == [1]
    assert answer.scores.tolist() == [0]
    assert not full(answer)[3, 3]


def test_colour_and_two_modalities_are_read() -> None:
    stack = np.stack([picture("rough"), picture()])
    segmenter = prompt_segmenter("region")
    image = Image(stack, "CYX", channels=("brightfield", "fluorescence"))
    answer = segmenter.masks(segmenter.embed(image), [Prompts(box=BOX)])
    assert iou(full(answer), CELL) > 0.9


def test_candidates_are_different_and_hold_the_points() -> None:
    segmenter = prompt_segmenter("region")
    disc = (ROWS - 50) ** 2 + (COLS - 45) ** 2
    image = Image(np.where(disc < 6**2, 2.0, np.where(disc < 30**2, 1.0, 0.0)))
    embedding = segmenter.embed(image)
    several = segmenter.candidates(embedding, Prompts([[50, 45]], [True]))
    assert 1 <= len(several) <= 3
    assert all(full(several, i)[50, 45] for i in range(len(several)))
    for i in range(len(several)):
        for j in range(i):
            assert iou(full(several, i), full(several, j)) < 0.8
    assert len(segmenter.candidates(embedding, Prompts(box=BOX))) >= 1


@pytest.mark.parametrize(
    ("prompt", "message"),
    [
        (Prompts([[200, 3]], [True]), "outside the image"),
        (Prompts([[np.nan, 3]], [True]), "not finite"),
        (Prompts(box=(200, 0, 210, 10)), "outside the image"),
        (Prompts(box=(20, 20, 10, 30)), "row0 <= row1"),
        (Prompts([[3, 3]], [False]), "negative points alone"),
        (Prompts([[3, 3], [3, 3]], [False, True]), "on the cell and as off"),
        (Prompts(mask=np.ones((4, 4), bool)), "same rows and columns"),
    ],
)
def test_prompts_without_sense_are_refused(prompt: Prompts, message: str) -> None:
    with pytest.raises(InputError, match=message):
        ask(prompt)


def test_an_image_with_missing_values_is_refused() -> None:
    data = picture()
    data[3, 3] = np.nan
    with pytest.raises(InputError, match="NaN"):
        prompt_segmenter("region").embed(Image(data))
