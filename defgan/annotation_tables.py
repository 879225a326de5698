"""Tables of annotations, CSV or Parquet: which columns are AUs, and what stands for "missing".

AU columns are recognised by name, however it is written: `AU01`, `AU1`, `au_01`, OpenFace 2's `AU01_r` (its `AU01_c` is
presence, not intensity), EmotionNet's `AU 1`. Empty cells and EmotionNet's 999 are missing, not zero.
"""

import re
from collections.abc import Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from defgan.errors import UserError
from defgan.facs import AU_NAMES

NOT_ANNOTATED = 999
"""EmotionNet's mark for a unit that was not annotated."""

NAME_COLUMNS = ("path", "source", "image", "file", "filename", "input", "name")
"""Columns that may name the photograph of a row, relative to the data set's folder; the first that is there counts."""

TEXT_COLUMNS = ("subject", "expression")
"""Columns that hold words, even where they look like numbers."""

_COLUMN = re.compile(r"['\"\s]*au[\s_-]*0*(\d+)(_r)?['\"\s]*", re.IGNORECASE)
_ALIASES = {"AU43": "AU45"}
"""Closed eyes (AU43) count as a blink (AU45): FACS tells them apart by duration, which a photograph does not show."""


def au_of_column(column: str) -> str | None:
    """The action unit whose intensity a column holds; None where it holds none of our 17."""
    found = _COLUMN.fullmatch(str(column))
    if not found:
        return None
    name = f"AU{int(found[1]):02d}"
    name = _ALIASES.get(name, name)
    return name if name in AU_NAMES else None


def au_columns(columns: Sequence[str]) -> dict[str, str]:
    """AU name to the column that holds it. Where a unit has two columns, its own name goes before an alias."""
    found: dict[str, str] = {}
    for column in columns:
        name = au_of_column(column)
        if name and (name not in found or name[2:] in str(column)):
            found[name] = column
    return found


def read_aus(frame: pd.DataFrame, scale: float = 1.0) -> np.ndarray:
    """The AUs of every row, float32 of shape N×17, divided by `scale`; NaN where a unit is missing.

    Raises ValueError with column and row where a cell is neither empty nor a number.
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
    """A Parquet file, or a CSV file with commas, semicolons or tabs; spaces around the headings are removed.

    With semicolons the decimal sign may be a comma. The encoding is UTF-8, with or without a byte order mark, or
    Windows-1252. Raises UserError where the file cannot be read.
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
            except UnicodeDecodeError:  # spreadsheets on Windows write this encoding
                frame = pd.read_csv(path, encoding="cp1252", **options)
    except (ValueError, OSError) as error:
        raise UserError(f"{path}: cannot be read as a table: {' '.join(str(error).split())}") from None
    return frame.rename(columns=lambda column: str(column).strip())


def normalised(name: str) -> str:
    """A photograph's path as a key: forward slashes, no suffix, no leading `./`."""
    return PurePosixPath(str(name).strip().replace("\\", "/")).with_suffix("").as_posix()
