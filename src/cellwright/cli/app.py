"""The commands in the order in which a user meets them."""

from __future__ import annotations

from typing import Annotated

import typer

from cellwright.cli import (
    alive,
    annotate,
    compare,
    compare_data,
    data,
    extend,
    fetch,
    fish,
    judge,
    labelled,
    learn,
    methods,
    overlays,
    translate,
    whole,
    zero_shot,
    zstack,
)

PURPOSE = "From a folder of raw, unlabelled microscopy to measured cells."


def _example_lines(*lines: str) -> str:
    return "\n\n".join(("Examples:", *lines))


def _show_version(wanted: bool) -> None:
    if wanted:
        from cellwright import __version__

        typer.echo(__version__)
        raise typer.Exit()


app = typer.Typer(
    name="cellwright",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode="rich",
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.callback(help=PURPOSE)
def _root(
    version: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="The version.")
    ] = False,
) -> None:
    pass


COMMANDS = (
    (
        whole.demo,
        "demo",
        "cellwright demo",
        "cellwright demo -o tour",
        "cellwright demo -o tour --images my_plate/",
    ),
    (
        data.simulate,
        "simulate",
        "cellwright simulate -o plate --fields 20 --overlap 0.2",
        "cellwright simulate -o stack --modality both --planes 7 --seed 1",
        "cellwright simulate -o lines --preset livecell --fields 40 --shape 520 704",
        "cellwright simulate -o movie --times 24 --kind oval --modality phase",
    ),
    (
        data.import_,
        "import",
        "cellwright import images/ -o data --masks masks/",
        'cellwright import plate/ -o data --pattern "day{day}t{t}c{channel}xy{position}z{z}"',
        "cellwright import plate/ --dry-run",
        "cellwright import plate/ -o data --channel 1=brightfield --channel 2=fluorescence",
        "cellwright import traps/ -o data --split-columns 5 --project median",
        "cellwright import train.json -o data --tag split=train",
    ),
    (
        data.split,
        "split",
        "cellwright split data --split val:position=14 --split test:position=10",
        "cellwright split data --split val:0.1 --split test:0.2 --group well --seed 1",
    ),
    (
        data.label,
        "label",
        "cellwright label images/ -o labelled",
        "cellwright label data -o labelled --segmenter watershed --option foreground=texture",
        "cellwright label data -o labelled --segmenter prompted --option prompts=sam-vit-b",
    ),
    (
        annotate.annotate,
        "annotate",
        "cellwright annotate data",
        "cellwright annotate data --segmenter sam-vit-b --policy keep-pixels --author ada",
        "cellwright annotate data --predictions out",
    ),
    (labelled.labelled, "labelled", *labelled.EXAMPLES),
    (zstack.zstack, "zstack", *zstack.EXAMPLES),
    (alive.alive, "alive", *alive.EXAMPLES),
    (overlays.overlays, "overlays", *overlays.EXAMPLES),
    (extend.extend, "extend", *extend.EXAMPLES),
    (translate.learn_translation, "learn-translation", *translate.LEARN_EXAMPLES),
    (translate.translate, "translate", *translate.TRANSLATE_EXAMPLES),
    (
        learn.train,
        "train",
        "cellwright train data -o model --minutes 25",
        "cellwright train data -o model --method seunet-distance --val val_data --epochs 50",
        "cellwright train data -o model --method sparse-seunet --option queries=150",
        "cellwright train data -o model --resume",
        "cellwright train data -o tuned --init model --where modality=brightfield",
    ),
    (
        learn.predict,
        "predict",
        "cellwright predict images/ -o out",
        "cellwright predict images/ -m nuclei -o out --diameter 40",
        "cellwright predict images/ -m model -o out",
        "cellwright predict frame.tif -m model -o out --tile-shape 512 512 --halo 64 64",
        "cellwright predict images/ -m model -o out --format coco,rois,geojson,overlay",
    ),
    (zero_shot.zero_shot, "zero-shot", *zero_shot.EXAMPLES),
    (fish.fish, "fish", *fish.EXAMPLES),
    (
        judge.evaluate,
        "evaluate",
        "cellwright evaluate data out -o scores.json",
        "cellwright evaluate data out -o scores.json --by z --errors",
        "cellwright evaluate livecell_test out -o scores.json --preset livecell --by cell_line",
        "cellwright evaluate truth_labels/ out --by modality",
    ),
    (
        compare.compare,
        "compare",
        "cellwright compare unet/scores.json watershed/scores.json",
        "cellwright compare out_a out_b out_c --truth data --by modality -o comparison",
        "cellwright compare out_a out_b --truth data --name unet --name watershed -o page.html",
    ),
    (compare_data.compare_data, "compare-data", *compare_data.EXAMPLES),
    (
        judge.report,
        "report",
        "cellwright report model out scores.json -o report.html",
    ),
    (
        whole.run,
        "run",
        "cellwright run recipes/spine/demo.toml -o runs/demo --quick",
    ),
    (methods.methods, "methods", "cellwright methods", "cellwright methods sparse-seunet"),
)
for _function, _name, *_lines in COMMANDS:
    app.command(name=_name, epilog=_example_lines(*_lines))(_function)
app.add_typer(fetch.data_app, name="data")
app.add_typer(fetch.models_app, name="models")
