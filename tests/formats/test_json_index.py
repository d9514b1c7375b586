"""Elements of a large array, found without being kept: as json.loads, in little memory."""

from __future__ import annotations

import json
import multiprocessing
import os
import pickle
import threading
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from cellwright.formats import coco, json_window
from cellwright.formats.dataset import Dataset, read_coco
from cellwright.formats.json_elements import Elements
from cellwright.formats.json_index import index_array
from cellwright.formats.json_window import Window
from cellwright.types import InputError

words = st.text(st.characters(codec="utf-8"), max_size=6) | st.sampled_from(
    ['"', "\\", "]", "},{", "\u20ac", "\U0001f52c", "\ud83d", "\u00e9\x85\xa0", " " * 40]
)
numbers = st.integers() | st.floats() | st.sampled_from([1e300, -0.0, 10**30, -1.5e-7])
values = st.recursive(
    st.none() | st.booleans() | numbers | words,
    lambda v: st.lists(v, max_size=3) | st.dictionaries(words, v, max_size=3),
    max_leaves=6,
)
groups = st.sampled_from([1, 2, 3, "a", "\u00e4"])
elements = st.builds(
    lambda group, more: {**more, "image_id": group}, groups, st.dictionaries(words, values)
)


def text_of(value: Any, spaces: Callable[[], str], ascii_only: bool) -> str:
    """JSON with white space wherever it may stand."""
    if isinstance(value, dict):
        inside = [
            spaces() + json.dumps(k, ensure_ascii=ascii_only) + spaces() + ":"
            + text_of(v, spaces, ascii_only) for k, v in value.items()
        ]  # fmt: skip
        return spaces() + "{" + (",".join(inside) or spaces()) + "}" + spaces()
    if isinstance(value, list):
        inside = [text_of(v, spaces, ascii_only) for v in value]
        return spaces() + "[" + (",".join(inside) or spaces()) + "]" + spaces()
    return spaces() + json.dumps(value, ensure_ascii=ascii_only) + spaces()


def indexed(path: Path, **options: Any) -> tuple[dict[str, Any] | None, dict[Any, list[Any]]]:
    """Other values of the file and the elements of "annotations" by their "image_id"."""
    numbers: dict[Any, int] = {}

    def begin() -> Callable[[Any], int]:
        numbers.clear()
        return lambda e: numbers.setdefault(e.get("image_id"), len(numbers))

    rest, runs = index_array(path, "annotations", begin, **options)
    return rest, dict(zip(numbers, Elements(runs, list(numbers.values())), strict=True))


def encoded(text: str) -> bytes:
    """UTF-8; what UTF-8 cannot hold (half of a surrogate pair) becomes an escape."""
    return text.encode("utf-8", "backslashreplace")


@given(data=st.data(), chunk=st.integers(1, 64), bom=st.booleans(), ascii_only=st.booleans())
@settings(max_examples=100, deadline=None)
def test_equal_to_json_loads(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject, chunk: int, bom: bool,
    ascii_only: bool,
) -> None:  # fmt: skip
    rest = data.draw(st.dictionaries(words.filter(lambda k: k != "annotations"), values))
    pairs = [*rest.items(), ("annotations", data.draw(st.lists(elements, max_size=8)))]
    document = dict(data.draw(st.permutations(pairs)))
    space = st.sampled_from(["", "", "", " ", "\n", "\r\n\t", " " * 30])
    content = encoded(text_of(document, lambda: data.draw(space), ascii_only))
    path = tmp_path_factory.getbasetemp() / "document.json"
    path.write_bytes(b"\xef\xbb\xbf" * bom + content)
    wanted = json.loads(content.decode())
    by_image: dict[Any, list[Any]] = {}
    for element in wanted.pop("annotations"):
        by_image.setdefault(element["image_id"], []).append(element)
    found, found_by_image = indexed(path, chunk=chunk)
    assert repr(found) == repr(wanted), "repr, since NaN differs from itself"
    assert repr(found_by_image) == repr(by_image)


GOOD = (
    '{"images": [{"id": 1, "n": "\u00e4"}],\n "annotations": [{"image_id": 1, "s": "\u20ac",'
    ' "x": [1.5e3]},\n {"image_id": 2}], "categories": null}'
).encode()


def reason(content: bytes) -> str | None:
    """What json.loads says against it; the first words only where ours says more."""
    try:
        json.loads(content.decode())
    except UnicodeDecodeError:
        return "no UTF-8"
    except json.JSONDecodeError as error:
        return "Expecting" if "'" in error.msg else error.msg
    return None


@pytest.mark.parametrize("chunk", [1, 50])
def test_every_cut_and_every_changed_byte_is_told_as_json_loads_does(
    tmp_path: Path, chunk: int
) -> None:
    path = tmp_path / "cut.json"
    broken = [GOOD[:n] for n in range(len(GOOD))]
    broken += [GOOD[:n] + b + GOOD[n + 1 :] for n in range(len(GOOD)) for b in (b"\xff", b"]")]
    for content in broken:
        path.write_bytes(content)
        wrong = reason(content)
        if wrong is None:
            indexed(path, chunk=chunk)
        else:
            with pytest.raises(InputError) as caught:
                indexed(path, chunk=chunk)
            assert f"no valid JSON ({wrong}" in str(caught.value)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "Expecting value: line 1 column 1, byte 0"),
        (b"hello", "Expecting value: line 1 column 1"),
        (GOOD + b"\n x", f"Extra data: line 4 column 2, byte {len(GOOD) + 2}"),
        (GOOD + GOOD, "Extra data: line 3 column 39"),
        (b"3 4", "Extra data"),
        (b'{"annotations": [{"image_id": 1},]}', "Expecting value: line 1 column 34, byte 33"),
        (b'{"annotations": [{"image_id": 1} {}]}', "Expecting ',' or ']'"),
        (b'{"a": 1,}', "property name"),
        (b"{1: 1}", "property name"),
        (b'{"a"; 1}', "Expecting ':'"),
        (b'{"a": "\n"}', "Invalid control character"),
        (b'{"a": "\\q"}', "Invalid \\escape"),
        (b'{"a": "\\u12"}', "uXXXX"),
        (b'{"a": 01}', "Expecting ',' or '}': line 1 column 8"),
        (b'{"a": \n\n"\xff"}', "no UTF-8, invalid start byte: line 3 column 2, byte 9"),
        (b'{"a": "\xed\xa0\x80"}', "no UTF-8"),
        (b'{"a": "\xe2\x82', "no UTF-8, unexpected end of data"),
        (b'{"annotations": ' + b"[" * 200_000, "recursion"),
        (b'{"images": ' + b'{"a":' * 200_000, "recursion"),
        (b'{"a": ' + b"9" * 5000 + b" }", "digits"),
        ('{"a": 1}'.encode("utf-16"), "no UTF-8"),
    ],
)
def test_no_json(tmp_path: Path, content: bytes, message: str) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(content)
    for chunk in (1, 50, 4096):
        with pytest.raises(InputError, match="no valid JSON") as caught:
            indexed(path, chunk=chunk)
        assert message in str(caught.value)
        assert str(caught.value).startswith(f"{path}: no valid JSON (")


def test_missing_file_and_other_tops(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such file"):
        indexed(tmp_path / "no.json")
    for content in ("[1, 2]", " 7 ", '"a"', "null"):
        (tmp_path / "a.json").write_text(content)
        assert indexed(tmp_path / "a.json") == (None, {})
        with pytest.raises(InputError, match="no COCO file"):
            coco.load(tmp_path / "a.json")
    (tmp_path / "a.json").write_text('{"annotations": {"a": 1}, "b": 2}')
    assert indexed(tmp_path / "a.json") == ({"annotations": {"a": 1}, "b": 2}, {})


@pytest.mark.parametrize(
    "content",
    [
        '{"annotations": [{"image_id": 1}], "a": 1, "annotations": [{"image_id": 2}], "a": 2}',
        '{"annotations": 5, "a": 2, "annotations": [{"image_id": 2}]}',
    ],
)
def test_the_last_of_equal_keys_counts(tmp_path: Path, content: str) -> None:
    path = tmp_path / "a.json"
    path.write_text(content)
    assert indexed(path) == ({"a": 2}, {2: [{"image_id": 2}]})
    path.write_text(content[:-1] + ', "annotations": null}')
    assert indexed(path)[0] == {"a": 2, "annotations": None}


class Counted:
    """A file that counts the bytes that are read until the place of an error is looked up."""

    def __init__(self, file: BinaryIO) -> None:
        self.file, self.read_bytes, self.sought = file, 0, False

    def seek(self, byte: int) -> int:
        self.sought = True
        return self.file.seek(byte)

    def read(self, size: int) -> bytes:
        data = self.file.read(size)
        self.read_bytes += 0 if self.sought else len(data)
        return data


def test_a_value_without_end_is_refused_at_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    good = b'{"annotations": [{"image_id": 1, "s": "' + b"x" * 5000 + b'"}]}'
    path.write_bytes(good)
    assert len(indexed(path, chunk=64, limit=5200)[1][1][0]["s"]) == 5000
    with pytest.raises(InputError, match=r"value at byte 17 does not end within 4,000 bytes"):
        indexed(path, chunk=64, limit=4000)
    path.write_bytes(good[:-4] + b"y" * 1_000_000)
    with path.open("rb") as file:
        counted = Counted(file)
        window = Window(counted, path, chunk=64, limit=4000)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="not closed"):
            window.value()
    assert counted.read_bytes <= 4000, "and no more is read"
    assert json_window.LIMIT == 256 * 2**20


def test_a_real_error_is_found_without_reading_on(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(b'{"annotations": [{"image_id": 1 "s": 2}, ' + b" " * 10_000 + b'{"a": "')
    with path.open("rb") as file:
        counted = Counted(file)
        window = Window(counted, path, chunk=64)  # type: ignore[arg-type]
        with pytest.raises(InputError, match="column 33, byte 32"):
            window.value()
    assert counted.read_bytes <= 64


def document(images: int, cells: int, long: int = 10) -> dict[str, Any]:
    """Cells of 1 x `long` pixels, those of the images in turn."""
    return {
        "annotations": [
            {"id": n + 1, "image_id": n % images + 1, "category_id": 3, "iscrowd": 0, "n": n,
             "segmentation": [[0, n // images, long, n // images, long, n // images + 1, 0,
                               n // images + 1]]}
            for n in range(images * cells)
        ],
        "categories": [{"id": 3, "name": "cell"}],
        "images": [
            {"id": i + 1, "file_name": f"{i}.tif", "width": 64, "height": cells}
            for i in range(images)
        ],
    }  # fmt: skip


def test_annotations_keep_the_order_of_the_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    data = document(4, 5)
    order = np.random.default_rng(0).permutation(20)
    data["annotations"] = [data["annotations"][i] for i in order if i % 4 != 2]
    path.write_text(json.dumps(data, indent=1))
    found = coco.load(path).annotations
    wanted = [[a for a in data["annotations"] if a["image_id"] == i + 1] for i in range(4)]
    assert len(found) == 4
    assert list(found) == wanted
    assert found[2] == []
    assert found[-1] == wanted[3]
    assert found[1:3] == wanted[1:3]
    with pytest.raises(IndexError):
        found[4]


def test_errors_name_the_first_annotation_that_is_wrong(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    data = document(2, 3)
    data["annotations"][4]["category_id"] = 9
    data["annotations"][5]["image_id"] = 8
    path.write_text(json.dumps(data))
    with pytest.raises(InputError, match="annotation 5 has category 9, which is not in"):
        coco.load(path)
    data["annotations"][3]["image_id"] = "\u00e4"
    path.write_text(json.dumps(data, ensure_ascii=False), "utf-8")
    with pytest.raises(InputError, match="annotation 4 belongs to image \u00e4, which is not in"):
        coco.load(path)
    for wrong, message in ((7, "TypeError"), ({"image_id": 1}, "category_id"), ([], "TypeError"),
                           ({"image_id": [], "category_id": 3}, "unhashable")):  # fmt: skip
        path.write_text(json.dumps({**data, "annotations": [wrong]}))
        with pytest.raises(InputError, match=f"damaged or incomplete.*{message}"):
            coco.load(path)
    path.write_text(json.dumps({**data, "annotations": {"1": []}}))
    with pytest.raises(InputError, match="'annotations' is a dict; a list is wanted"):
        coco.load(path)
    path.write_text(json.dumps({**data, "annotations": None}))
    assert list(coco.load(path).annotations) == [[], []]


def test_only_the_last_annotations_are_checked(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    text = json.dumps(document(2, 1))
    path.write_text('{"annotations": [{"image_id": 5, "category_id": 6}], ' + text[1:])
    assert [a["id"] for group in coco.load(path).annotations for a in group] == [1, 2]


def test_ids_are_compared_as_before(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    data = document(2, 1)
    data["images"][0]["id"], data["images"][1]["id"] = "\u20ac", 2.0
    data["annotations"][0]["image_id"] = "\u20ac"
    for ascii_only in (True, False):
        path.write_text(json.dumps(data, ensure_ascii=ascii_only), "utf-8")
        assert list(coco.load(path).annotations) == [[a] for a in data["annotations"]]


def change_size(path: Path) -> None:
    kept = path.stat().st_mtime_ns
    with path.open("a") as file:
        file.write("\n")
    os.utime(path, ns=(kept, kept))


def change_inside(path: Path) -> None:
    path.write_text(path.read_text().replace("10", "12"))
    os.utime(path, ns=(1, 1))


def change_unseen(path: Path) -> None:
    kept = path.stat().st_mtime_ns
    path.write_text("x" * path.stat().st_size)
    os.utime(path, ns=(kept, kept))


@pytest.mark.parametrize("change", [change_size, change_inside, change_unseen])
def test_a_file_that_changed_is_told(tmp_path: Path, change: Callable[[Path], None]) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document(3, 2)))
    dataset = read_coco(path)
    before = dataset.instances(1)
    change(path)
    with pytest.raises(InputError, match="has changed while it was in use") as caught:
        dataset.instances(1)
    assert str(caught.value).count(str(path)) == 1
    if change is not change_unseen:
        assert len(read_coco(path).instances(1)) == len(before)
    path.unlink()
    with pytest.raises(InputError, match="could not be read again"):
        dataset.instances(1)


def test_a_file_that_changes_while_it_is_indexed_is_told(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_bytes(GOOD)

    def begin() -> Callable[[Any], int]:
        change_size(path)
        return lambda element: 0

    with pytest.raises(InputError, match="has changed"):
        index_array(path, "annotations", begin)


def _worker(dataset: Dataset, queue: Any) -> None:
    queue.put([dataset.file.annotations[i] for i in range(len(dataset))])


def test_processes_threads_pickles_and_folders(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = document(5, 40)
    (tmp_path / "a.json").write_text(json.dumps(data))
    monkeypatch.chdir(tmp_path)
    dataset = read_coco("a.json")
    (tmp_path / "other").mkdir()
    monkeypatch.chdir(tmp_path / "other")
    wanted = [[a for a in data["annotations"] if a["image_id"] == i + 1] for i in range(5)]
    assert list(dataset.file.annotations) == wanted, "another folder changes nothing"
    again = pickle.loads(pickle.dumps(dataset))
    assert list(again.file.annotations) == wanted
    assert len(pickle.dumps(dataset)) < 12_000, "the index only"
    context = multiprocessing.get_context("fork" if os.name == "posix" else "spawn")
    queue = context.Queue()
    workers = [context.Process(target=_worker, args=(dataset, queue)) for _ in range(2)]
    for worker in workers:
        worker.start()
    assert [queue.get(timeout=30) for _ in workers] == [wanted, wanted]
    for worker in workers:
        worker.join()
    found: list[Any] = []
    threads = [
        threading.Thread(
            target=lambda: found.extend(
                dataset.file.annotations[i] == wanted[i] for i in (0, 1, 2, 3, 4) * 20
            )
        )
        for _ in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert found == [True] * 400


def test_memory_is_bounded_by_an_image(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    annotations = ",".join(
        json.dumps({"id": n, "image_id": n // 100, "category_id": 1, "bbox": [1, 2, 3, 4],
                    "segmentation": {"size": [520, 704], "counts": "PQ3n4" * 210}})
        for n in range(1000)
    )  # fmt: skip
    ending = ',"categories":[{"id":1,"name":"c"}],"images":' + json.dumps(
        [{"id": i, "file_name": f"{i}", "width": 704, "height": 520} for i in range(10)]
    )
    with path.open("w") as file:
        file.write('{"annotations":[' + ",".join([annotations] * 53) + "]" + ending + "}")
    assert path.stat().st_size > 60e6
    tracemalloc.start()
    found = coco.load(path)
    kept, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 25e6
    assert kept < 1e6
    assert len(found.annotations[7]) == 5300


def test_writing_goes_on_from_a_file_that_is_read_in_parts(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(document(3, 2)).replace('"category_id": 3', '"category_id": 1'))
    path.write_text(path.read_text().replace('"id": 3, "name"', '"id": 1, "name"'))
    file = coco.load(path)
    kept = list(file.annotations)
    coco.dump(zip(file.images, file.annotations, strict=True), path, class_names=("cell",))
    again = list(coco.load(path).annotations)
    numbers = [[a["n"] for a in group] for group in again]
    assert numbers == [[a["n"] for a in group] for group in kept] == [[0, 3], [1, 4], [2, 5]]
    with pytest.raises(InputError, match="has changed"):
        file.annotations[0]
