"""The step as a whole: what is written, the same bytes each time, what is refused."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from cellwright.formats.dataset import DatasetWriter, open_dataset, write_dataset
from cellwright.geometry import from_label_map
from cellwright.steps.extend import SETTINGS_NAME, extend
from cellwright.steps.extending.maker import Maker
from cellwright.steps.simulate import simulate
from cellwright.types import Image, InputError, Instances, Sample

QUIET = {"quiet": True}


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    """Three phase-contrast fields of cells with nuclei."""
    folder = tmp_path_factory.mktemp("extend") / "data"
    simulate(folder, fields=3, shape=(72, 80), diameter=6.0, cells=9, nuclei=True,
             modality="phase", quiet=True)  # fmt: skip
    return folder


def files(folder):
    """Bytes of every file."""
    found = sorted(p for p in folder.rglob("*") if p.is_file())
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in found}


def field(name, labels, dtype=np.uint8, **tags):
    """A sample with cells of 60 over 20."""
    plane = np.where(np.asarray(labels) > 0, 60, 20).astype(dtype)
    return Sample(name, Image(plane, "YX", tags=tags), from_label_map(np.asarray(labels)))


def one_cell(shape=(33, 41), at=(9, 11), size=7):
    labels = np.zeros(shape, int)
    labels[at[0] : at[0] + size, at[1] : at[1] + size] = 1
    return labels


@pytest.mark.parametrize("how", ["grey", "phase", "simulate"])
def test_counts_are_exact_and_cells_lie_apart_enough(data, tmp_path, how) -> None:
    result = extend(data, tmp_path / "a", how=how, n=3, density="4..7", overlap="0..0.1", **QUIET)
    assert (result.done, result.skipped, result.details["short"]) == (3, 0, 0)
    made = open_dataset(tmp_path / "a")
    assert made.names == tuple(f"{how}_{k:05d}" for k in range(3))
    total = 0
    for i in range(3):
        facts, sample = made.record(i)["extended"], made[i]
        cells = sample.instances[sample.instances.classes == 0]
        assert 4 <= facts["asked"] <= 7
        assert len(cells) == facts["asked"] == facts["cells"]
        assert sample.image.tags["extended"] == how
        assert sample.image.shape == (72, 80)
        total += len(cells)
        if how != "simulate":
            cover = np.zeros(cells.shape, int)
            boxes = [np.s_[r:r1, c:c1] for r, c, r1, c1 in cells.boxes.tolist()]
            for box, mask in zip(boxes, cells.masks, strict=True):
                cover[box] += mask
            for box, mask in zip(boxes, cells.masks, strict=True):
                assert (cover[box][mask] > 1).mean() <= 0.1
    assert result.details["cells"] == total


def test_same_bytes_whatever_the_workers_and_the_seed_counts(data, tmp_path) -> None:
    for name, jobs in (("a", 1), ("b", 2)):
        extend(data, tmp_path / name, how="phase", n=4, seed=3, jobs=jobs, **QUIET)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    extend(data, tmp_path / "c", how="phase", n=1, seed=4, **QUIET)
    image = "images/phase_00000.tif"
    assert files(tmp_path / "a")[image] != files(tmp_path / "c")[image]


def test_a_stopped_call_is_finished_by_the_same_call(data, tmp_path, monkeypatch) -> None:
    make = Maker.make

    def stops(self, number):
        if number == 2:
            raise KeyboardInterrupt
        return make(self, number)

    monkeypatch.setattr(Maker, "make", stops)
    with pytest.raises(KeyboardInterrupt):
        extend(data, tmp_path / "a", n=4, originals=True, **QUIET)
    monkeypatch.undo()
    again = extend(data, tmp_path / "a", n=4, originals=True, **QUIET)
    assert (again.done, again.skipped) == (2, 2)
    extend(data, tmp_path / "b", n=4, originals=True, **QUIET)
    assert files(tmp_path / "a") == files(tmp_path / "b")
    assert open_dataset(tmp_path / "a").names[:3] == open_dataset(data).names
    more = extend(data, tmp_path / "a", n=5, originals=True, **QUIET)
    assert (more.done, more.skipped) == (1, 4)
    with pytest.raises(InputError, match="another seed .0, now 1.: use the same settings"):
        extend(data, tmp_path / "a", n=5, originals=True, seed=1, **QUIET)


def test_own_density_is_drawn_type_by_type(tmp_path) -> None:
    few, many = one_cell(), np.zeros((33, 41), int)
    for k in range(9):
        many[3 + 10 * (k // 3) : 7 + 10 * (k // 3), 5 + 12 * (k % 3) : 9 + 12 * (k % 3)] = k + 1
    write_dataset(
        [field("few", few, cell_line="A"), field("many", many, cell_line="B")], tmp_path / "data"
    )
    extend(tmp_path / "data", tmp_path / "out", n=4, **QUIET)
    made = open_dataset(tmp_path / "out")
    lines = [made.tags(i)["cell_line"] for i in range(4)]
    assert lines == ["A", "B", "A", "B"]
    counts = [made.record(i)["extended"]["asked"] for i in range(4)]
    assert counts == [1, 9, 1, 9]
    for i in range(4):
        assert {t["source"] for t in made.instances(i).tags} == {"few" if i % 2 == 0 else "many"}


def test_cells_of_one_image_are_of_one_size(tmp_path) -> None:
    """Images of two magnifications are not mixed, nor are their densities."""
    samples = []
    for number, (size, count) in enumerate(((4, 6), (5, 7), (12, 1), (14, 2))):
        labels = np.zeros((60, 80), int)
        for k in range(count):
            row, col = 3 + 20 * (k // 4), 3 + 19 * (k % 4)
            labels[row : row + size, col : col + size] = k + 1
        samples.append(field(f"{number}", labels))
    write_dataset(samples, tmp_path / "data")
    extend(tmp_path / "data", tmp_path / "out", n=40, overlap=0, mixed=4, **QUIET)
    made = open_dataset(tmp_path / "out")
    seen = set()
    for i in range(len(made)):
        about = made.record(i)["extended"]
        sources = {t["source"] for t in made.instances(i).tags}
        small = sources <= {"0", "1"}
        assert small or sources <= {"2", "3"}
        assert about["asked"] in ((6, 7) if small else (1, 2))
        seen |= sources
    assert seen == {"0", "1", "2", "3"}


def test_without_rotation_cells_lie_as_they_lay(tmp_path) -> None:
    labels = one_cell(shape=(60, 60), at=(20, 20), size=12)
    labels[20:26, 26:32] = 0  # an L: no turn and no mirror image of it is the same
    light = np.where(labels > 0, 60 + np.arange(60), 20).astype(np.uint8)  # brighter to the right
    sample = Sample("l", Image(light, "YX"), from_label_map(labels))
    write_dataset([sample], tmp_path / "data")
    form = labels[20:32, 20:32] > 0

    def pasted(name, **more):
        extend(tmp_path / "data", tmp_path / name, n=6, density=2, overlap=0.0, **more, **QUIET)
        for image in open_dataset(tmp_path / name):
            height, width = image.instances.shape
            for box, mask in zip(
                image.instances.boxes.tolist(), image.instances.masks, strict=True
            ):
                if min(box[:2]) > 0 and box[2] < height and box[3] < width:
                    yield image.image.data[box[0] : box[2], box[1] : box[3]], mask

    found = list(pasted("still", rotate=False))
    assert len(found) > 6
    for pixels, mask in found:
        np.testing.assert_array_equal(mask, form)
        np.testing.assert_array_equal(np.diff(pixels[8:].astype(int), axis=1), 1)
    assert any(m.shape != form.shape or (m != form).any() for _, m in pasted("turned"))


def test_classes_are_types(tmp_path) -> None:
    labels = one_cell() + 2 * one_cell(at=(20, 25), size=5)
    cells = replace(from_label_map(labels), classes=np.array([0, 1]), class_names=("a", "b"))
    write_dataset([replace(field("f", labels), instances=cells)], tmp_path / "data")
    extend(tmp_path / "data", tmp_path / "out", n=2, by="class", density=3, **QUIET)
    made = open_dataset(tmp_path / "out")
    assert [set(made.instances(i).classes.tolist()) for i in range(2)] == [{0}, {1}]


def test_what_does_not_fit_is_left_out_and_recorded(tmp_path, caplog) -> None:
    write_dataset([field("f", one_cell())], tmp_path / "data")
    result = extend(tmp_path / "data", tmp_path / "out", n=1, density=90, **QUIET)
    facts = open_dataset(tmp_path / "out").record(0)["extended"]
    assert facts["asked"] == 90
    assert 3 < facts["cells"] < 40
    assert result.details["short"] == 1
    assert "hold fewer cells" in caplog.text
    with pytest.raises(InputError, match="times the room"):
        extend(tmp_path / "data", tmp_path / "x", density=9000, shape=(64, 64), **QUIET)


def empty(shape=(20, 20)):
    return field("e", np.zeros(shape, int))


@pytest.mark.parametrize(
    ("samples", "message"),
    [
        ([replace(empty(), instances=None)], "no image is labelled"),
        ([empty()], "no cell of its 1 images"),
        ([field("b", one_cell(at=(0, 0)))], "the border"),
        ([field("f", np.ones((20, 20), int))], "the border"),
        ([field("f", one_cell()), field("g", one_cell(), np.uint16)], "differ in their planes"),
        ([field("f", one_cell(), split="test")], "1 images are of split test.*--where split=train"),
        ([field("f", one_cell(), split="val")], "split val"),
    ],
)
def test_data_sets_that_cannot_be_extended(tmp_path, samples, message) -> None:
    write_dataset(samples, tmp_path / "data", class_names=("cell",))
    with pytest.raises(InputError, match=message):
        extend(tmp_path / "data", tmp_path / "out", n=1, **QUIET)
    assert not (tmp_path / "out").exists()


def test_val_is_used_if_asked_for_but_test_never(tmp_path) -> None:
    samples = [field(s, one_cell(), split=s) for s in ("train", "val", "test")]
    write_dataset(samples, tmp_path / "data")
    extend(tmp_path / "data", tmp_path / "a", n=1, where={"split": ["train", "val"]}, **QUIET)
    with pytest.raises(InputError, match="split test"):
        extend(tmp_path / "data", tmp_path / "b", n=1, where={"split": "test"}, **QUIET)


@pytest.mark.parametrize(
    "wrong",
    [
        {"how": "blue"},
        {"n": 0},
        {"jobs": 0},
        {"mixed": 0},
        {"density": "many"},
        {"density": "0..3"},
        {"density": "3..2"},
        {"density": 2.5},
        {"overlap": "0..2"},
        {"overlap": "0..0.1..0.2"},
        {"overlap": -0.1},
        {"clustered": 1.5},
        {"resize": "0..1"},
        {"elastic": 2},
        {"edge": -1},
        {"how": "pix2pix"},
        {"how": "simulate", "rotate": False},
        {"model": "m"},
        {"preset": "livecell"},
        {"how": "simulate", "preset": "none-of-that-name"},
        {"by": "cell_line"},
        {"where": {"split": "none"}},
    ],
)
def test_wrong_arguments_leave_no_folder(data, tmp_path, wrong) -> None:
    with pytest.raises(InputError):
        extend(data, tmp_path / "out", **{"n": 1, **wrong}, **QUIET)
    assert not (tmp_path / "out").exists()


def test_other_data_sets_are_not_overwritten(data, tmp_path) -> None:
    with pytest.raises(InputError, match="data set itself"):
        extend(data, data, n=1, **QUIET)
    simulate(tmp_path / "other", fields=1, shape=(32, 32), diameter=5.0, quiet=True)
    with pytest.raises(InputError, match="not extended"):
        extend(data, tmp_path / "other", n=1, **QUIET)


def test_a_preset_of_the_simulator(data, tmp_path) -> None:
    extend(data, tmp_path / "out", how="simulate", preset="dapi", n=1, density=2,
           shape=(160, 160), **QUIET)  # fmt: skip
    made = open_dataset(tmp_path / "out")
    assert made.record(0)["extended"]["how"] == "simulate"
    assert len(made.instances(0)) >= 1


def test_translated_images_keep_the_cells(data, tmp_path, monkeypatch) -> None:
    import cellwright.synth.translate as translate

    class Negative:
        def apply(self, image: Image, seed: int = 0) -> Image:
            assert seed >= 0
            return replace(image, data=np.stack([65535 - image.data] * 2), axes="CYX")

    monkeypatch.setattr(translate, "load_translator", lambda path, device: Negative())
    extend(data, tmp_path / "p", how="pix2pix", model="folder", n=1, seed=2, **QUIET)
    extend(data, tmp_path / "q", how="phase", n=1, seed=2, **QUIET)
    made, plain = open_dataset(tmp_path / "p")[0], open_dataset(tmp_path / "q")[0]
    np.testing.assert_array_equal(made.image.data[1], 65535 - plain.image.data)
    np.testing.assert_array_equal(made.instances.boxes, plain.instances.boxes)


def test_settings_are_written(data, tmp_path) -> None:
    extend(data, tmp_path / "out", n=1, **QUIET)
    settings = json.loads((tmp_path / "out" / SETTINGS_NAME).read_text())
    assert settings["overlap"] == [0.0, 0.2]
    assert settings["classes"] == ["cell", "nucleus"]


def test_crowds_are_not_pasted(tmp_path) -> None:
    cells = from_label_map(one_cell())
    crowd = Instances(cells.shape, cells.boxes, cells.masks, tags=({"iscrowd": True},))
    with DatasetWriter(tmp_path / "data") as writer:
        writer.add(replace(field("f", one_cell()), instances=crowd))
    with pytest.raises(InputError, match="no cell"):
        extend(tmp_path / "data", tmp_path / "out", n=1, **QUIET)
