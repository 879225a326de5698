"""Tables of annotations, CSV or Parquet: which columns are AUs, and what stands for "missing".

AU columns are recognised by name, however it is written: `AU01`, `AU1`, `au_01`, OpenFace 2's `AU01_r` (its `AU01_c` is
presence, not intensity), EmotionNet's `AU 1`. Empty cells and EmotionNet's 999 are missing, not zero.
"""

import codecs
import csv
import os
import re
import unicodedata
import warnings
from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import takewhile
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd
import pyarrow as pa

from defgan.alignment import POINT_COLUMNS
from defgan.errors import UserError
from defgan.facs import AU_NAMES

NOT_ANNOTATED = 999
"""EmotionNet's mark for a unit that was not annotated."""

NAME_COLUMNS = ("path", "source", "image", "file", "filename", "input", "name")
"""Columns that may name the photograph of a row, relative to the data set's folder; the first that is there counts."""

TEXT_COLUMNS = ("subject", "expression")
"""Columns that hold words, even where they look like numbers."""

_KNOWN = frozenset({*NAME_COLUMNS, *TEXT_COLUMNS, *POINT_COLUMNS})
"""Columns that are known in upper and lower case."""
_BYTE_ORDER_MARKS = {
    codecs.BOM_UTF32_LE: "utf-32",
    codecs.BOM_UTF32_BE: "utf-32",
    codecs.BOM_UTF16_LE: "utf-16",
    codecs.BOM_UTF16_BE: "utf-16",
}
"""In this order: the mark of UTF-32 begins with that of UTF-16."""
_LOOKED_AT = 1 << 16
"""Bytes of a CSV file by which its encoding, its separator and its decimal sign are known."""
_TRIED = 8
"""Names of a table that are looked for on disk to see which folder they are relative to."""

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
        numbers = read_numbers(frame, column)
        aus[:, AU_NAMES.index(name)] = np.where(numbers == NOT_ANNOTATED, np.nan, numbers / scale)
    return aus


def read_numbers(frame: pd.DataFrame, column: str) -> np.ndarray:
    """The numbers of a column, float64 (N,), NaN where a cell is empty.

    Raises ValueError with column and row where a cell is neither empty nor a number.
    """
    numbers, cells = to_numbers(frame[column]), frame[column]
    words = np.isnan(numbers) & cells.notna().to_numpy() & (cells.astype(str).str.strip() != "").to_numpy()
    if words.any():
        row = int(np.argmax(words))
        raise ValueError(f"column `{column}`, row {row + 1}: `{shown(cells.iloc[row])}` is not a number")
    return numbers


def to_numbers(cells: pd.Series) -> np.ndarray:
    """Cells as float64 (N,); NaN where they are no numbers."""
    if not pd.api.types.is_numeric_dtype(cells):
        # As text: pandas cannot convert whole numbers of hundreds of digits.
        cells = pd.to_numeric(cells.astype("string").str.strip(), errors="coerce")
    return cells.astype(float).to_numpy(np.float64, na_value=np.nan)


def shown(value: object) -> str:
    """A cell, or the name of a column, for a message of one line."""
    text = " ".join(str(value).split())
    return text if len(text) <= 40 else f"{text[:39]}…"


def read_table(path: Path) -> pd.DataFrame:
    """A Parquet file, or a CSV file with commas, semicolons or tabs.

    Spaces around the headings are removed, and the headings of `NAME_COLUMNS`, `TEXT_COLUMNS` and points may have
    capitals. With semicolons the decimal sign may be a comma. A first line `sep=;`, as spreadsheets write it, names the
    separator. The encoding is UTF-8 with or without a byte order mark, UTF-16 with one, or Windows-1252. Raises
    UserError where the file cannot be read, and where two columns have the same name.
    """
    try:
        frame = pd.read_parquet(path) if path.suffix.lower() == ".parquet" else _read_csv(path)
    except (ValueError, OSError, MemoryError, NotImplementedError, pa.ArrowException) as error:
        raise UserError(f"{path}: cannot be read as a table: {_first_line(error)}") from None
    columns = [str(column).strip() for column in frame.columns]
    columns = [
        column.lower() if column.lower() in _KNOWN and column.lower() not in columns else column for column in columns
    ]
    _check_unique(path, columns)
    return frame.set_axis(columns, axis=1)


def _first_line(error: Exception) -> str:
    text = " ".join(str(error).split())
    return (text if len(text) <= 200 else f"{text[:199]}…") or type(error).__name__


def _check_unique(path: Path, columns: Sequence[str]) -> None:
    """Raises UserError where two columns have the same name, which pandas would change in silence."""
    names = [column.strip() for column in columns if column.strip()]
    if len({*names}) < len(names):
        twice = next(name for name in names if names.count(name) > 1)
        raise UserError(f"{path}: column `{shown(twice)}` is there twice; keep one")


def _read_csv(path: Path) -> pd.DataFrame:
    with path.open("rb") as file:
        beginning = file.read(_LOOKED_AT)
    encoding = next((name for mark, name in _BYTE_ORDER_MARKS.items() if beginning.startswith(mark)), "utf-8-sig")
    first, *rest = beginning.decode(encoding, errors="replace").splitlines() or [""]
    named = re.fullmatch(r'"?sep=(.)"?[,;\t]*', first.strip("\ufeff"), re.IGNORECASE)
    heading = (rest[0] if rest else "") if named else first
    separator = named[1] if named else max(",;\t", key=heading.count)
    columns = next(csv.reader([heading], delimiter=separator, skipinitialspace=True), [])
    options = {
        "sep": separator,
        "skiprows": 1 if named else 0,
        "decimal": "," if separator == ";" and any(re.search(r"\d,\d", line) for line in rest) else ".",
        "skipinitialspace": True,
        "index_col": False,  # else, if rows are longer than the heading, all columns move by one
        "low_memory": False,  # with pieces of a file a column could have two types
        "dtype": {name: str for name in columns if name.strip().lower() in (*NAME_COLUMNS, *TEXT_COLUMNS)},
    }
    _check_unique(path, columns)
    with warnings.catch_warnings():
        warnings.simplefilter("error", pd.errors.ParserWarning)
        try:
            try:
                frame = pd.read_csv(path, encoding=encoding, **options)
            except UnicodeDecodeError:
                if encoding != "utf-8-sig":
                    raise
                # Spreadsheets on Windows write this encoding.
                frame = pd.read_csv(path, encoding="cp1252", **options)
        except pd.errors.ParserWarning:
            raise ValueError("some rows have more cells than the heading has columns") from None
    # Rows of separators alone, which spreadsheets leave at the end.
    return frame.dropna(how="all", ignore_index=True) if len(frame) and frame.iloc[:, 0].isna().any() else frame


def name_column(path: Path, frame: pd.DataFrame) -> str:
    """The column that names the photographs. Raises UserError with the columns that are there."""
    found = next((column for column in NAME_COLUMNS if column in frame), None)
    if found is None:
        there = ", ".join(f"`{shown(column)}`" for column in frame.columns[:12]) or "none"
        more = f" and {len(frame.columns) - 12} more" if len(frame.columns) > 12 else ""
        raise UserError(
            f"{path}: no column `path`, nor {', '.join(NAME_COLUMNS[1:])}, which would name each photograph relative to"
            f" the data set's folder; its columns are {there}{more}"
        )
    return found


def key_of(name: object) -> str:
    """A photograph's path as a key: forward slashes, no leading `./`, composed letters (macOS writes é as e and ´)."""
    path = PurePosixPath(str(name).strip().replace("\\", "/")).as_posix()
    return unicodedata.normalize("NFC", path)


def normalised(name: str) -> str:
    """A photograph's path as a key (`key_of`) without suffix."""
    key = PurePosixPath(key_of(name))
    return key.with_suffix("").as_posix() if key.name else key.as_posix()


def relative_names(names: Sequence[str], folder: Path) -> list[str]:
    """Names of a table (`key_of`) relative to the data set's folder, where they are relative to something else.

    Py-Feat writes the path that it was given: absolute, or relative to where it was started. Of the folders in which
    all names lie, as many are dropped as makes the first photographs be found. Names that are found nowhere stay.
    """
    parts = [PurePosixPath(name).parts for name in names]
    folders = [each[:-1] for each in parts]
    first, last = (min(folders), max(folders)) if folders else ((), ())  # what these share, all share
    common = sum(1 for _ in takewhile(lambda pair: pair[0] == pair[1], zip(first, last, strict=False)))
    for dropped in range(common + 1):
        inside = (each[dropped:] for each in parts[:_TRIED] if not _leads_out(each[dropped:]))
        if any(os.path.lexists(folder.joinpath(*each)) for each in inside):
            return ["/".join(each[dropped:]) for each in parts] if dropped else list(names)
    return list(names)


def _leads_out(parts: Sequence[str]) -> bool:
    return not parts or parts[0] == "/" or ".." in parts


class AmbiguousNameError(Exception):
    """A photograph for which a table has the rows of several; the message says which."""


class NamedRows:
    """Which rows of a table a photograph has: those of its own path, or of its path but for the suffix."""

    def __init__(self, names: Iterable[str]) -> None:
        self._rows: dict[str, list[int]] = defaultdict(list)
        for row, name in enumerate(names):
            self._rows[name].append(row)
        self._plain: dict[str, list[str]] = defaultdict(list)
        for name in self._rows:
            self._plain[normalised(name)].append(name)

    def of(self, source: str, twin: str = "") -> list[int]:
        """The rows of a photograph, by number; none where the table does not name it.

        `twin` is another photograph whose path differs by the suffix alone (`Record.twin`). Raises AmbiguousNameError
        where the suffix would have to tell photographs, or rows, apart and cannot.
        """
        key = key_of(source)
        plain = normalised(key)
        if key in self._rows:
            return self._rows[key]
        names = [plain] if plain in self._rows else self._plain.get(plain, [])
        if names and twin:
            raise AmbiguousNameError(f"`{names[0]}` could be {source} or {twin}")
        if len(names) > 1:
            raise AmbiguousNameError(f"`{names[0]}` and `{names[1]}` could both be {source}")
        return self._rows[names[0]] if names else []
