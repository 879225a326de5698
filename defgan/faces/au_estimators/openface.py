"""AUs from OpenFace 2 (Baltrušaitis et al., 2018): its CSV files, or its program where it is on the PATH.

The CSV files are expected in the data set's folder, or where `au_table` says. For a photograph `ann/3.jpg` that is

- `openface/ann/3.csv`: as `FaceLandmarkImg` writes, one file per photograph, one row per face;
- `openface/ann.csv`: as `FeatureExtraction -fdir ann` writes, one row per photograph of the folder in the order of
  their names (column `frame`);
- `openface.csv`: one file for all, with a column that names the photographs (`defgan.annotation_tables.NAME_COLUMNS`)
  or, where they lie at the top, with `frame`.

Where each data set of a role has its own `openface/` (layout `several`), that is looked at first. Rows that are told by
their number alone count only as long as nothing in the folder has changed since: an added and a removed photograph
would give its neighbours each other's AUs. OpenFace's intensities go from 0 to 5; they are divided by 5. OpenFace is
licensed for non-commercial research.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from functools import lru_cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from PIL import Image

from defgan.annotation_tables import (
    NAME_COLUMNS,
    AmbiguousNameError,
    NamedRows,
    key_of,
    read_aus,
    read_table,
    relative_names,
    to_numbers,
)
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
"""Files that `FeatureExtraction -fdir` reads; it passes over those whose suffix has capitals."""
_LANDMARKS = [f"{axis}_{i}" for axis in "xy" for i in range(LANDMARKS)]
_NUMBERS = {"frame", "success", "confidence", *_LANDMARKS}


def read_csv(path: Path) -> pd.DataFrame:
    """A CSV file of OpenFace 2, with added columns `AU_NAMES` in [0, 1]; what is no number is NaN in its other columns.

    Raises UserError where AUs are missing.
    """
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
    frame = frame.drop(columns=[name for name in AU_NAMES if name in frame])
    for name, kind in frame.dtypes.items():
        if kind.kind not in "iuf" and name in _NUMBERS:
            frame[name] = to_numbers(frame[name])
    return pd.concat([frame, pd.DataFrame(aus, columns=AU_NAMES, index=frame.index)], axis=1)


def predict(rows: pd.DataFrame, points: np.ndarray) -> AUPrediction:
    """The AUs of one photograph from its rows of `read_csv`; of several faces the one nearest to `points` (5×2)."""
    if rows.empty:
        return AUPrediction(None, "OpenFace found no face")
    if "success" in rows:  # else the landmarks, which are then 0, would be blamed
        rows = rows[rows["success"] == 1]
    if rows.empty:
        return AUPrediction(None, "OpenFace reports no success")
    if set(_LANDMARKS) <= set(rows.columns):
        centres = rows[_LANDMARKS].to_numpy(float).reshape(len(rows), 2, LANDMARKS).mean(axis=2)
        away = np.linalg.norm(centres - points.mean(axis=0), axis=1)
        away = np.where(np.isfinite(away), away, np.inf)
        row = rows.iloc[int(np.argmin(away))]
        if away.min() > np.linalg.norm(points[1] - points[0]):
            return AUPrediction(None, "OpenFace found another face than the detector")
    elif len(rows) > 1:
        return AUPrediction(None, f"OpenFace found {len(rows)} faces and gave no landmarks: run it with -2Dfp")
    else:
        row = rows.iloc[0]
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
    if next(folder.glob("*/openface"), None):  # of the parts of a role
        return TableEstimator(folder, folder / "openface")
    binary = shutil.which(BINARY)
    if binary is None:
        raise UserError(
            f"{folder}: action_units is openface, but there are no CSV files of OpenFace 2 ({folder}/openface,"
            f" {folder}/openface.csv) and no {BINARY} on the PATH; run OpenFace 2 with -aus -2Dfp -out_dir"
            f" {folder}/openface, name its files in au_table, or choose action_units: blendshapes"
        )
    return ProgramEstimator(binary)


class TableEstimator:
    """AUs from files that OpenFace wrote. Raises UserError where one file for all photographs is unusable."""

    def __init__(self, folder: Path, table: Path) -> None:
        self._folder, self._table = folder, table
        # A file of a whole folder serves many photographs and is kept; files of single photographs are not.
        self._sequence = lru_cache(maxsize=8)(_sequence)
        self._all = _Sequence(table, folder, "") if table.is_file() else None

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """See `AUEstimator`."""
        return [self._predict(record, five) for record, five in zip(records, points, strict=True)]

    def _predict(self, record: Record, points: np.ndarray) -> AUPrediction:
        try:
            found = self._find(record)
        except (UserError, AmbiguousNameError) as error:  # of one file of many: the other photographs have theirs
            text = str(error).replace(f"{self._table.parent}{os.sep}", "")
            return AUPrediction(None, f"OpenFace's file is unusable: {text}")
        return AUPrediction(None, found) if isinstance(found, str) else predict(found, points)

    def _find(self, record: Record) -> pd.DataFrame | str:
        """The rows of a photograph, or why there are none."""
        if self._all:
            return self._all.of(PurePosixPath(record.source), record.twin)
        looked_for = []
        for table, place, folder in self._places(record.source):
            # At the top, FeatureExtraction names its file after the data set's folder.
            parent = "" if place.parent == PurePosixPath(".") else str(place.parent)
            single, whole = table / place.with_suffix(".csv"), table / f"{parent or folder.name}.csv"
            if single.is_file():
                if record.twin:
                    raise AmbiguousNameError(
                        f"{single} could be of {record.source} or of {record.twin}; rename one and run OpenFace again"
                    )
                return read_csv(single)
            if whole.is_file():
                found = self._sequence(whole, folder, parent)
                if isinstance(found, UserError):
                    raise found
                return found.of(place, record.twin)
            looked_for += [single, whole]
        names = " nor ".join(str(path.relative_to(self._table.parent)) for path in looked_for)
        suffix = PurePosixPath(record.source).suffix
        passes = "" if suffix in SEQUENCE_SUFFIXES else f"; OpenFace passes over {suffix or 'files without suffix'}"
        return f"no file of OpenFace's for it: neither {names}{passes}"

    def _places(self, source: str) -> Iterator[tuple[Path, PurePosixPath, Path]]:
        """Where CSV files may be: their folder, the photograph's path below it, and the folder of the photographs."""
        first, _, rest = source.partition("/")
        if rest and (own := self._folder / first / self._table.name).is_dir():
            yield own, PurePosixPath(rest), self._folder / first
        yield self._table, PurePosixPath(source), self._folder


class _Sequence:
    """A file of many photographs, those of `parent` in a data set's folder, or all: the rows of each.

    Raises UserError where it does not say whose they are, or may not say so any more.
    """

    def __init__(self, path: Path, folder: Path, parent: str) -> None:
        self._frame, self._name = read_csv(path), path.name
        named = next((column for column in NAME_COLUMNS if column in self._frame), None)
        self._by_number = named is None
        if named:
            names = relative_names(self._frame[named].fillna("").map(key_of).tolist(), folder)
        elif "frame" in self._frame:
            names = [key_of(PurePosixPath(parent, name)) for name in _by_number(path, self._frame, folder / parent)]
        else:
            raise UserError(
                f"{path}: no column says which photograph a row belongs to; add `frame` or"
                f" one of {', '.join(NAME_COLUMNS)}"
            )
        self._rows = NamedRows(names)

    def of(self, place: PurePosixPath, twin: str) -> pd.DataFrame | str:
        """The rows of the photograph at `place` in the folder, or why there are none; errors as those of NamedRows."""
        if self._by_number and place.suffix not in SEQUENCE_SUFFIXES:
            return (
                f"OpenFace passes over {place.suffix or 'files without suffix'} in a folder (it reads"
                f" {', '.join(SEQUENCE_SUFFIXES)}); rename the file and run FeatureExtraction again"
            )
        # By number each photograph has its own rows, whatever its suffix.
        rows = self._rows.of(str(place), "" if self._by_number else twin)
        return self._frame.iloc[rows] if rows else f"no row of OpenFace's for it in {self._name}"


def _sequence(path: Path, folder: Path, parent: str) -> _Sequence | UserError:
    """The file, or what is wrong with it: that is remembered, too, and not found out anew for each photograph."""
    try:
        return _Sequence(path, folder, parent)
    except UserError as error:
        return error


def _by_number(path: Path, frame: pd.DataFrame, folder: Path) -> list[str]:
    """The photograph of each row: `frame` counts those of the folder, in the order of their names.

    Raises UserError where the numbers do not fit the folder, and where it has changed since the file was written.
    """
    again = f"run FeatureExtraction -fdir {folder} again, or add a column `filename` with each row's photograph"
    if not folder.is_dir():
        raise UserError(f"{path}: rows are told by number alone, and {folder} is no folder; {again}")
    photographs = sorted(
        (file for file in folder.iterdir() if file.suffix in SEQUENCE_SUFFIXES), key=lambda file: os.fsencode(file.name)
    )
    numbers = frame["frame"].to_numpy(float)
    whole = np.isfinite(numbers) & (numbers == np.floor(numbers)) & (numbers >= 1)
    if not whole.all():
        raise UserError(f"{path}: `frame` of row {int(np.argmin(whole)) + 1} is no number from 1 on; {again}")
    last = int(numbers.max()) if len(numbers) else 0
    if last != len(photographs):
        raise UserError(f"{path}: its last frame is {last}, but {folder} has {len(photographs)} photographs; {again}")
    written = path.stat().st_mtime_ns
    for changed in (*photographs, folder):
        # Later than the file: a photograph is another one, or one was added and one removed, and rows have moved on.
        if os.stat(changed, follow_symlinks=changed.exists()).st_mtime_ns > written:
            raise UserError(
                f"{path}: {changed} has changed since this file was written, so its rows may be those of other"
                f" photographs; {again}; if you are sure that they are not, `touch {path}`"
            )
    return [photographs[int(number) - 1].name for number in numbers]


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
            run = subprocess.run(command, capture_output=True, encoding="utf-8", errors="replace", check=False)
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
