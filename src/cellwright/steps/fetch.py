"""Bring a public data set or a published model to this machine, when the user has said so."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from cellwright.datasets.record import Part
from cellwright.fetch import (
    Fetched,
    Progress,
    RemoteFile,
    Weights,
    download,
    remote_size,
    show_size,
    unpack,
)
from cellwright.steps.result import StepResult
from cellwright.types import InputError


@dataclass(frozen=True, slots=True)
class Offer:
    """What would be fetched, shown before it is.

    Parameters
    ----------
    title
        Name and summary.
    parts
        Files and where archives go.
    folder
        Where they come to lie.
    licence, source
        Terms, and where they are stated.
    """

    title: str
    parts: tuple[Part, ...]
    folder: Path
    licence: str
    source: str

    def missing(self) -> tuple[Part, ...]:
        """The parts that are not here yet."""
        return tuple(
            p for p in self.parts if not (self.folder / (p.folder or p.file.name)).exists()
        )

    def lines(self) -> list[str]:
        """Files with sizes, how they are checked, licence; asks servers where a size is unknown.

        Raises
        ------
        InputError
            If a server must be asked and cannot be reached.
        """
        missing = self.missing()
        lines = [self.title, f"licence: {self.licence} ({self.source})", f"goes to {self.folder}"]
        known = 0
        for part in self.parts:
            if part not in missing:
                lines.append(f"  {part.file.name}: here already")
                continue
            size = remote_size(part.file)
            known += size or 0
            how = "SHA-256 known" if part.file.sha256 else "no published SHA-256: unverified"
            host = urlsplit(part.file.url).netloc
            lines.append(f"  {part.file.name} from {host}: {show_size(size)}, {how}")
        if missing:
            lines.append(f"to download: {show_size(known or None)}")
        return lines


def dataset_offer(name: str, output: str | Path | None = None) -> Offer:
    """What fetching the data set `name` would bring, to `output` or the cache folder."""
    from cellwright.datasets import dataset
    from cellwright.fetch import cache_folder

    record = dataset(name)
    folder = Path(output) if output is not None else cache_folder() / "datasets" / name
    title = f"{record.name}: {record.summary} ({record.paper})"
    return Offer(title, record.parts, folder, record.licence, record.source)


def published_models() -> tuple[Weights, ...]:
    """The models that can be fetched: those that take prompts, and those of the peers."""
    from cellwright.label.sam.weights import SAM_WEIGHTS
    from cellwright.peers.weights import PEER_WEIGHTS

    return (*SAM_WEIGHTS, *PEER_WEIGHTS)


def model_offer(name: str) -> Offer:
    """What fetching the model `name` would bring.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    models = published_models()
    record = next((model for model in models if name == model.name), None)
    if record is None:
        record = next((model for model in models if name == model.hub_id), None)
    if record is None:
        known = ", ".join(model.name for model in models)
        raise InputError(f"there is no model {name!r}; there are {known}")
    parts = tuple(Part(file) for file in record.files)
    title = f"{record.name}: {record.summary}; trained on {record.trained_on}"
    return Offer(title, parts, record.folder, record.licence, record.source)


def fetch(offer: Offer, *, quiet: bool = False) -> StepResult:
    """Download what is missing of `offer` and unpack archives; a stopped call is taken up again.

    Parameters
    ----------
    offer
        From `dataset_offer` or `model_offer`, which the user has seen and agreed to.
    quiet
        No progress bar.

    Returns
    -------
    StepResult
        Counts of files; `details` has the SHA-256 of each that came, and whether it was known.

    Raises
    ------
    InputError
        No connection, a wrong hash, an archive that is not safe, too little space.
    """
    missing = offer.missing()
    came: dict[str, Fetched] = {}
    with _bars([part.file for part in missing], quiet=quiet) as bars:
        for part, progress in zip(missing, bars, strict=True):
            fetched = download(part.file, offer.folder, on_progress=progress)
            came[part.file.name] = fetched
            if part.folder is not None:
                unpack(fetched.path, offer.folder / part.folder, lift=True)
                fetched.path.unlink()
    details = {
        name: {"sha256": f.sha256, "size": f.size, "verified": f.verified}
        for name, f in came.items()
    }
    return StepResult(offer.folder, len(came), len(offer.parts) - len(missing), (), details)


@contextmanager
def _bars(files: Sequence[RemoteFile], *, quiet: bool) -> Iterator[list[Progress | None]]:
    """A progress bar in bytes for each file."""
    if quiet or not files:
        yield [None] * len(files)
        return
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        DownloadColumn,
        TextColumn,
        TimeRemainingColumn,
        TransferSpeedColumn,
    )
    from rich.progress import Progress as Bars

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        DownloadColumn(),
        TransferSpeedColumn(),
        TimeRemainingColumn(),
    )
    with Bars(*columns, console=Console(stderr=True)) as bars:
        tasks = [bars.add_task(file.name, total=file.size) for file in files]

        def mover(task: object) -> Progress:
            def move(done: int, total: int | None) -> None:
                bars.update(task, completed=done, total=total)  # type: ignore[arg-type]

            return move

        yield [mover(task) for task in tasks]
