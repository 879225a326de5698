"""Action units that come as a table: which columns they are, on which scale, and what stands for "missing".

Columns are recognised by name however they are written: `AU01`, `AU1`, `au_01`, OpenFace 2's `AU01_r` (its `AU01_c` is
presence, not intensity), EmotionNet's `AU 1`. Blank cells and EmotionNet's 999 are missing, not zero.
"""

import re
from collections.abc import Sequence

import numpy as np
import pandas as pd

from defgan.datasets.records import Record
from defgan.faces.action_units import Reading
from defgan.facs import AU_NAMES

NOT_ANNOTATED = 999
"""EmotionNet's mark in its sheets for a unit that was not annotated."""

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


class AnnotationReader:
    """The vectors that the data set itself brings."""

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[Reading]:
        """See `defgan.faces.action_units.Reader`."""
        return [Reading.of(record.aus) for record in records]
