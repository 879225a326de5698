"""AUs that are annotated: by the data set itself, or in a table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from defgan.annotation_tables import (
    AmbiguousNameError,
    NamedRows,
    au_columns,
    key_of,
    name_column,
    read_aus,
    read_table,
    relative_names,
)
from defgan.errors import UserError
from defgan.faces.au_estimators.base import AUPrediction
from defgan.facs import AU_NAMES
from defgan.records import Record

if TYPE_CHECKING:
    from defgan.params import Source


class AnnotationEstimator:
    """The AU vectors of the data set, or of the table `au_table`, divided by `au_scale`.

    Raises UserError where the table cannot be read, or lacks units or the names of the photographs.
    """

    def __init__(self, source: Source) -> None:
        self._scale = np.float32(source.au_scale)
        self._table = Path(source.au_table) if source.au_table else None
        if self._table:
            self._rows, self._vectors = _read(self._table, Path(source.path))

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """See `AUEstimator`; only the records are used."""
        return [self._predict(record) for record in records]

    def _predict(self, record: Record) -> AUPrediction:
        if self._table is None:
            return AUPrediction.of(None if record.aus is None else record.aus / self._scale)
        try:
            rows = self._rows.of(record.source, record.twin)
        except AmbiguousNameError as error:
            return AUPrediction(None, f"AUs ambiguous: in {self._table.name} {error}; name each with its suffix")
        if not rows:
            return AUPrediction(None, f"AUs missing: no row for it in {self._table}")
        if len(rows) > 1:
            return AUPrediction(None, f"AUs ambiguous: {self._table.name} has {len(rows)} rows for it; keep one")
        return AUPrediction.of(self._vectors[rows[0]] / self._scale)


def _read(path: Path, folder: Path) -> tuple[NamedRows, np.ndarray]:
    """The rows by photograph, and the vector of each, unscaled, N×17."""
    frame = read_table(path)
    named = name_column(path, frame)
    missing = set(AU_NAMES) - set(au_columns(frame.columns))
    if missing:
        raise UserError(f"{path}: no column for {', '.join(sorted(missing))}; all {len(AU_NAMES)} AUs are needed")
    try:
        vectors = read_aus(frame)
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
    return NamedRows(relative_names(frame[named].fillna("").map(key_of).tolist(), folder)), vectors
