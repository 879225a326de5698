"""The table of annotations of a data set, CSV or Parquet: one row per photograph."""

from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from defgan.alignment import POINT_COLUMNS
from defgan.annotation_tables import au_columns, name_column, read_aus, read_numbers, read_table, shown
from defgan.errors import UserError
from defgan.facs import AU_NAMES


@dataclass(frozen=True)
class Annotations:
    """A table's rows, by photograph."""

    rows: dict[str, int]  # path to row
    subjects: list[str]  # "" where unknown
    expressions: list[str]
    points: np.ndarray | None  # N×5×2, photograph pixels; None where the table has no points
    aus: np.ndarray | None  # N×17 float32, NaN where missing

    def of(self, path: str) -> dict:
        """The fields of a `Record` that the table fills; none for a photograph that it does not name."""
        row = self.rows.get(path)
        if row is None:
            return {}
        points = None if self.points is None else self.points[row]
        aus = None if self.aus is None else self.aus[row]
        found = {
            "subject": self.subjects[row],
            "expression": self.expressions[row],
            "points": points if points is not None and np.isfinite(points).all() else None,
            "aus": aus if aus is not None and np.isfinite(aus).any() else None,
        }
        # An empty cell leaves what the photograph's folder says.
        return {name: value for name, value in found.items() if isinstance(value, np.ndarray) or value}


def read_annotations(table: Path, whole: bool = True) -> Annotations:
    """The annotations in a table: `path` (or another of `NAME_COLUMNS`), `subject`, `expression`, points and AUs.

    `whole`: a table with some AUs must have all 17. Raises UserError with column and remedy.
    """
    frame = read_table(table)
    named = name_column(table, frame)
    aus = au_columns(frame.columns)
    for group, there, name in ((POINT_COLUMNS, frame.columns, "point"), (AU_NAMES, aus, "AU")):
        missing = [column for column in group if column not in there]
        if 0 < len(missing) < len(group) and (whole or name == "point"):
            raise UserError(f"{table}: {name} columns {', '.join(missing)} are missing; give all {len(group)} or none")
    nameless = np.flatnonzero(frame[named].isna())
    if len(nameless):
        raise UserError(f"{table}: row {nameless[0] + 1} names no photograph; fill in its `{named}` or remove it")
    paths = [PurePosixPath(str(path).replace("\\", "/")).as_posix() for path in frame[named]]
    rows = {path: row for row, path in enumerate(paths)}
    if len(rows) < len(paths):
        twice = next(path for row, path in enumerate(paths) if rows[path] != row)
        raise UserError(f"{table}: {shown(twice)} has {paths.count(twice)} rows; keep one per photograph")
    try:
        vectors = read_aus(frame) if aus else None
    except ValueError as error:
        raise UserError(f"{table}: {error}") from None
    return Annotations(
        rows, *(_texts(frame, name) for name in ("subject", "expression")), _points(table, frame), vectors
    )


def _texts(frame: pd.DataFrame, name: str) -> list[str]:
    return frame[name].fillna("").astype(str).tolist() if name in frame else [""] * len(frame)


def _points(table: Path, frame: pd.DataFrame) -> np.ndarray | None:
    if not set(POINT_COLUMNS) <= set(frame.columns):
        return None
    points = np.empty((len(frame), len(POINT_COLUMNS)))
    for index, column in enumerate(POINT_COLUMNS):
        try:
            points[:, index] = read_numbers(frame, column)
        except ValueError as error:
            raise UserError(f"{table}: {error}") from None
    return points.reshape(-1, 5, 2)
