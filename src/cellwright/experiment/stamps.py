"""Which stages are done, with which settings: one small JSON per stage."""

from __future__ import annotations

import hashlib
import json
import shutil
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from cellwright.experiment.stages import Stage
from cellwright.formats.atomic import write_json
from cellwright.steps.result import Failure
from cellwright.types import InputError


@dataclass
class Stamps:
    """The record of a recipe's folder.

    Parameters
    ----------
    folder
        Where the stamps lie.
    digests
        Digest of each stage met in this run, by its output.
    """

    folder: Path
    digests: dict[Path, str] = field(default_factory=dict)

    def digest(self, stage: Stage) -> str:
        """SHA-256 of the settings of `stage` and of all that its inputs come from."""
        origins = [self.digests.get(path) or str(path.resolve()) for path in stage.inputs]
        text = json.dumps([stage.settings, origins], sort_keys=True)
        self.digests[stage.output] = hashlib.sha256(text.encode()).hexdigest()
        return self.digests[stage.output]

    def prepare(self, stage: Stage) -> str:
        """``"done"`` if nothing is left to do, ``"started"`` to go on, ``"new"`` to begin.

        The output of other settings is removed.

        Raises
        ------
        InputError
            If something lies at the output that this recipe did not make.
        """
        digest, before = self.digest(stage), self._read(stage)
        if before.get("digest") == digest and stage.output.exists():
            return str(before["state"])
        if stage.output.exists():
            if not before:
                raise InputError(
                    f"{stage.output} is there but was not made by this recipe: choose another -o"
                )
            if stage.output.is_dir():
                shutil.rmtree(stage.output)
            else:
                stage.output.unlink()
        return "new"

    @contextmanager
    def stamped(self, stage: Stage, failed: list[Failure]) -> Iterator[None]:
        """Note the start of `stage`, and its end; with failures it stays open."""
        start, digest = time.monotonic(), self.digests[stage.output]
        busy = time.process_time()
        self._write(stage, {"digest": digest, "state": "started", "settings": stage.settings})
        yield
        record = {
            "digest": digest,
            "state": "started" if failed else "done",
            "seconds": round(time.monotonic() - start, 2),
            "processor_seconds": round(time.process_time() - busy, 2),
            "failed": len(failed),
            "settings": stage.settings,
        }
        self._write(stage, record)

    def seconds(self, stages: Sequence[Stage], *, processor: bool = False) -> dict[str, float]:
        """How long each of `stages` took when it was run, or of the processor's time, by name."""
        key = "processor_seconds" if processor else "seconds"
        return {s.name: float(self._read(s).get(key, 0.0)) for s in stages}

    def _path(self, stage: Stage) -> Path:
        return self.folder / f"{stage.name}.json"

    def _read(self, stage: Stage) -> dict[str, Any]:
        try:
            return dict(json.loads(self._path(stage).read_text(encoding="utf-8")))
        except FileNotFoundError:
            return {}
        except ValueError as error:
            raise InputError(f"{self._path(stage)} is damaged: remove it and run again") from error

    def _write(self, stage: Stage, record: dict[str, Any]) -> None:
        write_json(record, self._path(stage))
