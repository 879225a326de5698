"""AUs from OpenFace 2 (Baltrušaitis et al., 2018): its CSV files, or its program where it is on the PATH.

The CSV files are expected in the data set's folder, or where `au_table` says. For a photograph `ann/3.jpg` that is

- `openface/ann/3.csv`: as `FaceLandmarkImg` writes, one file per photograph, one row per face;
- `openface/ann.csv`: as `FeatureExtraction -fdir ann` writes, one row per photograph of the folder in the order of
  their names (column `frame`);
- `openface.csv`: one file for all, with a column that names the photographs (`defgan.annotation_tables.NAME_COLUMNS`)
  or, where they lie at the top, with `frame`.

OpenFace's intensities go from 0 to 5; they are divided by 5. OpenFace is licensed for non-commercial research.
"""

from __future__ import annotations

import shutil
import subprocess
import tempfile
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from defgan.annotation_tables import NAME_COLUMNS, normalised, read_aus, read_table
from defgan.errors import UserError
from defgan.faces.au_estimators.base import AUPrediction, loose_crop
from defgan.facs import AU_NAMES
from defgan.records import Record

if TYPE_CHECKING:
    from defgan.params import Source

BINARY = "FaceLandmarkImg"
SCALE = 5.0
"""OpenFace's largest intensity."""
CONFIDENCE = 0.725
"""Least confidence at which landmarks count: the `validation_boundary` of OpenFace's own tracker."""
LANDMARKS = 68
SEQUENCE_SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png")
"""Files that `FeatureExtraction -fdir` reads, in upper or lower case."""


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV file of OpenFace 2, with added columns `AU_NAMES` in [0, 1]. Raises UserError where AUs are missing."""
    frame = read_table(path)
    missing = [name for name in AU_NAMES if f"{name}_r" not in frame]
    if missing:
        raise UserError(
            f"{path}: column {missing[0]}_r is missing; run OpenFace 2 with -aus, all its 17 intensities are needed"
        )
    try:
        aus = read_aus(frame, SCALE)
    except ValueError as error:
        raise UserError(f"{path}: {error}; run OpenFace again") from None
    return pd.concat([frame, pd.DataFrame(aus, columns=AU_NAMES, index=frame.index)], axis=1)


def predict(rows: pd.DataFrame, points: np.ndarray) -> AUPrediction:
    """The AUs of one photograph from its rows of `read_csv`; of several faces the one nearest to `points` (5×2)."""
    if rows.empty:
        return AUPrediction(None, "OpenFace found no face")
    if f"x_{LANDMARKS - 1}" in rows:
        axes = [rows[[f"{axis}_{i}" for i in range(LANDMARKS)]].to_numpy(float).mean(axis=1) for axis in "xy"]
        away = np.linalg.norm(np.stack(axes, axis=1) - points.mean(axis=0), axis=1)
        row = rows.iloc[int(np.argmin(away))]
        if away.min() > np.linalg.norm(points[1] - points[0]):
            return AUPrediction(None, "OpenFace found another face than the detector")
    elif len(rows) > 1:
        return AUPrediction(None, f"OpenFace found {len(rows)} faces and gave no landmarks: run it with -2Dfp")
    else:
        row = rows.iloc[0]
    if row.get("success", 1) != 1:
        return AUPrediction(None, "OpenFace reports no success")
    confidence = row.get("confidence", 1.0)
    if not confidence >= CONFIDENCE:
        return AUPrediction(None, f"OpenFace's confidence is {confidence:g}, less than {CONFIDENCE}")
    return AUPrediction.of(row[list(AU_NAMES)].to_numpy(np.float32))


def make_openface_estimator(source: Source) -> TableEstimator | ProgramEstimator:
    """From the CSV files where there are some, else by the program. Raises UserError where there is neither."""
    folder = Path(source.path)
    if source.au_table:
        table = Path(source.au_table)
        if not table.exists():
            raise UserError(f"{table}: no such file or folder; data.<role>.au_table names OpenFace's CSV files")
        return TableEstimator(folder, table)
    for table in (folder / "openface", folder / "openface.csv"):
        if table.exists():
            return TableEstimator(folder, table)
    binary = shutil.which(BINARY)
    if binary is None:
        raise UserError(
            f"{folder}: action_units is openface, but there are no CSV files of OpenFace 2 ({folder}/openface,"
            f" {folder}/openface.csv) and no {BINARY} on the PATH; run OpenFace 2 with -aus -2Dfp -out_dir"
            f" {folder}/openface, name its files in au_table, or choose action_units: blendshapes"
        )
    return ProgramEstimator(binary)


class TableEstimator:
    """AUs from files that OpenFace wrote."""

    def __init__(self, folder: Path, table: Path) -> None:
        self._folder, self._table = folder, table
        # A file of a whole folder serves many photographs and is kept; files of single photographs are not.
        self._sequence = lru_cache(maxsize=8)(self._read_sequence)

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """See `AUEstimator`."""
        return [self._predict(record.source, five) for record, five in zip(records, points, strict=True)]

    def _predict(self, source: str, points: np.ndarray) -> AUPrediction:
        place = PurePosixPath(source)
        if self._table.is_file():
            rows = self._sequence(self._table, ".").get(normalised(source))
        else:
            single, whole = self._table / place.with_suffix(".csv"), self._table / f"{place.parent}.csv"
            if single.is_file():
                rows = read_csv(single)
            elif place.parent.name and whole.is_file():
                rows = self._sequence(whole, str(place.parent)).get(normalised(source))
            else:
                rows = None
        if rows is None:
            return AUPrediction(None, f"no row of OpenFace's for it in {self._table}")
        return predict(rows, points)

    def _read_sequence(self, path: Path, parent: str) -> dict[str, pd.DataFrame]:
        """A file of many photographs: the path of each, without suffix, to its rows."""
        frame = read_csv(path)
        named = [column for column in NAME_COLUMNS if column in frame]
        if named:
            names = frame[named[0]].astype(str)
        elif "frame" in frame:
            folder = self._folder / parent
            photographs = sorted(file.name for file in folder.iterdir() if file.suffix.lower() in SEQUENCE_SUFFIXES)
            frames = frame["frame"].astype(int)
            if frames.max() != len(photographs):
                raise UserError(
                    f"{path}: its last frame is {frames.max()}, but {folder} has {len(photographs)} photographs;"
                    f" run FeatureExtraction -fdir {folder} again"
                )
            names = frames.map(lambda number: (PurePosixPath(parent) / photographs[number - 1]).as_posix())
        else:
            raise UserError(
                f"{path}: no column says which photograph a row belongs to; add `frame` or"
                f" one of {', '.join(NAME_COLUMNS)}"
            )
        return dict(list(frame.groupby(names.map(normalised))))


class ProgramEstimator:
    """Runs OpenFace's `FaceLandmarkImg` on loose crops of the faces."""

    def __init__(self, binary: str) -> None:
        self._binary = binary

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """See `AUEstimator`."""
        if not images:
            return []
        with tempfile.TemporaryDirectory(prefix="openface-") as name:
            photographs, out = Path(name, "in"), Path(name, "out")
            photographs.mkdir()
            out.mkdir()
            placed = []
            for i, (image, five) in enumerate(zip(images, points, strict=True)):
                crop, moved = loose_crop(image, five)
                Image.fromarray(crop).save(photographs / f"{i:06d}.png")
                placed.append(moved)
            command = [self._binary, "-fdir", str(photographs), "-out_dir", str(out), "-aus", "-2Dfp", "-q"]
            run = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
            if run.returncode:
                said = " ".join((run.stderr or run.stdout).split())[-200:]
                raise UserError(f"{self._binary}: exit status {run.returncode}: {said or 'it said nothing'}")
            predictions = []
            for i, moved in enumerate(placed):
                csv = out / f"{i:06d}.csv"
                # It writes no file for a photograph without a face.
                rows = read_csv(csv) if csv.is_file() else pd.DataFrame()
                predictions.append(predict(rows, moved))
        return predictions
