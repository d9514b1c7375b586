"""What does a prompt cost? SAM with random weights: prompts per call, time, memory.

    python benchmarks/sam_prompts.py [--threads 2] [--count 300] [--at-once 1,2,4,8]

The decoder has the same size in ViT-B, L and H, and its time does not depend on the weights, so
random ones measure what published ones would. An image of 520 x 704 px is embedded, boxes of
cells are asked for in calls of 1, 8, 64 or all, and the time per prompt goes from boxes to
boolean masks in their boxes. "reference" is the model of transformers with its own processor,
all boxes of a call at once. Every line runs in a process of its own, which tells its largest
memory beyond what it held before the first prompt. Then an image is embedded by a ViT-B.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

SHAPE = (520, 704)
#: a line is not asked for more boxes than this, so that slow ones end
MOST = {"reference": 64}


def boxes(count: int) -> Any:
    """Boxes of cells, (N, 4) as rows and columns."""
    import numpy as np

    rng = np.random.default_rng(0)
    corner = rng.uniform(0, (SHAPE[0] - 60, SHAPE[1] - 60), (count, 2))
    return np.concatenate([corner, corner + rng.uniform(20, 60, (count, 2))], axis=1)


def random_model(layers: int) -> Any:
    """A ViT-B with so many layers in its image encoder, and masks of the size of cells."""
    import torch
    from transformers import SamConfig, SamModel, SamVisionConfig

    torch.manual_seed(0)
    model = SamModel(SamConfig(vision_config=SamVisionConfig(num_hidden_layers=layers).to_dict()))
    for value in model.mask_decoder.parameters():
        torch.nn.init.normal_(value, std=0.05)
    return model.eval()


def segmenter(arguments: argparse.Namespace, layers: int) -> Any:
    """Ours around it."""
    from cellwright.label.sam.model import SamSegmenter
    from cellwright.label.sam.network import Network

    network = Network(random_model(layers), device="cpu", precision=arguments.precision)
    return SamSegmenter(network=network, choice="single", at_once=arguments.at_once_now)


def picture() -> Any:
    """Noise of the size of a LIVECell image."""
    import numpy as np

    from cellwright.types import Image

    return Image(np.random.default_rng(1).integers(0, 255, SHAPE).astype(np.uint8))


def ours(arguments: argparse.Namespace) -> Any:
    """A function from boxes to masks, by `SamSegmenter.masks`."""
    import torch

    from cellwright.label.sam.embedding import SamEmbedding, Tile
    from cellwright.tiling.plan import Window
    from cellwright.types import Prompts

    worker = segmenter(arguments, 1)
    window = Window((0, 0, *SHAPE), (0, 0, *SHAPE))
    tile = Tile(window, (torch.randn(1, 256, 64, 64),))
    embedding = SamEmbedding(SHAPE, (tile,), worker.network.digest)
    return lambda some: worker.masks(embedding, [Prompts(box=tuple(b)) for b in some])


def reference(_: argparse.Namespace) -> Any:
    """A function from boxes to masks, by transformers alone."""
    import numpy as np
    import torch
    from transformers import SamImageProcessor, SamProcessor

    model, processor = random_model(1), SamProcessor(SamImageProcessor())
    shown = np.repeat(np.asarray(picture().data)[..., None], 3, axis=-1)

    def masks(some: Any) -> Any:
        inputs = processor(shown, input_boxes=[some[:, [1, 0, 3, 2]].tolist()], return_tensors="pt")
        found = model(
            image_embeddings=features, input_boxes=inputs["input_boxes"], multimask_output=False
        )
        sizes = inputs["original_sizes"], inputs["reshaped_input_sizes"]
        return processor.post_process_masks(found.pred_masks, *sizes)

    features = torch.randn(1, 256, 64, 64)
    return torch.inference_mode()(masks)


def measure(arguments: argparse.Namespace) -> dict[str, float]:
    """Best wall and processor time of a prompt in this process, and its memory."""
    import torch

    torch.set_num_threads(arguments.threads)
    if arguments.measure == "embed":
        worker = segmenter(arguments, 12)
        image = picture()
        wall, cpu = [], []
        for _ in range(2):
            start, start_cpu = time.perf_counter(), time.process_time()
            worker.embed(image)
            wall.append(time.perf_counter() - start)
            cpu.append(time.process_time() - start_cpu)
        return {"wall": min(wall), "cpu": min(cpu), "memory": peak()}
    masks = ours(arguments) if arguments.measure == "ours" else reference(arguments)
    count = min(arguments.count, MOST.get(arguments.measure, arguments.count))
    per_call = min(arguments.per_call, count)
    count = min(count, 30 if per_call == 1 else max(64, per_call))
    asked = boxes(count)
    before = peak()
    masks(asked[:1])
    wall, cpu = [], []
    for _ in range(2):
        start, start_cpu = time.perf_counter(), time.process_time()
        for first in range(0, count, per_call):
            masks(asked[first : first + per_call])
        wall.append((time.perf_counter() - start) / count)
        cpu.append((time.process_time() - start_cpu) / count)
    return {"wall": 1e3 * min(wall), "cpu": 1e3 * min(cpu), "memory": peak() - before}


def peak() -> float:
    """Largest resident memory so far, MB."""
    used = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return used / (1e6 if platform.system() == "Darwin" else 1e3)


def run(arguments: argparse.Namespace, what: str, **options: Any) -> dict[str, float]:
    """`measure` in a process of its own."""
    command = [sys.executable, str(Path(__file__).resolve()), "--measure", what]
    command += ["--threads", str(arguments.threads), "--count", str(arguments.count)]
    for name, value in options.items():
        command += [f"--{name.replace('_', '-')}", str(value)]
    environment = {**os.environ, "OMP_NUM_THREADS": str(arguments.threads)}
    done = subprocess.run(command, capture_output=True, text=True, env=environment)
    if done.returncode:
        raise SystemExit(done.stderr)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def main() -> None:
    """Print the tables in Markdown."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--count", type=int, default=300)
    parser.add_argument("--at-once", default="", help="also measure these; else the default alone")
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    parser.add_argument("--per-call", type=int, default=1, help=argparse.SUPPRESS)
    parser.add_argument("--at-once-now", type=int, help=argparse.SUPPRESS)
    parser.add_argument("--precision", default="float32", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        print(json.dumps(measure(arguments)))
        return
    print("| who | precision | prompts per call | ms per prompt | processor ms | more memory, MB |")
    print("| --- | --- | ---: | ---: | ---: | ---: |")
    lines = [("reference", "float32", n, None) for n in (1, 8, 64)]
    lines += [("ours", "float32", n, None) for n in (1, 8, 64, arguments.count)]
    lines += [("ours", "bfloat16", n, None) for n in (1, arguments.count)]
    for at_once in filter(None, arguments.at_once.split(",")):
        lines.append(("ours", "float32", arguments.count, int(at_once)))
    for who, precision, per_call, at_once in lines:
        options = {"per_call": per_call, "precision": precision}
        if at_once:
            options["at_once_now"] = at_once
        found = run(arguments, who, **options)
        name = f"{who}, {at_once} at once" if at_once else who
        print(
            f"| {name} | {precision} | {per_call} | {found['wall']:.1f} | {found['cpu']:.1f} "
            f"| {found['memory']:.0f} |",
            flush=True,
        )
    print()
    for precision in ("float32", "bfloat16"):
        found = run(arguments, "embed", precision=precision)
        print(
            f"ViT-B embedding, {precision}: {found['wall']:.2f} s, {found['cpu']:.2f} processor "
            f"seconds, {found['memory']:.0f} MB in all"
        )
    print(f"{arguments.threads} threads, {platform.machine()}, Python {platform.python_version()}")


if __name__ == "__main__":
    main()
