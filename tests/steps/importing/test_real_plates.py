"""Real plates by the flags that a user would type."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image as Photo

from cellwright.formats import open_dataset
from cellwright.overlap import intersections
from cellwright.plate.stack import project_image
from cellwright.steps.import_images import import_images


def test_yeast_planes_in_one_picture_and_a_tile_a_cell(tmp_path: Path, data_dir: Path) -> None:
    src = data_dir / "baby_yeast"
    result = import_images(
        src, tmp_path, pattern="{trap}_Brightfield", split_columns=5, masks=src,
        mask_pattern="{trap}_segoutlines", mask_tiles="cells", where=["trap=evolve*,prime95b*"],
    )  # fmt: skip
    assert (result.done, result.details["mask_kind"]) == (13, "outlines")
    assert [f.message.split(" has")[0][-3:] for f in result.failed] == ["eld"] * 4  # no outlines
    shared = 0
    for one in open_dataset(tmp_path):
        with Photo.open(src / f"{one.image.tags['trap']}_segoutlines.png") as photo:
            about = json.loads(photo.info["Description"])
            lines = np.array(photo)
        assert one.instances is not None
        labels = about["cellLabels"]
        assert len(one.instances) == (0 if labels is None else len(np.atleast_1d(labels)))
        rows, columns = about["tilesize"]
        assert one.image.data.shape == (5, rows, columns)
        with Photo.open(src / f"{one.name}.png") as photo:
            assert np.array_equal(one.image.data[3], np.array(photo)[:, 3 * columns : 4 * columns])
        for k, (box, mask) in enumerate(zip(one.instances.boxes, one.instances.masks, strict=True)):
            drawn = lines[:, k * columns : (k + 1) * columns][box[0] : box[2], box[1] : box[3]]
            assert mask[drawn].all()
            sides = (drawn[0], drawn[-1], drawn[:, 0], drawn[:, -1])
            assert all(side.any() for side in sides)
        i, j, pixels = intersections(one.instances, one.instances)
        shared += int(pixels[i < j].sum())
    assert shared > 0  # cells that overlap stay so


def test_phase_planes_and_dapi_of_one_field(tmp_path: Path, data_dir: Path) -> None:
    flags = {
        "pattern": ["*well-{well},*z_depth-{z},channel-{channel},*",
                    "*well-{well},*MAXPROJECT,channel-{channel},*"],
        "channel": ["PHASE_CONTRAST=phase", "DAPI_CONFOCAL=dapi"],
    }  # fmt: skip
    looked = import_images(data_dir / "isl", dry_run=True, **flags)
    (row,) = looked.details["survey"].rows
    assert (row.planes, row.channels, row.files) == (("4", "6", "8"), ("phase", "dapi"), 4)
    import_images(data_dir / "isl", tmp_path / "all", **flags)
    image = open_dataset(tmp_path / "all")[0].image
    assert (image.axes, image.data.shape) == ("ZCYX", (3, 2, 1024, 1024))
    names = {c: sorted((data_dir / "isl").glob(f"*{c}*")) for c in ("z_depth-6", "DAPI")}
    assert np.array_equal(image.data[1, 0], np.array(Photo.open(names["z_depth-6"][0])))
    assert np.array_equal(image.data[2, 1], np.array(Photo.open(names["DAPI"][0])))
    median = project_image(image, "median")
    assert np.array_equal(median.data[0], np.median(image.data[:, 0], axis=0))
    assert np.array_equal(median.data[1], image.data[0, 1])


def test_channels_in_names_of_two_kinds(tmp_path: Path, data_dir: Path) -> None:
    result = import_images(
        data_dir / "cellprofiler", tmp_path,
        pattern=["*_{well:[A-P][0-9]+}f{site}d{channel}",
                 "{dish}-{hour}hr{channel:h2ax|hoe}{site}"],
    )  # fmt: skip
    assert (result.done, result.failed) == (2, ())
    data = open_dataset(tmp_path)
    sizes = {data[i].image.channels: data[i].image.data.shape for i in range(2)}
    assert sizes == {("h2ax", "hoe"): (2, 1000, 1200), ("0", "1", "2"): (3, 512, 512)}
