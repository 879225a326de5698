"""EmotioNet (Fabian Benitez-Quiroz, Srinivasan and Martinez, CVPR 2016), the paper's training photographs.

The Ohio State University publishes lists, not photographs: each row has the URL of a photograph and its action units,
and whoever has access downloads these (http://cbcsl.ece.ohio-state.edu/EmotionNetChallenge/index.html). Public code
that reads these lists shows two kinds. Both are read here, from the top of the folder:

- `EmotioNet_FACS_aws_2020_24600.csv`, coded by hand: columns `URL`, `URL orig`, `'AU 1'`, `'AU 2'` …; cells are 1
  (active), 0 (not) and 999 (not annotated);
- any number of `*.txt`, the 950,000 that were coded by a program: no header, tab-separated, URL, original URL, and
  AU 1 to AU 60.

A photograph is found by the last part of its URL, `N_0000000001_00001.jpg`, in any sub-folder. Nobody is named: each
photograph counts as a person of its own. The lists do not have all 17 intensities. An `annotations.csv` as in
`defgan.datasets.folder` can give them; the lists are then not read.
"""

from dataclasses import replace
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from defgan.annotation_tables import read_aus, read_table
from defgan.datasets import folder
from defgan.datasets.scan import holds, photographs
from defgan.errors import UserError
from defgan.records import Dataset, Record, Skipped

LIST_COLUMNS = ("URL", "URL orig", *(f"AU {number}" for number in range(1, 61)))


def recognises(path: Path) -> bool:
    """Whether the folder has EmotioNet's list at its top, or a photograph of its naming anywhere."""
    return next(path.glob("EmotioNet*.csv"), None) is not None or holds(path, r"(^|/)N_\d+_\d+\.jpg$")


def read(directory: Path) -> Dataset:
    """Every photograph on disk, and every listed one that is not on disk: those are rejected."""
    if directory.is_dir() and folder.annotations_of(directory, whole=False) is not None:
        dataset = folder.read(directory)
        return replace(dataset, records=[_own_subject(record) for record in dataset.records])
    skipped = Skipped()
    records = [_own_subject(record) for record in photographs(directory, skipped)]
    vectors = _read_lists(directory)
    if vectors is None:
        return Dataset(records, has_points=False, has_aus=False, skipped=skipped)
    names = [PurePosixPath(record.source).name for record in records]
    listed = [replace(record, aus=_known(vectors.get(name))) for record, name in zip(records, names, strict=True)]
    there, missing = {*names}, "missing file: listed, but not downloaded"
    listed += [
        Record(name, str(directory / name), Path(name).stem, reject=missing) for name in vectors if name not in there
    ]
    return Dataset(listed, has_points=False, has_aus=True, skipped=skipped)


def _known(aus: np.ndarray | None) -> np.ndarray | None:
    return None if aus is None or not np.isfinite(aus).any() else aus


def _own_subject(record: Record) -> Record:
    return replace(record, subject=PurePosixPath(record.source).stem)


def _read_lists(directory: Path) -> dict[str, np.ndarray] | None:
    """The AUs of all lists, (17,) by the photograph's file name; None where there are no lists."""
    sheets = sorted(path for path in directory.glob("*.csv") if path.name != "openface.csv")  # no list
    lists = sorted(directory.glob("*.txt"))
    if not sheets and not lists:
        return None
    vectors: dict[str, np.ndarray] = {}
    for path in sheets or lists:
        frame = read_table(path) if sheets else _read_list(path)
        if "URL" not in frame:
            raise UserError(
                f"{path}: no column `URL`; EmotioNet's lists have one. Move other tables out of this folder"
            )
        try:
            aus = read_aus(frame)
        except ValueError as error:
            raise UserError(f"{path}: {error}") from None
        names = frame["URL"].fillna("").astype(str).str.strip(" '\"").str.rsplit("/", n=1).str[-1]
        for name, vector in zip(names, aus, strict=True):
            if name:
                vectors.setdefault(name, vector)
    return vectors


def _read_list(path: Path) -> pd.DataFrame:
    try:
        frame = pd.read_csv(path, sep="\t", header=None)
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a list of URLs: {' '.join(str(error).split())}") from None
    if frame.shape[1] != len(LIST_COLUMNS):
        raise UserError(
            f"{path}: {frame.shape[1]} columns; EmotioNet's lists have {len(LIST_COLUMNS)}: two URLs and 60 AUs."
            " Move other texts out of this folder"
        )
    return frame.set_axis(LIST_COLUMNS, axis=1)
