"""Images by number, in order, from one process or several; the waiting ones are few."""

from __future__ import annotations

import multiprocessing
import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from multiprocessing import connection
from typing import Any

from cellwright.steps.extending.maker import Maker, Plan
from cellwright.types import Sample

#: images that each process may be ahead of the one that is written
AHEAD = 2
_maker: Maker | None = None


def made(plan: Plan, numbers: Sequence[int], jobs: int) -> Iterator[tuple[Sample, dict[str, Any]]]:
    """The images `numbers` of a plan, in this order, made by `jobs` processes."""
    jobs = min(jobs, len(numbers))
    if jobs <= 1:
        maker = Maker(plan)
        yield from map(maker.make, numbers)
        return
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(jobs, context, initializer=_begin, initargs=(plan,))
    waiting: deque[Future[tuple[Sample, dict[str, Any]]]] = deque()
    try:
        for number in numbers:
            waiting.append(pool.submit(_make, number))
            if len(waiting) > AHEAD * jobs:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for one in waiting:
            one.cancel()
        pool.shutdown(wait=True, cancel_futures=True)


def _begin(plan: Plan) -> None:
    """What a worker keeps for all its images, and its end with that of its parent."""
    global _maker
    for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
        os.environ.setdefault(name, "1")
    parent = multiprocessing.parent_process()
    if parent is not None:
        threading.Thread(target=_leave_with, args=(parent.sentinel,), daemon=True).start()
    _maker = Maker(plan)


def _leave_with(sentinel: int) -> None:
    """A worker whose parent was killed would wait for ever."""
    connection.wait([sentinel])
    os._exit(1)


def _make(number: int) -> tuple[Sample, dict[str, Any]]:
    assert _maker is not None
    return _maker.make(number)
