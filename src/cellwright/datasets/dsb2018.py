"""The fluorescence part of the Data Science Bowl 2018, as the StarDist paper split it."""

from __future__ import annotations

from cellwright.datasets.record import Dataset, Part
from cellwright.fetch import RemoteFile

DSB2018 = Dataset(
    name="dsb2018",
    summary="497 fluorescence images of nuclei, train/test as in the StarDist paper",
    parts=(
        Part(
            RemoteFile(
                "https://github.com/stardist/stardist/releases/download/0.1.0/dsb2018.zip",
                "dsb2018.zip",
                None,
                "e44921950edce378063aa4457e625581ba35b4c2dbd9a07c19d48900129f386f",
            ),
            "dsb2018",
        ),
    ),
    licence="CC0 1.0 (BBBC038)",
    source="https://bbbc.broadinstitute.org/BBBC038",
    paper="Caicedo et al. 2019, Nature Methods 16, 1247-1253; subset of Schmidt et al. 2018",
    use=(
        "cellwright import {folder}/dsb2018/train/images -o dsb2018 "
        "--masks {folder}/dsb2018/train/masks",
    ),
)
