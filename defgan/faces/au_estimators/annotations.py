"""AUs that are annotated: by the data set itself, or in a table of its own."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from defgan.annotation_tables import NAME_COLUMNS, au_columns, normalised, read_aus, read_table
from defgan.errors import UserError
from defgan.faces.au_estimators.base import AUPrediction
from defgan.facs import AU_NAMES
from defgan.records import Record

if TYPE_CHECKING:
    from defgan.params import Source


class AnnotationEstimator:
    """The AU vectors of the data set, or of the table `au_table`, divided by `au_scale`."""

    def __init__(self, source: Source) -> None:
        self._scale = source.au_scale
        self._table = Path(source.au_table) if source.au_table else None
        self._by_name = _vectors(self._table) if self._table else {}

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """See `AUEstimator`; only the records are used."""
        return [self._predict(record) for record in records]

    def _predict(self, record: Record) -> AUPrediction:
        if self._table is None:
            aus = record.aus
        else:
            aus = self._by_name.get(normalised(record.source))
            if aus is None:
                return AUPrediction(None, f"AUs missing: no row for it in {self._table}")
        return AUPrediction.of(None if aus is None else aus / np.float32(self._scale))


def _vectors(path: Path) -> dict[str, np.ndarray]:
    """Photograph (`normalised`) to its vector, unscaled."""
    frame = read_table(path)
    named = [column for column in NAME_COLUMNS if column in frame]
    if not named:
        raise UserError(f"{path}: no column names the photographs; call it one of {', '.join(NAME_COLUMNS)}")
    missing = set(AU_NAMES) - set(au_columns(frame.columns))
    if missing:
        raise UserError(f"{path}: no column for {', '.join(sorted(missing))}; all {len(AU_NAMES)} AUs are needed")
    names = frame[named[0]].map(normalised)
    if names.duplicated().any():
        raise UserError(f"{path}: {names[names.duplicated()].iloc[0]} has more than one row; keep one per photograph")
    try:
        return dict(zip(names, read_aus(frame), strict=True))
    except ValueError as error:
        raise UserError(f"{path}: {error}") from None
