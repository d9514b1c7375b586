"""Replay gives the state in memory, whatever was done, in whatever order records are read."""

from __future__ import annotations

import random
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from cellwright.formats import DatasetWriter
from cellwright.geometry import from_masks
from cellwright.label.session import Field, LabelSession
from cellwright.label.session.field import base_entries
from cellwright.label.session.replay import FieldState
from cellwright.types import Image, InputError, Sample

SIZE = 20
QUICK = settings(
    max_examples=25,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)

corner = st.integers(0, SIZE - 2)
rectangle = st.tuples(corner, corner, st.integers(1, 9), st.integers(1, 9))
which = st.integers(0, 50)
step = st.one_of(
    st.tuples(
        st.just("commit"), rectangle, st.sampled_from(["allow", "keep-pixels", "keep-objects"])
    ),
    st.tuples(st.sampled_from(["paint", "erase", "redraw"]), which, rectangle),
    st.tuples(st.just("split"), which, corner),
    st.tuples(st.just("merge"), which, which),
    st.tuples(st.just("delete"), which),
    st.tuples(st.just("relabel"), which, st.sampled_from(["cell", "Alive", "Dead"])),
    st.tuples(st.sampled_from(["undo", "redo"])),
    st.tuples(st.just("accept"), which),
    st.tuples(st.just("reject"), which),
)


def mask(box: tuple[int, int, int, int]) -> np.ndarray:
    out = np.zeros((SIZE, SIZE), bool)
    out[box[0] : box[0] + box[2], box[1] : box[1] + box[3]] = True
    return out


PROPOSED = from_masks([mask((r, c, 4, 5)) for r in (1, 8) for c in (2, 7, 11)])


@pytest.fixture(scope="module")
def empty(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data set of one field that came with two cells."""
    folder = tmp_path_factory.mktemp("replay") / "set"
    cells = from_masks([mask((0, 0, 6, 6)), mask((10, 10, 7, 5))])
    with DatasetWriter(folder) as writer:
        writer.add(Sample("a", Image(np.zeros((SIZE, SIZE), np.uint8)), cells))
    return folder


def do(field: Field, action: tuple[Any, ...]) -> None:
    """Do one step; one that the session refuses changes nothing."""
    name, *rest = action
    ids = field.ids()
    pick: Callable[[int], str] = lambda n: ids[n % len(ids)]  # noqa: E731
    try:
        if name == "commit":
            field.commit(mask(rest[0]), policy=rest[1])
        elif name in ("undo", "redo"):
            getattr(field, name)()
        elif name in ("accept", "reject"):
            open_ = field.candidates.ids()
            if open_:
                getattr(field.candidates, name)(open_[rest[0] % len(open_)])
        elif not ids:
            return
        elif name == "split":
            field.edit.split(pick(rest[0]), line=[(-1, rest[1]), (SIZE, rest[1])])
        elif name == "merge":
            field.edit.merge([pick(rest[0]), pick(rest[1])])
        elif name == "relabel":
            field.edit.relabel(pick(rest[0]), rest[1])
        elif name == "delete":
            field.edit.delete(pick(rest[0]))
        else:
            getattr(field.edit, name)(pick(rest[0]), mask(rest[1]))
    except InputError:
        return


def seen(state: FieldState) -> list[tuple]:
    return [
        (c.id, c.patch.frame().tobytes(), c.class_name, c.planes, tuple(sorted(c.tags.items())))
        for c in state.cells
    ]


@dataclass
class Model:
    """The same session written down plainly: full masks, and whole copies for undo."""

    cells: dict[str, np.ndarray] = field(default_factory=dict)
    past: list[dict[str, np.ndarray]] = field(default_factory=list)
    future: list[dict[str, np.ndarray]] = field(default_factory=list)

    def keep(self, cells: dict[str, np.ndarray]) -> None:
        self.past.append(self.cells)
        self.cells, self.future = {i: m for i, m in cells.items() if m.any()}, []

    def step(self, action: tuple[Any, ...], ids: tuple[str, ...], new: list[str]) -> None:
        """What the action makes of the cells; `ids` are those before, `new` those that came."""
        name, *rest = action
        now = {i: m.copy() for i, m in self.cells.items()}
        if name in ("undo", "redo"):
            take, give = (self.past, self.future)[:: 1 if name == "undo" else -1]
            if take:
                give.append(self.cells)
                self.cells = take.pop()
            return
        if name == "commit":
            pixels, policy = mask(rest[0]), rest[1]
            if policy == "keep-pixels":
                pixels &= ~np.any([*now.values(), np.zeros_like(pixels)], axis=0)
            if policy == "keep-objects":
                if any((m & pixels).sum() >= 0.75 * m.sum() for m in now.values()):
                    return
                now = {i: m & ~pixels for i, m in now.items()}
            if pixels.any():
                self.keep(now | {new[0]: pixels})
            return
        if not ids:
            return
        id = ids[rest[0] % len(ids)]
        if name == "delete":
            del now[id]
        elif name == "merge":
            other = ids[rest[1] % len(ids)]
            if other == id:
                return
            now[id] |= now.pop(other)
        elif name in ("paint", "erase", "redraw"):
            stroke = mask(rest[1])
            was = now[id]
            now[id] = {"paint": was | stroke, "erase": was & ~stroke, "redraw": stroke}[name]
            if (now[id] == was).all():
                return
        elif name == "split":
            if not new:
                return
            raise AssertionError("left to the session")
        self.keep(now)


@QUICK
@given(st.lists(step.filter(lambda s: s[0] not in ("split", "accept", "reject")), max_size=18))
def test_the_session_does_what_a_plain_model_does(empty: Path, steps: list) -> None:
    with (
        tempfile.TemporaryDirectory() as folder,
        LabelSession.open(empty, journal=folder, author="ann") as session,
    ):
        one = session.field("a")
        model = Model({i: one.cell(i).patch.frame() for i in one.ids()})
        for action in steps:
            ids = one.ids()
            do(one, action)
            new = [i for i in one.ids() if i not in ids]
            if action[0] == "relabel":  # the model knows no classes, but the step counts
                if ids:
                    model.keep(model.cells)
            else:
                model.step(action, ids, new)
            got = {i: one.cell(i).patch.frame() for i in one.ids()}
            assert got.keys() == model.cells.keys(), action
            for id, pixels in got.items():
                np.testing.assert_array_equal(pixels, model.cells[id], err_msg=str(action))


@QUICK
@given(st.lists(step, max_size=18), st.randoms(use_true_random=False))
def test_replay_equals_the_state_in_memory(empty: Path, steps: list, rng: random.Random) -> None:
    with tempfile.TemporaryDirectory() as folder:
        with LabelSession.open(empty, journal=folder, author="ann") as session:
            one = session.field("a")
            one.candidates.propose(PROPOSED)
            for action in steps:
                do(one, action)
            was = seen(session.state("a"))
            stacks = session.state("a").stacks["ann"]
            left = one.candidates.ids()
            records = list(session.state("a").records)
        with LabelSession.open(empty, journal=folder, author="ann") as session:
            again = session.field("a")
            assert seen(session.state("a")) == was
            assert session.state("a").stacks["ann"] == stacks
            assert again.candidates.propose(PROPOSED) == left
            base = base_entries(session.dataset, 0)
        rng.shuffle(records)
        state = FieldState((SIZE, SIZE), base)
        while records:
            some = rng.randint(1, 3)
            state.apply(records[:some])
            del records[:some]
            assert len(state.cells) >= 0
        assert seen(state) == was


@QUICK
@given(
    st.lists(st.tuples(st.integers(0, 1), st.booleans(), step), max_size=20),
    st.randoms(use_true_random=False),
)
def test_two_sessions_merge_the_same_whatever_the_order_of_reading(
    empty: Path, steps: list, rng: random.Random
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        both = [LabelSession.open(empty, journal=folder, author=a) for a in ("ann", "bob")]
        fields = [s.field("a") for s in both]
        for one in fields:
            one.candidates.propose(PROPOSED)
        for who, refresh, action in steps:
            if refresh:
                both[who].refresh()
            do(fields[who], action)
        for session in both:
            session.refresh()
        was = seen(both[0].state("a"))
        assert seen(both[1].state("a")) == was
        assert [f.candidates.ids() for f in fields] == [fields[0].candidates.ids()] * 2
        with LabelSession.open(empty, journal=folder, announce=False) as third:
            assert seen(third.state("a")) == was
            base = base_entries(third.dataset, 0)
            records = list(third.state("a").records)
        for session in both:
            session.close()
        for _ in range(2):
            rng.shuffle(records)
            state = FieldState((SIZE, SIZE), base)
            for record in records:
                state.apply([record])
            assert seen(state) == was
        # names of files, and so the order of reading, do not matter
        paths = list(Path(folder).glob("*.jsonl"))
        for number, path in enumerate(rng.sample(paths, len(paths))):
            shutil.move(path, path.with_name(f"{number}.jsonl"))
        with LabelSession.open(empty, journal=folder, announce=False) as fourth:
            assert seen(fourth.state("a")) == was


def test_records_applied_twice_count_once(empty: Path, tmp_path: Path) -> None:
    with LabelSession.open(empty, journal=tmp_path, author="ann") as session:
        one = session.field("a")
        a = one.commit(mask((0, 0, 3, 3)))
        one.edit.paint(a, mask((5, 5, 3, 3)))
        one.undo()
        state = session.state("a")
        was, version = seen(state), state.version
        state.apply([replace(r) for r in state.records])
        assert seen(state) == was
        assert state.version == version
