"""Any directory tree of photographs, with or without `annotations.csv` or `annotations.parquet` at its top.

The table has a column `path` (relative to the directory) and any of `subject`, `expression`, the point columns of
`defgan.faces.table.POINT_COLUMNS` (photograph pixels) and the AU names of `defgan.facs`. Where it names no subject,
that is the photograph's first sub-directory (a folder per person), or its own name where photographs lie at the top.
"""

import os
from dataclasses import replace
from pathlib import Path

from defgan.datasets.records import Dataset, Record, Skipped
from defgan.datasets.scan import photographs
from defgan.datasets.tables import Annotations, read_annotations
from defgan.errors import UserError

ANNOTATIONS = ("annotations.parquet", "annotations.csv")


def read_folder(directory: Path) -> Dataset:
    """Every photograph of the tree, and every one that the annotations name, in the order of their paths."""
    annotations = folder_annotations(directory)
    skipped = Skipped()
    try:
        records = photographs(directory, skipped)
    except UserError:
        if annotations is None:
            raise
        records = []
    if annotations is None:
        return Dataset(records, has_points=False, has_aus=False, skipped=skipped)
    for name in ANNOTATIONS:
        skipped.counts.pop(f"no photograph by its name ({Path(name).suffix})", None)
    records = [replace(record, **annotations.of(record.source)) for record in records]
    # What is named but not there is an input too: it ends among the rejects, not nowhere.
    there = {record.source for record in records}
    records += [named(directory, path, annotations) for path in annotations.rows if path not in there]
    return Dataset(
        sorted(records, key=lambda record: record.source),
        has_points=annotations.points is not None,
        has_aus=annotations.aus is not None,
        skipped=skipped,
    )


def folder_annotations(directory: Path, whole: bool = True) -> Annotations | None:
    """The table at the top of a directory; None where there is none."""
    tables = [directory / name for name in ANNOTATIONS if (directory / name).is_file()]
    if len(tables) > 1:
        raise UserError(f"{directory}: both {' and '.join(ANNOTATIONS)} are here; keep one")
    return read_annotations(tables[0], whole) if tables else None


def named(directory: Path, path: str, annotations: Annotations) -> Record:
    """The record of a photograph that only the table knows."""
    outside = os.path.isabs(path) or ".." in path.split("/")
    return Record(
        source=path,
        file=os.path.join(directory, path),
        reject="outside the data set's folder" if outside else "",
        **{"subject": path.split("/")[0] if "/" in path else Path(path).stem, **annotations.of(path)},
    )
