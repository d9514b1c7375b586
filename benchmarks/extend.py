"""Speed and memory of `cellwright extend` (issue of extended data, point 5).

    python benchmarks/extend.py speed [--work DIR] [--images 40]
    python benchmarks/extend.py memory [--work DIR] [--images 10000]

speed: images of 1024 x 1024 from six simulated phase-contrast fields with 150 cells of 16 pixels
each, 100 and 1000 cells an image, one process, one thread. Seconds are those of the processor
between image 8 and the last one, by differences, so that the start (imports, the look
through the cells) does not count, but the preparation of sources, files and fsync do.
memory: small images (96 x 96, 8 cells), resident memory after every tenth of them.
"""

from __future__ import annotations

import argparse
import itertools
import shutil
import tempfile
import time
from pathlib import Path

from cellwright.steps import extend as step
from cellwright.steps.extending import workers
from cellwright.steps.simulate import simulate

FIRST = 8


def resident() -> float:
    """MiB of this process that lie in memory."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096 / 2**20


def speed(work: Path, images: int) -> None:
    """A table of seconds an image."""
    data, out = work / "data_1024", work / "out"
    simulate(data, fields=6, shape=(1024, 1024), modality="phase", cells=150, diameter=8.0,
             quiet=True)  # fmt: skip
    print("| how | cells | processor s / image | images / s / core | wall s / image | not full |")
    print("| --- | ---: | ---: | ---: | ---: | ---: |")
    for how, cells in itertools.product(("grey", "phase"), (100, 1000)):
        times: list[tuple[float, float]] = []
        make = workers.Maker.make

        def timed(self, number, make=make, times=times):  # type: ignore[no-untyped-def]
            times.append((time.process_time(), time.perf_counter()))
            return make(self, number)

        workers.Maker.make = timed  # type: ignore[method-assign]
        shutil.rmtree(out, ignore_errors=True)
        result = step.extend(data, out, how=how, n=images, density=cells, quiet=True)
        workers.Maker.make = make  # type: ignore[method-assign]
        times = times[FIRST:]
        count = len(times) - 1
        cpu, wall = ((times[-1][k] - times[0][k]) / count for k in (0, 1))
        short = result.details["short"]
        print(f"| {how} | {cells} | {cpu:.3f} | {1 / cpu:.2f} | {wall:.3f} | {short} |", flush=True)


def memory(work: Path, images: int) -> None:
    """Resident memory while many small images are made."""
    data, out = work / "data_96", work / "many"
    simulate(data, fields=6, shape=(96, 96), modality="phase", cells=8, diameter=6.0, quiet=True)
    shutil.rmtree(out, ignore_errors=True)
    print("| images | resident MiB |")
    print("| ---: | ---: |")
    made = workers.made

    def watched(plan, numbers, jobs):  # type: ignore[no-untyped-def]
        for count, one in enumerate(made(plan, numbers, jobs)):
            if count % max(1, images // 10) == 0:
                print(f"| {count} | {resident():.0f} |", flush=True)
            yield one

    workers.made = watched  # type: ignore[assignment]
    start = time.perf_counter()
    step.extend(data, out, how="phase", n=images, density=8, quiet=True)
    print(f"| {images}, written | {resident():.0f} |")
    print(f"\n{time.perf_counter() - start:.0f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("what", choices=("speed", "memory"))
    parser.add_argument("--work", type=Path)
    parser.add_argument("--images", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        work = given.work or Path(folder)
        if given.what == "speed":
            speed(work, given.images or 40)
        else:
            memory(work, given.images or 10_000)


if __name__ == "__main__":
    main()
