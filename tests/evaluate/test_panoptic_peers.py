"""Panoptic quality against panopticapi (recorded figures) and torchmetrics (run here).

panopticapi is not on a package index. Its figures were recorded with a checkout of
github.com/cocodataset/panopticapi beside this file's folder, on what `write` writes::

    PYTHONPATH=panopticapi:tests/evaluate python -c "
    import test_panoptic_peers as peers
    peers.write('seeded', peers.seeded())
    from panopticapi.evaluation import pq_compute
    print(pq_compute('seeded/truth.json', 'seeded/pred.json')['per_class'])"

and likewise with ``peers.sample(DATA)`` for panopticapi's own sample images. Every pixel is in
a segment: background is a class of its own, so none is void.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from cellwright.evaluate.comparison import Comparison
from cellwright.evaluate.panoptic import PANOPTIC, panoptic_quality
from cellwright.geometry import from_label_map
from cellwright.types import Instances

BACKGROUND = 200
#: (ids, {id: (category, iscrowd)}) of one side of one image.
Side = tuple[np.ndarray, dict[int, tuple[int, bool]]]

#: (PQ, SQ, RQ) of each class and their mean, as panopticapi gave them.
RECORDED: dict[str, dict[str, tuple[float, float, float]]] = {
    "seeded": {
        "1": (0.38108437900625014, 0.6414920379938545, 0.594059405940594),
        "2": (0.3069457880440895, 0.6458650956761051, 0.4752475247524752),
        "200": (0.7844276051034647, 0.7844276051034647, 1.0),
        "mean": (0.49081925738460147, 0.6905949129244747, 0.6897689768976898),
    },
    "sample": {
        "1": (0.33487329837108254, 0.7032339265792733, 0.47619047619047616),
        "8": (0.7455225244790535, 0.7455225244790535, 1.0),
        "19": (0.5828481715460134, 0.7285602144325167, 0.8),
        "37": (0.0, 0.0, 0.0),
        "125": (0.7666108319374652, 0.7666108319374652, 1.0),
        "184": (0.0, 0.0, 0.0),
        "187": (0.5232241923202436, 0.7848362884803655, 0.6666666666666666),
        "193": (0.440937680106247, 0.881875360212494, 0.5),
        "200": (0.0, 0.0, 0.0),
        "mean": (0.3771129665289006, 0.5122932384579075, 0.4936507936507937),
    },
}


def seeded() -> list[tuple[Side, Side]]:
    """Three images of discs of two classes, some of them crowds, and disturbed copies."""
    rng = np.random.default_rng(7)
    images = []
    for _ in range(3):
        ids = np.full((96, 128), 1, np.int64)
        facts = {1: (BACKGROUND, False)}
        row, column = np.mgrid[:96, :128]
        for k in range(2, 42):
            y, x, a, b = rng.uniform((0, 0, 4, 4), (96, 128, 11, 11))
            ids[((row - y) / a) ** 2 + ((column - x) / b) ** 2 <= 1] = k
            facts[k] = (1 + k % 2, k in (10, 11))
        images.append(((ids, facts), disturbed(ids, facts, rng)))
    return [(_present(*truth), _present(*pred)) for truth, pred in images]


def sample(data: Path) -> list[tuple[Side, Side]]:
    """The two sample images of panopticapi, and disturbed copies."""
    image = pytest.importorskip("skimage.io")
    folder = data / "peer_metrics" / "panopticapi" / "sample_data"
    rng = np.random.default_rng(11)
    images = []
    for record in json.loads((folder / "panoptic_examples.json").read_text())["annotations"]:
        colours = image.imread(folder / "panoptic_examples" / record["file_name"]).astype(np.int64)
        ids = colours[..., 0] + 256 * colours[..., 1] + 65536 * colours[..., 2]
        segments = record["segments_info"]
        facts = {s["id"]: (s["category_id"], bool(s["iscrowd"])) for s in segments}
        ids[ids == 0] = 1
        facts[1] = (BACKGROUND, False)
        images.append((_present(ids, facts), _present(*disturbed(ids, facts, rng))))
    return images


def disturbed(ids: np.ndarray, facts: dict, rng: np.random.Generator) -> Side:
    """Moved by some pixels; of ten segments, one lost, one joined to another, one misnamed."""
    moved = np.roll(ids, rng.integers(-3, 4, 2), axis=(0, 1))
    names = sorted(facts)
    called = {k: (facts[k][0], False) for k in names}
    for k in names:
        chance = rng.random()
        other = int(rng.choice(names))
        if k == 1 or chance > 0.3:
            continue
        if chance < 0.2:
            moved[moved == k] = 1 if chance < 0.1 else other
        else:
            called[k] = (facts[other][0], False)
    return moved, called


def _present(ids: np.ndarray, facts: dict) -> Side:
    return ids, {int(k): facts[int(k)] for k in np.unique(ids)}


def write(folder: str | Path, images: Sequence[tuple[Side, Side]]) -> None:
    """Both sides as panopticapi reads them: truth.json, truth/*.png, pred.json, pred/*.png."""
    from skimage.io import imsave

    used = {category for sides in images for _, facts in sides for category, _ in facts.values()}
    categories = [{"id": c, "name": str(c), "isthing": 1} for c in sorted(used)]
    for side, name in enumerate(("truth", "pred")):
        (Path(folder) / name).mkdir(parents=True, exist_ok=True)
        annotations = []
        for n, image in enumerate(images):
            ids, facts = image[side]
            colours = np.stack([ids % 256, ids // 256 % 256, ids // 65536], axis=-1)
            imsave(Path(folder) / name / f"{n}.png", colours.astype(np.uint8), check_contrast=False)
            areas = {k: int((ids == k).sum()) for k in facts}
            annotations.append(
                {
                    "image_id": n,
                    "file_name": f"{n}.png",
                    "segments_info": [
                        {"id": k, "category_id": c, "iscrowd": int(crowd), "area": areas[k]}
                        for k, (c, crowd) in facts.items()
                    ],
                }
            )
        record = {"categories": categories, "annotations": annotations}
        (Path(folder) / f"{name}.json").write_text(json.dumps(record))


def instances(side: Side, names: Sequence[str]) -> Instances:
    ids, facts = side
    order = sorted(facts)
    found = from_label_map(
        ids, classes=[list(names).index(str(facts[k][0])) for k in order], class_names=names
    )
    tags = tuple({"iscrowd": facts[k][1]} for k in order)
    return Instances(
        found.shape, found.boxes, found.masks, None, found.classes, found.class_names, tags
    )


def per_class(images: Sequence[tuple[Side, Side]]) -> dict[str, dict[str, float]]:
    """Our figures of each class, over all images."""
    used = {category for sides in images for _, facts in sides for category, _ in facts.values()}
    names = [str(c) for c in sorted(used)]
    sums: dict[str, float] = {}
    for truth, pred in images:
        seen = Comparison(instances(truth, names), instances(pred, names))
        for key, value in PANOPTIC.count(seen).items():
            sums[key] = sums.get(key, 0) + value
    return {
        name: PANOPTIC.divide({k: v for k, v in sums.items() if k.endswith(f":{name}")})
        for name in names
    } | {"mean": PANOPTIC.divide(sums)}


def check(
    images: Sequence[tuple[Side, Side]], recorded: dict[str, tuple[float, float, float]]
) -> None:
    ours = per_class(images)
    assert set(ours) == set(recorded)
    for name, figures in recorded.items():
        wanted = dict(zip(("pq", "sq", "rq"), figures, strict=True))
        assert ours[name] == pytest.approx(wanted, rel=0, abs=1e-9), name


def test_seeded_images_as_in_panopticapi() -> None:
    check(seeded(), RECORDED["seeded"])


def test_sample_images_as_in_panopticapi(data_dir: Path) -> None:
    check(sample(data_dir), RECORDED["sample"])


@pytest.fixture
def torch_in_double() -> Iterator[Any]:
    """torchmetrics divides its counts in the default precision, which is single."""
    torch = pytest.importorskip("torch")
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield torch
    torch.set_default_dtype(before)


def test_seeded_images_as_in_torchmetrics(torch_in_double: Any) -> None:
    torch = torch_in_double
    functional = pytest.importorskip("torchmetrics.functional.detection")
    for (true_ids, true_facts), (pred_ids, pred_facts) in seeded():
        true_facts = {k: (c, False) for k, (c, _) in true_facts.items()}
        sides = (true_ids, true_facts), (pred_ids, pred_facts)
        target, preds = (
            torch.from_numpy(
                np.stack([np.vectorize(lambda k, f=facts: f[k][0])(ids), ids], axis=-1)[None]
            )
            for ids, facts in sides
        )
        theirs = functional.panoptic_quality(
            preds, target, {1, 2, BACKGROUND}, set(), return_sq_and_rq=True, return_per_class=True
        )
        ours = per_class([sides])
        for name, (pq, sq, rq) in zip(("1", "2", "200"), theirs.tolist(), strict=True):
            assert ours[name] == pytest.approx({"pq": pq, "sq": sq, "rq": rq}, abs=1e-9), name


def test_the_toy_of_torchmetrics(data_dir: Path) -> None:
    toy = json.loads((data_dir / "peer_metrics/torchmetrics_pq_toy/toy.json").read_text())
    names = ("0", "1", "6", "7")
    sides = []
    for name in ("target", "preds"):
        pixels = np.array(toy[name])
        ids = 10 * pixels[..., 0] + pixels[..., 1] * (pixels[..., 0] < 6) + 1
        sides.append(instances((ids, {int(k): (k // 10, False) for k in np.unique(ids)}), names))
    assert panoptic_quality(*sides)["pq"] == pytest.approx(toy["expected_pq"], abs=5e-5)
