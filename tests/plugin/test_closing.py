"""Closing the window with proposed cells that were not committed."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

Annotate, Settle = Callable[..., Any], Callable[[Any], None]


def propose(a: Any, settle: Settle) -> None:
    """Draw the box of a cell of the field that is shown, and segment it."""
    r0, c0, r1, c1 = (float(v) for v in a.field.cells().boxes[0])
    a.layers.boxes.add_rectangles([[r0 - 0.5, c0 - 0.5], [r1 - 0.5, c1 - 0.5]])
    a.prompting.segment()
    settle(a)


def test_proposed_cells_of_all_fields_are_counted(
    plate: Path, annotate: Annotate, settle: Settle
) -> None:
    a = annotate(plate).annotation
    assert a.uncommitted() == {}
    first = a.field.name
    propose(a, settle)
    a.step(1)
    settle(a)
    second = a.field.name
    propose(a, settle)
    assert a.uncommitted() == {first: 1, second: 1}
    a.prompting.commit()
    settle(a)
    assert a.uncommitted() == {first: 1}
    a.close()
    assert a.uncommitted() == {}


@pytest.mark.parametrize("agreed", [True, False])
def test_the_window_asks_before_it_closes(application: Any, agreed: bool) -> None:
    from qtpy.QtWidgets import QWidget

    from cellwright.plugin.closing import CloseGuard

    window, asked = QWidget(), []
    left = {"a": 2, "b": 0}

    def agree(parent: Any, text: str) -> bool:
        asked.append((parent, text))
        return agreed

    CloseGuard(window, lambda: left, agree)
    window.show()
    assert window.close() is agreed
    assert window.isVisible() is not agreed
    assert asked == [(window, "2 proposed cells are not committed (a: 2). Close and lose them?")]
    left.clear()
    window.show()
    assert window.close()
    assert len(asked) == 1, "with nothing to lose nothing is asked"


def test_the_question_names_a_few_fields() -> None:
    from cellwright.plugin.closing import question

    assert question({"a": 1}).startswith(
        "1 proposed cell is not committed (a: 1). Close and lose it"
    )
    many = question({f"f{k}": 1 for k in range(9)})
    assert many.startswith("9 proposed cells are not committed (f0: 1, ")
    assert many.endswith("f4: 1, and 4 more fields). Close and lose them?")
    assert np.sum([f"f{k}" in many for k in range(9)]) == 5
