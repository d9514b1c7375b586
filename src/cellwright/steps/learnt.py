"""Which images a model learnt from, so that none of them passes for a test.

A model card names them by the fingerprints of `cellwright.steps.extending.origins`, whether they
were trained on themselves or by cells that were pasted from them. ``predict`` hands the list on,
and what scores predictions refuses such images, or says how many there are if they were asked for.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from cellwright.steps.cells import some
from cellwright.steps.extending.origins import (
    PRINT,
    fingerprint,
    halves,
    origins,
    outline_print,
)
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.formats.dataset import Dataset
    from cellwright.steps.cells import Cells
    from cellwright.types import Instances

log = logging.getLogger(__name__)


def learnt_images(train: Dataset) -> dict[str, str]:
    """Fingerprint -> name of each image that the cells of `train` come from.

    An image of pasted cells stands for the images that these were cut out of: it is known by them
    again. Fingerprints are those of all classes, also where `train` is a view of some.
    """
    whole = type(train)(train.file, train.root)
    place = {name: k for k, name in enumerate(whole.names)}
    found: dict[str, str] = {}
    for name in train.names:
        k = place[name]
        marks = {mark: source for mark, (source, _) in origins(whole.subset([k])).items()}
        for mark, source in (
            marks or {fingerprint(whole.image(k), whole.instances(k)): name}
        ).items():
            found.setdefault(mark, source)
    return found


class TrainingImages:
    """Images to be scored that the model behind a prediction learnt from.

    Parameters
    ----------
    predicted
        What is scored; nothing is known of the model if it is no output of ``predict``.
    names
        Images that are scored.
    allowed
        Whether such images may be scored.

    Raises
    ------
    InputError
        If one of the images has the pixels of one that was learnt from, and that is not `allowed`.
    """

    def __init__(self, predicted: Cells, names: Iterable[str], *, allowed: bool) -> None:
        self._path, self._allowed = predicted.path, allowed
        self._names = tuple(names)
        self._known = {h: name for mark, name in predicted.learnt.items() for h in halves(mark)}
        prints = predicted.prints if self._known else {}
        #: name of an image -> what the image was called that the model learnt from
        self.found = self._among({n: (f"{prints[n]}-",) for n in self._names if n in prints})
        if self.found and not allowed:
            self._refuse()

    def look(self, name: str, cells: Instances) -> None:
        """Also compare the outlines of the true cells of an image, and what they were pasted from.

        Raises
        ------
        InputError
            If it was learnt from, and that is not allowed.
        """
        if not self._known or name in self.found:
            return
        pasted = {str(tags[PRINT]) for tags in cells.tags if PRINT in tags}
        marks = (f"-{outline_print(cells)}", *sorted(pasted))
        self.found |= self._among({name: marks})
        if self.found and not self._allowed:
            self._refuse()

    def warn(self) -> None:
        """Say in the log how many there were."""
        if self.found:
            log.warning(
                "the model behind %s learnt from %d of the %d images that are scored: this says "
                "nothing of others", self._path, len(self.found), len(self._names),
            )  # fmt: skip

    def _among(self, marks: Mapping[str, Iterable[str]]) -> dict[str, str]:
        found = {
            name: [self._known[h] for mark in some_marks for h in halves(mark) if h in self._known]
            for name, some_marks in marks.items()
        }
        return {name: sources[0] for name, sources in found.items() if sources}

    def _refuse(self) -> None:
        told = [n if n == source else f"{n} (there {source})" for n, source in self.found.items()]
        raise InputError(
            f"{self._path}: its model learnt from {len(told)} of the {len(self._names)} images, "
            f"themselves or by cells pasted from them: {some(told)}; score images that were kept "
            "from training, or ask for training scores on purpose (--on-training-images)"
        )
