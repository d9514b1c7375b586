"""A label session: the fields of a data set, what was committed, and the journal that keeps it."""

from __future__ import annotations

import logging
import threading
from collections import OrderedDict, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from cellwright.formats.dataset import Dataset, open_dataset, read_coco
from cellwright.label.session.journal import FOLDER, Journal, Record, garbage_later
from cellwright.label.session.policies import check_policy
from cellwright.label.session.presence import SUFFIX, Beacon, Presence, others
from cellwright.label.session.preview import settings_of
from cellwright.label.session.replay import FieldState
from cellwright.types import InputError, PromptSegmenter

if TYPE_CHECKING:
    from cellwright.label.session.field import Field

log = logging.getLogger(__name__)

EMBEDDINGS = 4
"""Embeddings of views that are kept in memory."""


@dataclass(frozen=True, slots=True)
class FieldProgress:
    """How far a field is.

    Parameters
    ----------
    name
        Name of the field.
    cells
        Cells that are committed.
    done
        Whether somebody said that all cells are there.
    qc
        Its quality check, one of `cellwright.label.session.field.QC`.
    route
        How its truth is made, one of `cellwright.label.zstack.ROUTES`, or "" if nobody said.
    authors
        Who worked on it.
    """

    name: str
    cells: int
    done: bool
    qc: str
    route: str
    authors: tuple[str, ...]


class LabelSession:
    """Labels a data set; every commit and edit is on disk before it shows.

    Use `LabelSession.open`. All methods may be called from several threads.
    """

    def __init__(
        self, dataset: Dataset, journal: Journal, *, segmenter: PromptSegmenter | None,
        model: str, settings: Mapping[str, Any], policy: str, classes: Sequence[str],
        announce: bool = True,
    ) -> None:  # fmt: skip
        self.dataset, self.journal = dataset, journal
        self.segmenter, self.model, self.settings = segmenter, model, dict(settings)
        self.policy = check_policy(policy)
        self.lock = threading.RLock()
        self.embeddings: OrderedDict[Any, Any] = OrderedDict()
        self._place = {str(image["name"]): i for i, image in enumerate(dataset.file.images)}
        self._given: dict[str, int] = {}
        self._index = {name: i for i, name in enumerate(dataset.names)}
        self._records: defaultdict[str, list[Record]] = defaultdict(list)
        self._states: dict[str, FieldState] = {}
        self._fields: dict[str, Field] = {}
        self._number, self._announce = 0, announce
        self._predictions: list[tuple[str, Dataset, float]] = []
        self.default_class = (tuple(classes) or dataset.class_names)[0]
        self._classes = dict.fromkeys((*dataset.class_names, *classes))
        self._beacon = Beacon(journal.folder / (journal.token + SUFFIX), author=journal.author)
        with garbage_later():
            self._take(journal.read())

    @classmethod
    def open(
        cls,
        dataset: str | Path | Dataset,
        *,
        author: str | None = None,
        segmenter: PromptSegmenter | str | None = None,
        model: str | None = None,
        settings: Mapping[str, Any] | None = None,
        policy: str = "allow",
        classes: Sequence[str] = (),
        journal: str | Path | None = None,
        skip_damaged: bool = False,
        announce: bool = True,
    ) -> LabelSession:
        """Open a data set for labelling and replay its journal.

        Parameters
        ----------
        dataset
            Folder of the data set.
        author
            Who works; the name of the account by default.
        segmenter
            A promptable segmenter or its name (`cellwright.label.prompting`); without one
            there is no `Field.preview`, all else works.
        model, settings
            What the journal says of the segmenter; its name and its fields by default.
        policy
            What commits do over earlier cells: "allow", "keep-pixels" or "keep-objects", see
            `cellwright.label.session.policies`.
        classes
            Classes beside those of the data set, for example ``("Alive", "Dead")``; the first
            one is that of new cells.
        journal
            Folder of the journal, if not ``journal`` in the data set (which may be read-only).
        skip_damaged
            Leave out damaged lines of the journal instead of refusing to open it.
        announce
            Let others see which fields are open here; reading alone needs not.

        Raises
        ------
        InputError
            No data set there, an unknown policy or segmenter, or a damaged journal.
        """
        found = dataset if isinstance(dataset, Dataset) else open_dataset(dataset)
        if isinstance(segmenter, str):
            from cellwright.label.prompting import prompt_segmenter

            model = model or segmenter
            segmenter = prompt_segmenter(segmenter, by_hand=True)
        if settings is None:
            settings = settings_of(segmenter)
        folder = Path(journal) if journal is not None else found.root / FOLDER
        return cls(
            found, Journal(folder, author=author, skip_damaged=skip_damaged),
            segmenter=segmenter, model=model or type(segmenter).__name__, settings=settings,
            policy=policy, classes=classes, announce=announce,
        )  # fmt: skip

    @property
    def names(self) -> tuple[str, ...]:
        """Names of the fields, in the order of the data set."""
        return self.dataset.names

    @property
    def author(self) -> str:
        """Who works."""
        return self.journal.author

    @property
    def class_names(self) -> tuple[str, ...]:
        """Classes of the data set, those asked for, and those met in the journal."""
        return tuple(self._classes)

    def field(self, name: str) -> Field:
        """The field `name`; if somebody else has it open, the log says so (it is not locked)."""
        from cellwright.label.session.field import Field

        with self.lock:
            if name not in self._index:
                known = ", ".join(self.names[:5]) + (" ..." if len(self.names) > 5 else "")
                raise InputError(f"there is no field {name!r}; the data set has {known}")
            if name not in self._fields:
                for other in self.others(name) if self._announce else ():
                    log.warning(
                        "%s has the field %s open too; its commits show on refresh, and yours "
                        "are kept beside them", other, name,
                    )  # fmt: skip
                self._fields[name] = Field(self, name, self._index[name])
                self._show()
                for source, predictions, least in self._predictions:
                    self._fields[name].candidates.take(source, predictions, least)
            return self._fields[name]

    def _show(self) -> None:
        if self._announce:
            self._beacon.show(self._fields)

    def release(self, name: str) -> None:
        """Forget a field that is not looked at any more; what was committed is in the journal."""
        with self.lock:
            self._states.pop(name, None)
            if self._fields.pop(name, None) is not None:
                self._show()

    def others(self, field: str | None = None) -> list[Presence]:
        """Other sessions that are open now, of one field or of the whole data set."""
        found = others(self.journal.folder, self._beacon.path)
        return [p for p in found if field is None or field in p.fields]

    def refresh(self) -> tuple[str, ...]:
        """Take up what other sessions committed; names of the fields that changed.

        Call it now and then (every few seconds): it also says that this session lives.
        """
        with self.lock:
            self._beacon.beat()
            return self._take(self.journal.read())

    def use_predictions(self, path: str | Path, *, min_score: float = 0.0) -> int:
        """Open predictions of a model as automatic masks of the fields with the same names.

        Parameters
        ----------
        path
            Folder that ``predict`` wrote, or a COCO file.
        min_score
            Cells below it are left out.

        Returns
        -------
        int
            Number of fields that have predictions.

        Raises
        ------
        InputError
            If there are none, or none of a field of this data set.
        """
        found = read_coco(path)
        common = set(found.names) & set(self.names)
        if not common:
            raise InputError(
                f"{path}: the predictions are of {', '.join(found.names[:3])} ..., the data set "
                f"has {', '.join(self.names[:3])} ...; they must be of the same images"
            )
        source = f"predictions {Path(path).name}"
        with self.lock:
            self._predictions.append((source, found, min_score))
            for field in self._fields.values():
                field.candidates.take(source, found, min_score)
        return len(common)

    def progress(self) -> tuple[FieldProgress, ...]:
        """How far each field is, in the order of the data set."""
        with self.lock, garbage_later():
            return tuple(self._progress(name) for name in self.names)

    def _progress(self, name: str) -> FieldProgress:
        records = self._records.get(name, [])
        if records or name in self._states:
            state = self.state(name)
            cells, notes = state.count(), state.notes
        else:
            if name not in self._given:
                came = self.dataset.labelled(self._index[name])
                found = self.dataset.file.annotations[self._place[name]] if came else ()
                self._given[name] = len(found)
            cells, notes = self._given[name], {}
        people = tuple(sorted({str(r.body["by"][0]) for r in records}))
        return FieldProgress(
            name, cells, bool(notes.get("done")), str(notes.get("qc", "unchecked")),
            str(notes.get("route", "")), people,
        )  # fmt: skip

    def touched(self, name: str) -> bool:
        """Whether the journal says anything of a field."""
        return bool(self._records.get(name))

    def state(self, name: str) -> FieldState:
        """Replayed state of a field."""
        with self.lock:
            if name not in self._states:
                from cellwright.label.session.field import base_entries

                index = self._index[name]
                with garbage_later():
                    shape = self.dataset.shape(index)
                    state = FieldState(shape, base_entries(self.dataset, index))
                    state.apply(self._records.get(name, ()))
                self._states[name] = state
            return self._states[name]

    def write(self, bodies: Sequence[Mapping[str, Any]]) -> list[Record]:
        """Write records of fields; they are on disk, then applied, when this returns."""
        with self.lock:
            for body in bodies:
                self.state(str(body["field"]))  # so that nothing can fail after the writing
            records = self.journal.append(bodies)
            self._take(records)
            self._beacon.beat()
            return records

    def _take(self, records: Sequence[Record]) -> tuple[str, ...]:
        changed: dict[str, list[Record]] = defaultdict(list)
        for record in records:
            if "field" in record.body:
                changed[str(record.body["field"])].append(record)
        for name, new in changed.items():
            if name not in self._place and name not in self._records:
                log.warning("the journal speaks of the field %s, which is not there", name)
            self._records[name] += new
            for record in new:
                for entry in record.body.get("cells", ()):
                    self._learn_classes(entry)
            if name in self._states:
                self._states[name].apply(new)
        return tuple(changed)

    def _learn_classes(self, entry: Mapping[str, Any]) -> None:
        for verb in ("new", "base", "set"):
            if "class" in entry.get(verb, ()):
                self._classes.setdefault(str(entry[verb]["class"]))

    def new_id(self) -> str:
        """An id for a new cell, which no other session gives."""
        with self.lock:
            self._number += 1
            return f"{self.journal.token}-{self._number}"

    def remember(self, key: Any, embedding: Any) -> Any:
        """Keep the embedding of a view; the ones not used for longest are forgotten."""
        with self.lock:
            self.embeddings[key] = embedding
            self.embeddings.move_to_end(key)
            while len(self.embeddings) > EMBEDDINGS:
                self.embeddings.popitem(last=False)
        return embedding

    def close(self) -> None:
        """Let go of the files; nothing is waiting to be saved."""
        with self.lock:
            self._beacon.close()
            self.journal.close()

    def __enter__(self) -> LabelSession:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:  # fmt: skip
        self.close()
