"""Action units that come as a table: which columns they are, on which scale, and what stands for "missing".

Columns are recognised by name however they are written: `AU01`, `AU1`, `au_01`, OpenFace 2's `AU01_r` (its `AU01_c` is
presence, not intensity), EmotionNet's `AU 1`. Blank cells and EmotionNet's 999 are missing, not zero.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from defgan.datasets.records import Record
from defgan.errors import UserError
from defgan.faces.action_units import Reading
from defgan.facs import AU_NAMES
from defgan.params import Source

NOT_ANNOTATED = 999
"""EmotionNet's mark in its sheets for a unit that was not annotated."""

NAME_COLUMNS = ("path", "source", "image", "file", "filename", "input", "name")
"""Columns that may name the photograph of a row, relative to the data set's folder; the first one that is there."""

TEXT_COLUMNS = ("subject", "expression")
"""Columns that hold words even where they look like numbers."""

_COLUMN = re.compile(r"['\"\s]*au[\s_-]*0*(\d+)(_r)?['\"\s]*", re.IGNORECASE)
_ALIASES = {"AU43": "AU45"}
"""Closed eyes stand for a blink: in a photograph the two are one (FACS tells them apart by their duration)."""


def au_of_column(column: str) -> str | None:
    """The action unit whose intensity a column holds; None where it holds none of our 17."""
    found = _COLUMN.fullmatch(str(column))
    if not found:
        return None
    name = f"AU{int(found[1]):02d}"
    name = _ALIASES.get(name, name)
    return name if name in AU_NAMES else None


def au_columns(columns: Sequence[str]) -> dict[str, str]:
    """AU name to the column that holds it. Of two columns of one unit, a unit's own name goes before an alias."""
    found: dict[str, str] = {}
    for column in columns:
        name = au_of_column(column)
        if name and (name not in found or name[2:] in str(column)):
            found[name] = column
    return found


def read_aus(frame: pd.DataFrame, scale: float = 1.0) -> np.ndarray:
    """The AUs of every row, float32 of shape N×17, divided by `scale`; NaN where a unit is missing.

    Raises ValueError, naming column and row, where a cell holds something else than a number.
    """
    aus = np.full((len(frame), len(AU_NAMES)), np.nan, np.float32)
    for name, column in au_columns(frame.columns).items():
        cells = frame[column]
        if not pd.api.types.is_numeric_dtype(cells):
            cells = cells.astype("string").str.strip()
            cells = cells.where(cells != "")
        numbers = pd.to_numeric(cells, errors="coerce")
        wrong = np.flatnonzero(numbers.isna() & cells.notna())
        if len(wrong):
            raise ValueError(f"column `{column}`, row {wrong[0] + 1}: `{cells.iloc[wrong[0]]}` is not a number")
        numbers = numbers.astype(float).to_numpy(np.float64, na_value=np.nan)
        aus[:, AU_NAMES.index(name)] = np.where(numbers == NOT_ANNOTATED, np.nan, numbers / scale)
    return aus


def read_table(path: Path) -> pd.DataFrame:
    """A parquet file, or a CSV file with comma, semicolon or tab; blanks around the headings are taken off.

    With semicolons the decimal sign may be a comma. Letters are UTF-8, with or without a mark, or Windows'.
    """
    try:
        if path.suffix.lower() == ".parquet":
            frame = pd.read_parquet(path)
        else:
            with path.open(encoding="utf-8-sig", errors="replace") as file:
                heading, beginning = file.readline(), file.read(1 << 16)
            separator = max(",;\t", key=heading.count)
            texts = (*NAME_COLUMNS, *TEXT_COLUMNS)
            options = {
                "sep": separator,
                "decimal": "," if separator == ";" and re.search(r"\d,\d", beginning) else ".",
                "skipinitialspace": True,
                "dtype": dict.fromkeys((*texts, *(f" {name}" for name in texts)), str),
            }
            try:
                frame = pd.read_csv(path, encoding="utf-8-sig", **options)
            except UnicodeDecodeError:  # as spreadsheets on Windows write it
                frame = pd.read_csv(path, encoding="cp1252", **options)
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from None
    return frame.rename(columns=lambda column: str(column).strip())


def normalised(name: str) -> str:
    """A photograph's path as a key: forward slashes, no suffix, no leading `./`."""
    return PurePosixPath(str(name).strip().replace("\\", "/")).with_suffix("").as_posix()


class AnnotationReader:
    """The vectors that the data set itself brings, or those of the table `au_table`, divided by `au_scale`."""

    def __init__(self, source: Source) -> None:
        self._scale = source.au_scale
        self._table = Path(source.au_table) if source.au_table else None
        self._by_name = _vectors(self._table) if self._table else {}

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[Reading]:
        """See `defgan.faces.action_units.Reader`."""
        return [self._read(record) for record in records]

    def _read(self, record: Record) -> Reading:
        if self._table is None:
            aus = record.aus
        else:
            aus = self._by_name.get(normalised(record.source))
            if aus is None:
                return Reading(None, f"AUs missing: no row for it in {self._table}")
        return Reading.of(None if aus is None else aus / np.float32(self._scale))


def _vectors(path: Path) -> dict[str, np.ndarray]:
    """Photograph (`normalised`) to its vector, unscaled."""
    frame = read_table(path)
    named = [column for column in NAME_COLUMNS if column in frame]
    if not named:
        raise UserError(f"{path}: no column that names the photographs; it may be called {', '.join(NAME_COLUMNS)}")
    missing = set(AU_NAMES) - set(au_columns(frame.columns))
    if missing:
        raise UserError(f"{path}: no column for {', '.join(sorted(missing))}; all {len(AU_NAMES)} AUs are needed")
    names = frame[named[0]].map(normalised)
    if names.duplicated().any():
        raise UserError(f"{path}: {names[names.duplicated()].iloc[0]} has more than one row; keep one per photograph")
    try:
        return dict(zip(names, read_aus(frame), strict=True))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
