"""A table that lists photographs wherever they are: CSV or Parquet, with the columns of `defgan.datasets.folder`.

Only the listed photographs are read. Paths are relative to the table's folder, or absolute.
"""

import os
from pathlib import Path

from defgan.datasets.names import expression_of, person_of
from defgan.datasets.tables import read_annotations
from defgan.errors import UserError
from defgan.records import Dataset, Record


def recognises(path: Path) -> bool:
    """Whether this is a table by its name."""
    return path.suffix.lower() in (".csv", ".parquet")


def read(table: Path) -> Dataset:
    """Every photograph that the table lists, in the order of their paths."""
    if not table.is_file():
        raise UserError(f"{table}: no such file; a manifest is a CSV or Parquet file with a column `path`")
    annotations = read_annotations(table)
    if not annotations.rows:
        raise UserError(f"{table}: no photographs are listed; add a row for each")
    records = []
    for path in sorted(annotations.rows):
        # Of an absolute path only the photograph's own folder may name a person.
        own = "/".join(Path(path).parts[-2:])
        fields = {"subject": person_of(own) or str(Path(path).with_suffix("")), "expression": expression_of(own)}
        fields |= annotations.of(path)
        records.append(Record(source=path, file=os.path.join(table.parent, path), **fields))
    return Dataset(records, has_points=annotations.points is not None, has_aus=annotations.aus is not None)
