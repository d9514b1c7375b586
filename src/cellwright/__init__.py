"""Cellwright: from a folder of raw, unlabelled microscopy to measured cells.

The public names below are loaded when they are first used, so that importing
the package costs nothing. Each command of the command line is one call here::

    import cellwright

    cellwright.simulate("plate", fields=8)
    cellwright.train("plate", "model", minutes=5)
    cellwright.predict("plate", "model", "out")
    cellwright.evaluate("plate", "out", "scores.json")
    cellwright.report(["model", "out", "scores.json"], "report.html")
"""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

_PUBLIC = {
    "Image": "cellwright.types",
    "InputError": "cellwright.types",
    "Instances": "cellwright.types",
    "Prompts": "cellwright.types",
    "Sample": "cellwright.types",
    "read_image": "cellwright.formats",
    "write_image": "cellwright.formats",
    "read_instances": "cellwright.formats",
    "write_instances": "cellwright.formats",
    "open_dataset": "cellwright.formats.dataset",
    "demo": "cellwright.steps.demo",
    "simulate": "cellwright.steps.simulate",
    "import_images": "cellwright.steps.import_images",
    "split_dataset": "cellwright.steps.split",
    "label": "cellwright.steps.label",
    "LabelSession": "cellwright.label.session",
    "extend": "cellwright.steps.extend",
    "labelled": "cellwright.steps.labelled",
    "zstack": "cellwright.steps.zstack",
    "alive": "cellwright.steps.alive",
    "overlays": "cellwright.steps.overlays",
    "learn_translation": "cellwright.steps.learn_translation",
    "translate": "cellwright.steps.translate",
    "train": "cellwright.steps.train",
    "predict": "cellwright.steps.predict",
    "zero_shot": "cellwright.steps.zero_shot",
    "fish": "cellwright.steps.fish",
    "evaluate": "cellwright.steps.evaluate",
    "compare": "cellwright.steps.compare",
    "compare_data": "cellwright.steps.compare_data",
    "report": "cellwright.steps.report",
    "run": "cellwright.experiment.run",
}
__all__ = ["__version__", *_PUBLIC]

if TYPE_CHECKING:
    from cellwright.experiment.run import run as run
    from cellwright.formats import read_image as read_image
    from cellwright.formats import read_instances as read_instances
    from cellwright.formats import write_image as write_image
    from cellwright.formats import write_instances as write_instances
    from cellwright.formats.dataset import open_dataset as open_dataset
    from cellwright.label.session import LabelSession as LabelSession
    from cellwright.steps.alive import alive as alive
    from cellwright.steps.compare import compare as compare
    from cellwright.steps.compare_data import compare_data as compare_data
    from cellwright.steps.demo import demo as demo
    from cellwright.steps.evaluate import evaluate as evaluate
    from cellwright.steps.extend import extend as extend
    from cellwright.steps.fish import fish as fish
    from cellwright.steps.import_images import import_images as import_images
    from cellwright.steps.label import label as label
    from cellwright.steps.labelled import labelled as labelled
    from cellwright.steps.learn_translation import learn_translation as learn_translation
    from cellwright.steps.overlays import overlays as overlays
    from cellwright.steps.predict import predict as predict
    from cellwright.steps.report import report as report
    from cellwright.steps.simulate import simulate as simulate
    from cellwright.steps.split import split_dataset as split_dataset
    from cellwright.steps.train import train as train
    from cellwright.steps.translate import translate as translate
    from cellwright.steps.zero_shot import zero_shot as zero_shot
    from cellwright.steps.zstack import zstack as zstack
    from cellwright.types import Image as Image
    from cellwright.types import InputError as InputError
    from cellwright.types import Instances as Instances
    from cellwright.types import Prompts as Prompts
    from cellwright.types import Sample as Sample


class _Package(ModuleType):
    """The package, whose public calls keep their names.

    ``cellwright.train`` is the call although a subpackage has that name too: the import system
    would otherwise rebind the name as soon as the subpackage is loaded. The subpackage itself is
    reached by ``from cellwright.train import ...``.
    """

    def __setattr__(self, name: str, value: Any) -> None:
        if not (name in _PUBLIC and isinstance(value, ModuleType)):
            super().__setattr__(name, value)

    def __getattr__(self, name: str) -> Any:
        if name not in _PUBLIC:
            raise AttributeError(f"module 'cellwright' has no attribute {name!r}")
        value = getattr(importlib.import_module(_PUBLIC[name]), name)
        setattr(self, name, value)
        return value

    def __dir__(self) -> list[str]:
        return sorted({*super().__dir__(), *_PUBLIC})


sys.modules[__name__].__class__ = _Package
