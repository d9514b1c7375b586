"""The label session: prompts, commits, edits and undo over a journal that loses nothing.

>>> from cellwright.label.session import LabelSession
>>> with LabelSession.open("plate", segmenter="region") as session:  # doctest: +SKIP
...     field = session.field("day1_t1_position10")
...     shown = field.preview(Prompts(box=(20, 30, 60, 70)), plane=3)
...     id = field.commit(shown)
...     field.undo()
"""

from cellwright.label.session.candidates import Candidates
from cellwright.label.session.cell import Cell
from cellwright.label.session.editor import Editor
from cellwright.label.session.field import QC, Field
from cellwright.label.session.policies import POLICIES
from cellwright.label.session.presence import Presence
from cellwright.label.session.preview import Preview
from cellwright.label.session.session import FieldProgress, LabelSession
from cellwright.label.session.views import View
from cellwright.label.zstack import ROUTES

__all__ = [
    "POLICIES",
    "QC",
    "ROUTES",
    "Candidates",
    "Cell",
    "Editor",
    "Field",
    "FieldProgress",
    "LabelSession",
    "Presence",
    "Preview",
    "View",
]
