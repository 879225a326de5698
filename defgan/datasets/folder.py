"""Any directory tree of photographs, with or without `annotations.csv` or `annotations.parquet` at its top.

The table has a column `path` (relative to the directory) and any of `subject`, `expression`, the point columns of
`defgan.faces.table.POINT_COLUMNS` (photograph pixels) and the AU names of `defgan.facs` (intensities in [0, 1]). Where
it names no subject, that is the photograph's first sub-directory, or its own name where photographs lie at the top.
"""

from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from defgan.datasets.records import Dataset, Record
from defgan.errors import UserError
from defgan.faces.table import POINT_COLUMNS
from defgan.facs import AU_NAMES

IMAGE_SUFFIXES = frozenset({".bmp", ".gif", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp"})
ANNOTATIONS = ("annotations.parquet", "annotations.csv")


def read_folder(directory: Path) -> Dataset:
    """Every photograph of the tree, and every one that the annotations name, in the order of their paths."""
    if not directory.is_dir():
        raise UserError(f"{directory}: no such folder; put photographs there or set data.<role>.path to where they are")
    annotations = _read_annotations(directory)
    sources = {
        path.relative_to(directory).as_posix()
        for path in directory.rglob("*")
        if path.suffix.lower() in IMAGE_SUFFIXES and not path.name.startswith(".") and path.is_file()
    }
    # What is named but not there is an input too: it ends among the rejects, not nowhere.
    sources |= set(annotations)
    if not sources:
        raise UserError(
            f"{directory}: no photographs in this folder ({', '.join(sorted(IMAGE_SUFFIXES))});"
            " put some there or set data.<role>.path to where they are"
        )
    records = [_record(directory, source, annotations.get(source, {})) for source in sorted(sources)]
    columns = next(iter(annotations.values()), {}).keys()
    return Dataset(records, has_points=set(POINT_COLUMNS) <= columns, has_aus=set(AU_NAMES) <= columns)


def _read_annotations(directory: Path) -> dict[str, dict]:
    """Source to its row; empty where there is no table."""
    tables = [directory / name for name in ANNOTATIONS if (directory / name).is_file()]
    if not tables:
        return {}
    if len(tables) > 1:
        raise UserError(f"{directory}: both {' and '.join(ANNOTATIONS)} are here; keep one")
    table = tables[0]
    texts = ("path", "subject", "expression")
    try:
        if table.suffix == ".csv":
            frame = pd.read_csv(table, dtype=dict.fromkeys(texts, str), keep_default_na=True)
        else:
            frame = pd.read_parquet(table)
    except (ValueError, OSError) as error:
        raise UserError(f"{table}: cannot be read as a table: {' '.join(str(error).split())}") from None
    if "path" not in frame:
        raise UserError(f"{table}: no column `path`; it names each photograph relative to {directory}")
    known = (*POINT_COLUMNS, *AU_NAMES)
    for column in frame.columns.intersection(known):
        numbers = pd.to_numeric(frame[column], errors="coerce")
        wrong = frame.loc[numbers.isna() & frame[column].notna(), "path"]
        if len(wrong):
            raise UserError(f"{table}: column `{column}` of {wrong.iloc[0]} is not a number")
        frame[column] = numbers
    for group, name in ((POINT_COLUMNS, "point"), (AU_NAMES, "AU")):
        missing = [column for column in group if column not in frame]
        if 0 < len(missing) < len(group):
            raise UserError(f"{table}: {name} columns {', '.join(missing)} are missing; give all {len(group)} or none")
    frame["path"] = [PurePosixPath(str(path).replace("\\", "/")).as_posix() for path in frame["path"]]
    twice = frame.loc[frame["path"].duplicated(), "path"]
    if len(twice):
        count = (frame["path"] == twice.iloc[0]).sum()
        raise UserError(f"{table}: {twice.iloc[0]} has {count} rows; keep one per photograph")
    for column in frame.columns.intersection(texts):
        frame[column] = frame[column].where(frame[column].notna(), "").astype(str)
    columns = [column for column in (*texts, *known) if column in frame]
    return {row["path"]: row for row in frame[columns].to_dict("records")}


def _record(directory: Path, source: str, row: dict) -> Record:
    parts = PurePosixPath(source).parts
    points = np.array([row.get(column, np.nan) for column in POINT_COLUMNS], np.float64).reshape(5, 2)
    aus = np.array([row.get(name, np.nan) for name in AU_NAMES], np.float32)
    return Record(
        source=source,
        path=directory / source,
        subject=row.get("subject") or (parts[0] if len(parts) > 1 else Path(source).stem),
        expression=row.get("expression") or "",
        points=points if np.isfinite(points).all() else None,
        aus=aus if np.isfinite(aus).any() else None,
    )
