"""Several processes of one training on one machine.

Lightning would start the others by running the caller's script once more. A script that does not
come to the training a second time (its output is there by then) leaves the first process waiting
for half an hour; `python -c`, a notebook or a test cannot be run again at all; and what follows
the training runs once for each process. Here all processes are new ones that do nothing but
train, and the caller waits for them.
"""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from cellwright.formats.atomic import write_json
from cellwright.steps.result import StepResult
from cellwright.types import InputError

if TYPE_CHECKING:
    from cellwright.train.fit import Hardware

#: parts of the names of those of Lightning's strategies that start processes in ways of their own
OWN_WAYS = ("spawn", "fork", "notebook")
#: seconds between looks at the processes, and until one that was asked to end is killed
PAUSE, PATIENCE = 0.2, 10.0


def processes(hardware: Hardware) -> int:
    """How many processes are to be started here; 1 where this process trains by itself.

    That is so with one device, with several machines, where torchrun or a batch system has
    started this process and its peers, and with a strategy that starts them in its own way.
    """
    from lightning.fabric.plugins import environments as launchers

    outside = ("TorchElasticEnvironment", "SLURMEnvironment", "LSFEnvironment", "MPIEnvironment")
    if (
        hardware.nodes > 1
        or "LOCAL_RANK" in os.environ
        or any(way in hardware.strategy for way in OWN_WAYS)
        or any(getattr(launchers, name).detect() for name in outside)
    ):
        return 1
    return hardware.here


def train_together(arguments: Mapping[str, Any], count: int) -> StepResult:
    """Train in `count` new processes and wait for them.

    Parameters
    ----------
    arguments
        Those of `cellwright.steps.train.train`; the output has been begun with them.
    count
        Processes.

    Raises
    ------
    InputError
        What one of the processes refused.
    RuntimeError
        One of them ended with an error; the others are ended too.
    """
    with tempfile.TemporaryDirectory() as place:
        asked, answer = Path(place) / "asked.json", Path(place) / "answer.json"
        asked.write_text(json.dumps({**arguments, "resume": True}, default=str), encoding="utf-8")
        port = _free_port()
        started = [_start(asked, answer, rank, count, port=port) for rank in range(count)]
        failed = _wait(started)
        found = json.loads(answer.read_text(encoding="utf-8")) if answer.is_file() else {}
    if "refused" in found:
        raise InputError(found["refused"])
    if failed or not found:
        told = ", ".join(f"process {rank} of {count} with {code}" for rank, code in failed)
        raise RuntimeError(f"training together ended early ({told}); the errors stand above")
    return StepResult(Path(arguments["output"]), done=found["done"], details=found["details"])


def join(asked: Path, answer: Path) -> None:
    """Take part in a training: what a process runs that `train_together` started."""
    from cellwright.steps.train import train

    threading.Thread(target=_end_with_the_caller, daemon=True).start()
    try:
        found = train(**json.loads(asked.read_text(encoding="utf-8")))
    except InputError as error:
        write_json({"refused": str(error)}, answer)
        raise SystemExit(1) from error
    if os.environ["LOCAL_RANK"] == "0":
        write_json({"done": found.done, "details": dict(found.details)}, answer)


def _start(
    asked: Path, answer: Path, rank: int, count: int, *, port: int
) -> subprocess.Popen[bytes]:
    """A process of that rank; it finds this package where we did."""
    program = (
        f"import sys; sys.path[:] = {sys.path!r}; from pathlib import Path; "
        f"from cellwright.steps.together import join; join(Path({str(asked)!r}), "
        f"Path({str(answer)!r}))"
    )
    told = {
        "MASTER_ADDR": "127.0.0.1",
        "MASTER_PORT": str(port),
        "NODE_RANK": "0",
        "LOCAL_RANK": str(rank),
        "WORLD_SIZE": str(count),
    }
    return subprocess.Popen(
        [sys.executable, "-c", program], env=os.environ | told, stdin=subprocess.PIPE
    )


def _wait(started: Sequence[subprocess.Popen[bytes]]) -> list[tuple[int, int]]:
    """Wait until all have ended well or one has not; rank and exit code of those that failed."""
    failed: list[tuple[int, int]] = []
    try:
        while any(process.poll() is None for process in started) and not failed:
            failed = [(rank, p.returncode) for rank, p in enumerate(started) if p.poll()]
            time.sleep(PAUSE)
        return failed or [(rank, p.returncode) for rank, p in enumerate(started) if p.returncode]
    finally:
        for process in started:
            if process.poll() is None:
                process.terminate()
        for process in started:
            try:
                process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if process.stdin:
                process.stdin.close()


def _end_with_the_caller() -> None:
    """End this process when the one that started it is gone: its end of the pipe closes."""
    os.read(0, 1)
    os._exit(1)


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
