"""What an imported image was made of, so that the same import is not done twice."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from cellwright.formats import DatasetWriter
from cellwright.steps.importing.jobs import Job
from cellwright.types import InputError


def fingerprint(job: Job, settings: str) -> str:
    """Short hash of everything that the images of a field are made of."""
    found = hashlib.sha256(settings.encode())
    found.update(json.dumps([job.name, sorted(job.tags.items())]).encode())
    for path in (*job.files, *job.mask_files):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(file.name.encode() + _digest(file, file.stat().st_mtime_ns))
    if job.truth is not None and job.record is not None:
        record = job.truth.file.annotations[job.record]
        found.update(json.dumps(record, sort_keys=True).encode())
    return found.hexdigest()[:32]


@lru_cache(maxsize=8)
def _digest(file: Path, _changed: int) -> bytes:
    """Hash of a file; that of one with many positions is found once."""
    with file.open("rb") as opened:
        return hashlib.file_digest(opened, "sha256").digest()


def source_of(job: Job, key: str, views: int) -> dict[str, Any]:
    """What stands in the record of an image about where it came from."""
    about: dict[str, Any] = {"files": [p.name for p in job.files], "key": key}
    return about if views == 1 else {**about, "field": job.name, "images": views}


def finished(writer: DatasetWriter) -> dict[str, int]:
    """Fields whose images are all in the data set, by their key: how many images they became."""
    sources = [writer.record(name).get("source") for name in writer.done]
    known = [s for s in sources if isinstance(s, Mapping) and "key" in s]
    count = Counter(str(s["key"]) for s in known)
    wanted = {str(s["key"]): int(s.get("images", 1)) for s in known}
    return {key: n for key, n in count.items() if n == wanted[key]}


def check_same(record: Mapping[str, object], key: str) -> None:
    """Raise InputError if an image of the data set was made of something else."""
    source = record.get("source")
    if not isinstance(source, Mapping) or source.get("key") != key:
        raise InputError(
            f"an image named {record['name']!r} is in the data set already, from other files, "
            "tags or settings; use another output folder"
        )
