"""The whole loop in a few minutes: a simulated plate, or a folder of the user's images."""

from __future__ import annotations

from pathlib import Path

from cellwright.steps.result import Failure, StepResult, write_failures

FIELDS = 16
TEST_FIELDS = 6
SHAPE = (256, 256)
CROP = (128, 128)
PATTERN = "day{day}t{t}c{channel}xy{position}z{z}"


def demo(
    output: Path | str = "demo",
    *,
    images: Path | str | None = None,
    method: str = "unet-distance",
    minutes: float = 2.0,
    device: str = "auto",
    seed: int = 0,
    quiet: bool = False,
) -> StepResult:
    """Go from images to a report without a hand label.

    A plate is simulated and written as a microscope would write it, one file per plane; it is
    imported by its file names, labelled by a zero-shot segmenter, and a method is trained on
    these labels. Further fields, which the method has not seen, are predicted and scored
    against their exact truth. With `images`, these are labelled, trained on and predicted
    instead; there is no truth to score them against.

    Parameters
    ----------
    output
        Folder of everything made; a second call goes on where the first one stopped.
    images
        Folder of images, or a data set.
    method
        Name of a trainable method.
    minutes
        Time given to training.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` ...
    seed
        Seed of the plate and of the training.
    quiet
        No progress.

    Returns
    -------
    StepResult
        ``details["report"]`` is the page; its counts are those of the prediction.

    Raises
    ------
    InputError
        If `images` holds nothing that can be used.
    """
    from cellwright.steps.label import label
    from cellwright.steps.predict import predict
    from cellwright.steps.report import report
    from cellwright.steps.train import train

    output = Path(output)
    failed: list[Failure] = []
    if images is None:
        source, test = _plate(output, seed=seed, quiet=quiet, failed=failed)
    else:
        source = test = Path(images)
    labels, model, out = output / "labels", output / "model", output / "predictions"
    failed += label([source], labels, quiet=quiet).failed
    train(
        labels,
        model,
        method=method,
        minutes=minutes,
        crop=CROP,
        device=device,
        resume=model.exists(),
        seed=seed,
        quiet=quiet,
    )
    formats = ("coco", "labels", "overlay", "measurements")
    predicted = predict([test], model, out, formats=formats, device=device, quiet=quiet)
    failed += predicted.failed
    sources = [out, model]
    if images is None:
        from cellwright.steps.evaluate import evaluate

        evaluate(test, out, output / "scores.json", quiet=quiet)
        sources = [output / "scores.json", test, *sources]
    page = output / "report.html"
    report(sources, page, title="A tour of Cellwright", quiet=quiet)
    write_failures(output, failed)
    return StepResult(
        output, predicted.done, predicted.skipped, tuple(failed), {"report": str(page)}
    )


def _plate(output: Path, *, seed: int, quiet: bool, failed: list[Failure]) -> tuple[Path, Path]:
    """Raw files imported as unlabelled images, and further fields with their truth."""
    from cellwright.steps.import_images import import_images
    from cellwright.steps.simulate import simulate

    plate, test, imported = output / "plate", output / "test", output / "images"
    simulate(plate, fields=FIELDS, shape=SHAPE, raw=True, seed=seed, quiet=quiet)
    simulate(test, fields=TEST_FIELDS, shape=SHAPE, seed=seed + 1000, quiet=quiet)
    result = import_images([plate / "raw"], imported, pattern=PATTERN, quiet=quiet)
    failed += result.failed
    return imported, test
