"""The published models by name: where they are, what they weigh, under which licence.

A SHA-256 stands here only where its publisher or several users have published it; elsewhere
it is recorded at the first download and the model is marked as unverified. A size stands here
where it is documented; elsewhere the server is asked.
"""

from __future__ import annotations

from collections.abc import Sequence

from cellwright.fetch import HUB, RemoteFile, Weights
from cellwright.types import InputError

META = "https://dl.fbaipublicfiles.com/segment_anything"
ZOO = "https://uk1s3.embassy.ebi.ac.uk/public-datasets/bioimage.io"
EVERYDAY = "SA-1B: 11 million photographs"
VIDEOS = "SA-V and SA-1B: videos and photographs"
LIGHT = "light microscopy (LIVECell, TissueNet, DeepBacs and others), from SAM"


def _original(
    size: str, file: str, pixels: int, sha256: str, hub: str, revision: str | None
) -> Weights:
    return Weights(
        f"sam-vit-{size[0]}",
        f"Segment Anything, ViT-{size.capitalize()}",
        (RemoteFile(f"{META}/{file}", file, pixels, sha256),),
        "Apache-2.0",
        EVERYDAY,
        hub,
        revision,
        "https://github.com/facebookresearch/segment-anything",
    )


def _second(size: str, revision: str | None, sha256: str | None) -> Weights:
    hub = f"facebook/sam2.1-hiera-{size}"
    at = f"{HUB}/{hub}/resolve/{revision or 'main'}"
    files = (
        RemoteFile(f"{at}/config.json", "config.json"),
        RemoteFile(f"{at}/model.safetensors", "model.safetensors", None, sha256),
    )
    summary = f"Segment Anything 2.1, Hiera {size}"
    return Weights(f"sam2-{size}", summary, files, "Apache-2.0", VIDEOS, hub, revision)


def _micro(size: str, kind: str, resource: str, trained_on: str) -> Weights:
    file = f"vit_{size}.pt"
    return Weights(
        f"micro-sam-vit-{size}-{kind.split('_')[0]}",
        f"micro-SAM, ViT-{size.upper()}, {kind.replace('_', ' ')}",
        (RemoteFile(f"{ZOO}/{resource}/files/{file}", file),),
        "CC-BY-4.0",
        trained_on,
        page=f"https://bioimage.io/#/?id={resource.split('/')[0]}",
    )


SAM_WEIGHTS: tuple[Weights, ...] = (
    _original(
        "base",
        "sam_vit_b_01ec64.pth",
        375_042_383,
        "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912",
        "facebook/sam-vit-base",
        "70c1a07f894ebb5b307fd9eaaee97b9dfc16068f",
    ),
    _original(
        "large",
        "sam_vit_l_0b3195.pth",
        1_249_524_607,
        "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622",
        "facebook/sam-vit-large",
        None,
    ),
    _original(
        "huge",
        "sam_vit_h_4b8939.pth",
        2_564_550_879,
        "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e",
        "facebook/sam-vit-huge",
        None,
    ),
    _second("tiny", "de431c4043854a71d8101e17995dfe596bf101a5", None),
    _second("small", None, None),
    _second("base-plus", None, None),
    _second(
        "large",
        "665f8e2ad61cf5f53d65644ff27c8ee525124610",
        "dc407dce21301fd94abb395c5099b4f2c455fdc8a8f261ac3d0ea6d4cd197230",
    ),
    _micro("b", "lm", "diplomatic-bug/1.2", LIGHT),
    _micro("l", "lm", "idealistic-rat/1.2", LIGHT),
    _micro("b", "em_organelles", "noisy-ox/1.2", "organelles in electron microscopy, from SAM"),
    _micro(
        "l", "em_organelles", "humorous-crab/1.2", "organelles in electron microscopy, from SAM"
    ),
)


def weights(name: str) -> Weights:
    """The record called `name`, which may also be its id on the Hugging Face hub.

    Raises
    ------
    InputError
        If there is none; the message lists the names.
    """
    for record in SAM_WEIGHTS:
        if name in (record.name, record.hub_id):
            return record
    raise InputError(f"there is no model {name!r}; there are {', '.join(names(SAM_WEIGHTS))}")


def names(records: Sequence[Weights]) -> tuple[str, ...]:
    """The names of `records`."""
    return tuple(record.name for record in records)
