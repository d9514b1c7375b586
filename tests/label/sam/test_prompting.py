"""Many prompts, tiles, refinement, choices, and what is refused."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwright.label import sam
from cellwright.label.prompting import prompt_segmenter
from cellwright.label.sam.pixels import Stretch, network_input, view_of
from cellwright.label.sam.prompts import refined
from cellwright.types import Image, InputError, Instances, Prompts, PromptSegmenter

torch = pytest.importorskip("torch")
pytest.importorskip("transformers")


@pytest.fixture(scope="module", params=["sam", "sam2"])
def worker(request: pytest.FixtureRequest, sam_folder: Path, sam2_folder: Path) -> Any:
    """Each kind of model."""
    return sam.build(sam_folder if request.param == "sam" else sam2_folder, device="cpu")


@pytest.fixture(scope="module")
def embedding(worker: Any, picture: Image) -> Any:
    """Of the picture."""
    return worker.embed(picture)


def same(one: Instances, other: Instances) -> None:
    """Equal boxes, masks and scores."""
    assert (one.boxes == other.boxes).all()
    assert all((a == b).all() for a, b in zip(one.masks, other.masks, strict=True))
    np.testing.assert_allclose(one.scores, other.scores, atol=1e-5)


def many_prompts(count: int) -> list[Prompts]:
    """Boxes, points and both, in turn."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(count):
        row, col = rng.uniform(0, (60, 90))
        box = (row, col, row + rng.uniform(8, 29), col + rng.uniform(8, 29))
        points = rng.uniform(0, (89, 119), (1 + number % 3, 2))
        signs = np.arange(len(points)) % 2 == 0
        kinds = (Prompts(box=box), Prompts(points, signs), Prompts(points, signs, box))
        found.append(kinds[number % 3])
    return found


def test_it_is_a_prompt_segmenter(worker: Any) -> None:
    assert isinstance(worker, PromptSegmenter)


def test_three_hundred_prompts_equal_single_calls_in_their_order(
    worker: Any, embedding: Any
) -> None:
    rng = np.random.default_rng(1)
    corners = rng.uniform(0, (60, 90), (300, 2))
    boxes = np.concatenate([corners, corners + rng.uniform(6, 29, (300, 2))], axis=1)
    prompts = [Prompts(box=tuple(box)) for box in boxes]
    together = dataclasses.replace(worker, at_once=16).masks(embedding, prompts)
    assert len(together) == 300
    one_by_one = Instances.concatenate(worker.masks(embedding, [p]) for p in prompts[::10])
    same(together[::10], one_by_one)


def test_mixed_prompts_equal_single_calls(worker: Any, embedding: Any) -> None:
    prompts = many_prompts(18)
    together = worker.masks(embedding, prompts)
    same(together, Instances.concatenate(worker.masks(embedding, [p]) for p in prompts))
    assert len({tuple(b) for b in together.boxes.tolist()} | set(together.areas.tolist())) > 3


def test_no_prompts_give_no_cells(worker: Any, embedding: Any) -> None:
    assert len(worker.masks(embedding, [])) == 0


def test_a_mask_is_a_prompt_and_refinement_keeps_earlier_points(
    worker: Any, embedding: Any, cases: Any
) -> None:
    first = worker.masks(embedding, [cases["box"]])
    mask = np.zeros(embedding.shape, bool)
    r0, c0, r1, c1 = first.boxes[0]
    mask[r0:r1, c0:c1] = first.masks[0]
    more = Prompts(np.array([[20.0, 30.0]]), np.array([False]))
    again = refined(refined(cases["point"], cases["box"]), more, mask)
    assert again.points.tolist() == [[40.0, 50.0], [20.0, 30.0]]
    assert again.signs.tolist() == [True, False]
    assert again.box == cases["box"].box
    assert again.mask is mask
    plain = Prompts(again.points, again.signs, again.box)
    hinted, bare = (worker.predict(embedding, [p]).logits[0] for p in (again, plain))
    assert np.abs(hinted - bare).max() > 1e-3
    alone = worker.masks(embedding, [Prompts(mask=mask)])
    assert alone.scores[0] > 0


def test_a_mask_becomes_logits_of_its_sign(cases: Any) -> None:
    from cellwright.label.sam.embedding import Tile
    from cellwright.label.sam.prompts import groups
    from cellwright.tiling.plan import Window

    mask = np.zeros((90, 120), bool)
    mask[20:60, 30:90] = True
    tile = Tile(Window((0, 0, 90, 120), (0, 0, 90, 120)), ())
    (group,) = groups(
        [Prompts(mask=mask)], [None], tile, side=64, low=(32, 32), square=False, at_once=4
    )
    hint = group.masks[0, 0].numpy()
    assert group.masks.shape == (1, 1, 32, 32)
    assert hint[10, 15] == pytest.approx(np.log(999), abs=1e-3)
    assert (hint[25:] < -6.9).all()
    assert (hint > 0).sum() == pytest.approx(mask.sum() * (32 / 120) ** 2, rel=0.1)


def test_choices(worker: Any, embedding: Any, cases: Any) -> None:
    def areas(choice: str | int, case: str) -> tuple[int, float]:
        found = dataclasses.replace(worker, choice=choice).masks(embedding, [cases[case]])
        return int(found.areas[0]), float(found.scores[0])

    parts = [areas(k, "point") for k in range(3)]
    assert len(set(parts)) == 3
    assert areas("best", "point") == max(parts, key=lambda p: p[1])
    assert areas("auto", "point") == areas("best", "point")
    assert areas("auto", "box") == areas("single", "box")
    with pytest.raises(InputError, match="choice 'whole'"):
        dataclasses.replace(worker, choice="whole")


def test_proposals_are_the_choices(worker: Any, embedding: Any, cases: Any) -> None:
    found = worker.propose(embedding, [cases["point"], cases["points"]], offset=1.0)
    for prompt, case in enumerate(("point", "points")):
        single = [
            dataclasses.replace(worker, choice=k).masks(embedding, [cases[case]]) for k in range(3)
        ]
        full = Instances.concatenate(s for s in single if s.scores[0] > 0)
        same(found.instances[found.prompt == prompt], full)
    assert ((found.stability >= 0) & (found.stability <= 1)).all()


def test_tiles_hold_their_prompts_and_masks_come_back_in_the_frame(
    worker: Any, picture: Image
) -> None:
    tiled = dataclasses.replace(worker, tile_shape=(45, 60), halo=(8, 8))
    embedding = tiled.embed(picture)
    assert len(embedding.tiles) == 4
    window = embedding.tiles[3].window.outer
    part = Image(picture.data[:, window[0] : window[2], window[1] : window[3]], "CYX")
    box = (60.0, 80.0, 80.0, 110.0)
    inner = (box[0] - window[0], box[1] - window[1], box[2] - window[0], box[3] - window[1])
    point = np.array([[70.0, 90.0], [3.0, 3.0]])
    signs = np.array([True, False])
    found = tiled.masks(embedding, [Prompts(box=box), Prompts(point, signs)])
    alone = worker.masks(
        worker.embed(part), [Prompts(box=inner), Prompts(point[:1] - window[:2], signs[:1])]
    )
    assert (found.boxes == alone.boxes + np.array(window[:2] * 2)).all()
    assert all((a == b).all() for a, b in zip(found.masks, alone.masks, strict=True))


def test_masks_cut_by_their_tile_are_said(
    worker: Any, picture: Image, caplog: pytest.LogCaptureFixture
) -> None:
    tiled = dataclasses.replace(worker, tile_shape=(45, 60), halo=(0, 0))
    embedding = tiled.embed(picture)
    tile = embedding.tiles[0]
    assert tile.cuts((5, 5, 45, 20), (90, 120))
    assert not tile.cuts((0, 0, 44, 59), (90, 120))
    with caplog.at_level("WARNING"):
        tiled.masks(embedding, [Prompts(box=(2, 2, 44, 59))])
    assert "larger --halo" in caplog.text


def test_an_empty_result_is_one_pixel_with_score_zero(worker: Any, embedding: Any) -> None:
    from cellwright.label.sam.results import Found

    found = Found((90, 120), 1)
    found.put(0, None, 0.9, Prompts(box=(10, 20, 21, 41)))
    instances = found.instances()
    assert instances.boxes.tolist() == [[15, 30, 16, 31]]
    assert instances.scores.tolist() == [0.0]


def test_embeddings_of_another_model_are_refused(
    sam_folder: Path, sam2_folder: Path, picture: Image, cases: Any
) -> None:
    embedding = sam.build(sam_folder, device="cpu").embed(picture)
    with pytest.raises(InputError, match="another model"):
        sam.build(sam2_folder, device="cpu").masks(embedding, [cases["box"]])


@pytest.mark.parametrize(
    "prompt",
    [
        Prompts(np.array([[95.0, 5.0]]), np.array([True])),
        Prompts(box=(95, 5, 99, 9)),
        Prompts(mask=np.ones((5, 5), bool)),
    ],
)
def test_prompts_outside_of_the_image_are_refused(
    worker: Any, embedding: Any, prompt: Prompts
) -> None:
    with pytest.raises(InputError):
        worker.masks(embedding, [prompt])


def test_half_precision_is_close(sam_folder: Path, picture: Image, cases: Any) -> None:
    full, half = (sam.build(sam_folder, device="cpu", precision=p) for p in ("float32", "bfloat16"))
    assert full.network.digest != half.network.digest
    one, other = (w.masks(w.embed(picture), [cases["both"]]) for w in (full, half))
    shared = (dense(one) & dense(other)).sum() / (dense(one) | dense(other)).sum()
    assert shared > 0.9
    with pytest.raises(InputError, match="float16"):
        sam.build(sam_folder, device="cpu", precision="float16")


def dense(found: Instances) -> np.ndarray:
    """The first mask on the whole image."""
    mask = np.zeros(found.shape, bool)
    r0, c0, r1, c1 = found.boxes[0]
    mask[r0:r1, c0:c1] = found.masks[0]
    return mask


def test_eight_bit_images_are_taken_as_they_are() -> None:
    plane = np.arange(48, dtype=np.uint8).reshape(6, 8)
    view = view_of(Image(plane), Stretch())
    assert view.limits is None
    assert (view.rgb((slice(0, 6), slice(0, 8))) == plane).all()
    assert network_input(view.rgb((slice(0, 6), slice(0, 8))), 16, square=False).shape[-1] == 16


def test_sixteen_bit_images_are_stretched_by_percentiles_of_the_frame() -> None:
    rng = np.random.default_rng(0)
    plane = rng.integers(200, 4000, (100, 100)).astype(np.uint16)
    plane[0, 0] = 65535
    view = view_of(Image(plane), Stretch())
    low, high = np.percentile(plane, (1, 99.8))
    assert view.limits == ((pytest.approx(low), pytest.approx(high)),)
    shown = view.rgb((slice(0, 50), slice(0, 50)))
    expected = np.clip((plane[:50, :50] - low) / (high - low) * 255, 0, 255)
    assert np.abs(shown[0].astype(float) - expected).max() <= 1
    two = view_of(Image(np.stack([plane, plane // 2]), "CYX"), Stretch())
    assert two.rgb((slice(0, 9), slice(0, 9)))[2].max() == 0
    assert len(two.limits) == 2


def test_planes_and_too_many_channels_are_refused() -> None:
    with pytest.raises(InputError, match="axes ZYX"):
        view_of(Image(np.zeros((3, 8, 8), np.uint8), "ZYX"), Stretch())
    with pytest.raises(InputError, match="no finite pixel"):
        view_of(Image(np.full((8, 8), np.nan, np.float32)), Stretch())
    four = Image(np.zeros((4, 8, 8), np.uint16), "CYX", channels=("a", "b", "c", "d"))
    with pytest.raises(InputError, match="4 channels"):
        view_of(four, Stretch())
    assert view_of(four, Stretch(("c", 0))).channels == (2, 0)
    with pytest.raises(InputError, match="no channel 'e'"):
        view_of(four, Stretch(("e",)))


def test_the_registry_builds_it_and_says_how_to_get_it(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("CELLWRIGHT_CACHE", str(tmp_path))
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "hub"))
    for name in ("sam-vit-b", "sam2-tiny", "micro-sam-vit-b-lm"):
        with pytest.raises(InputError, match=f"models fetch {name}.*original checkpoint"):
            prompt_segmenter(name)
    with pytest.raises(InputError, match="neither a file"):
        sam.build(tmp_path / "nothing.pt")
