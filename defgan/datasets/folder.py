"""Any directory tree or zip of photographs, with or without `annotations.csv` or `annotations.parquet` at its top.

The table has a column `path` (relative to the directory) and any of `subject`, `expression`, the point columns of
`defgan.alignment.POINT_COLUMNS` (photograph pixels) and the AU names of `defgan.facs`. Where it names no subject or
expression, the photograph's path may (`defgan.datasets.names`). A table in a zip is not read.
"""

import os
from dataclasses import replace
from pathlib import Path

from defgan.annotation_tables import key_of, relative_names
from defgan.datasets.names import expression_of, subject_of
from defgan.datasets.scan import photographs
from defgan.datasets.tables import Annotations, read_annotations
from defgan.errors import UserError
from defgan.records import Dataset, Record, Skipped

ANNOTATIONS = ("annotations.parquet", "annotations.csv")


def recognises(path: Path) -> bool:
    """True: whatever no other layout recognises is read as a folder, or as a zip of one."""
    return True


def read(path: Path) -> Dataset:
    """Every photograph of the tree, and every one that the annotations name, in the order of their paths."""
    annotations = annotations_of(path)
    skipped = Skipped()
    try:
        records = photographs(path, skipped)
    except UserError:
        if annotations is None:
            raise
        records = []
    if annotations is None:
        return Dataset(records, has_points=False, has_aus=False, skipped=skipped)
    for name in ANNOTATIONS:
        if (path / name).is_file():
            skipped.remove(f"no photograph by its name ({Path(name).suffix})", name)
    there = {record.source for record in records}
    # The same name can be written in two ways that look alike: macOS takes é apart, a table may not.
    alike = {key_of(name): name for name in annotations.rows if name not in there}
    names = {record.source: record.source for record in records}
    names |= {source: alike.pop(key_of(source), source) for source in names if source not in annotations.rows}
    records = [replace(record, **annotations.of(names[record.source])) for record in records]
    # A photograph that is named but not there is an input, too: it must end among the rejects.
    there = {*names.values()}
    records += [_named(path, name, annotations) for name in annotations.rows if name not in there]
    return Dataset(
        sorted(records, key=lambda record: record.source),
        has_points=annotations.points is not None,
        has_aus=annotations.aus is not None,
        skipped=skipped,
    )


def annotations_of(directory: Path, whole: bool = True) -> Annotations | None:
    """The table at the top of a directory; None where there is none. `whole` as in `read_annotations`.

    Paths that begin with folders that lead to the directory are taken as relative to it.
    """
    tables = [directory / name for name in ANNOTATIONS if (directory / name).is_file()]
    if len(tables) > 1:
        raise UserError(f"{directory}: both {' and '.join(ANNOTATIONS)} are here; keep one")
    if not tables:
        return None
    annotations = read_annotations(tables[0], whole)
    names = relative_names(list(annotations.rows), directory)
    return replace(annotations, rows=dict(zip(names, annotations.rows.values(), strict=True)))


def _named(directory: Path, path: str, annotations: Annotations) -> Record:
    """The record of a photograph that only the table names."""
    outside = os.path.isabs(path) or ".." in path.split("/")
    return Record(
        source=path,
        file=os.path.join(directory, path),
        reject="outside the data set's folder" if outside else "",
        **{"subject": subject_of(path), "expression": expression_of(path), **annotations.of(path)},
    )
