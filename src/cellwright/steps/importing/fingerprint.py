"""What an imported image was made of, so that the same import is not done twice."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping

from cellwright.formats import Dataset
from cellwright.steps.importing.jobs import Job
from cellwright.types import InputError


def fingerprint(job: Job, settings: str, coco: Dataset | None) -> str:
    """Short hash of everything that the imported sample is made of."""
    found = hashlib.sha256(settings.encode())
    found.update(json.dumps([job.name, sorted(job.tags.items())]).encode())
    for path in (*job.files, *job.masks):
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                found.update(file.name.encode() + hashlib.sha256(file.read_bytes()).digest())
    if coco is not None and job.record is not None:
        found.update(json.dumps(coco.file.annotations[job.record], sort_keys=True).encode())
    return found.hexdigest()[:32]


def check_same(record: Mapping[str, object], key: str) -> None:
    source = record.get("source")
    if not isinstance(source, Mapping) or source.get("key") != key:
        raise InputError(
            f"an image named {record['name']!r} is in the data set already, from other files, "
            "tags or settings; use another output folder"
        )
