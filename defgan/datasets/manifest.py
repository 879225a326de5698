"""A table that lists photographs wherever they are: CSV or Parquet, its columns those of `defgan.datasets.folder`.

Only what it lists is read. Paths are relative to the table's folder, or absolute.
"""

import os
from pathlib import Path

from defgan.datasets.records import Dataset, Record
from defgan.datasets.tables import read_annotations
from defgan.errors import UserError


def read_manifest(table: Path) -> Dataset:
    """Every photograph that the table lists, in the order of their paths."""
    if not table.is_file():
        raise UserError(f"{table}: no such file; a manifest is a CSV or Parquet file with a column `path`")
    annotations = read_annotations(table)
    if not annotations.rows:
        raise UserError(f"{table}: it lists no photographs; give it a row for each")
    records = []
    for path in sorted(annotations.rows):
        folder = Path(path).parent.name
        fields = {"subject": folder if folder else Path(path).stem, **annotations.of(path)}
        records.append(Record(source=path, file=os.path.join(table.parent, path), **fields))
    return Dataset(records, has_points=annotations.points is not None, has_aus=annotations.aus is not None)
