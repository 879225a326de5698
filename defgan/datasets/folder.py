"""Any directory tree of photographs, with or without `annotations.csv` or `annotations.parquet` at its top.

The table has a column `path` (relative to the directory) and any of `subject`, `expression`, the point columns of
`defgan.alignment.POINT_COLUMNS` (photograph pixels) and the AU names of `defgan.facs`. Where it names no subject, the
subject is the photograph's first sub-directory (a folder per person), or its own name if it lies at the top.
"""

import os
from dataclasses import replace
from pathlib import Path

from defgan.datasets.scan import photographs
from defgan.datasets.tables import Annotations, read_annotations
from defgan.errors import UserError
from defgan.records import Dataset, Record, Skipped

ANNOTATIONS = ("annotations.parquet", "annotations.csv")


def recognises(path: Path) -> bool:
    """True: whatever no other layout recognises is read as a folder."""
    return True


def read(directory: Path) -> Dataset:
    """Every photograph of the tree, and every one that the annotations name, in the order of their paths."""
    annotations = annotations_of(directory)
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
    # A photograph that is named but not there is an input, too: it must end among the rejects.
    there = {record.source for record in records}
    records += [_named(directory, path, annotations) for path in annotations.rows if path not in there]
    return Dataset(
        sorted(records, key=lambda record: record.source),
        has_points=annotations.points is not None,
        has_aus=annotations.aus is not None,
        skipped=skipped,
    )


def annotations_of(directory: Path, whole: bool = True) -> Annotations | None:
    """The table at the top of a directory; None where there is none. `whole` as in `read_annotations`."""
    tables = [directory / name for name in ANNOTATIONS if (directory / name).is_file()]
    if len(tables) > 1:
        raise UserError(f"{directory}: both {' and '.join(ANNOTATIONS)} are here; keep one")
    return read_annotations(tables[0], whole) if tables else None


def _named(directory: Path, path: str, annotations: Annotations) -> Record:
    """The record of a photograph that only the table names."""
    outside = os.path.isabs(path) or ".." in path.split("/")
    return Record(
        source=path,
        file=os.path.join(directory, path),
        reject="outside the data set's folder" if outside else "",
        **{"subject": path.split("/")[0] if "/" in path else Path(path).stem, **annotations.of(path)},
    )
