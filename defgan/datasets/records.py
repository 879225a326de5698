"""What every kind of data set comes down to."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Record:
    """One photograph and what its data set says of it."""

    source: str  # path relative to the data set's directory
    path: Path
    subject: str
    expression: str = ""  # "" where unknown
    points: np.ndarray | None = None  # 5×2, photograph pixels; None unless all are there
    aus: np.ndarray | None = None  # (17,) float32, NaN where an intensity is missing; None where all are


@dataclass(frozen=True)
class Dataset:
    """The records of a directory, and which of points and AUs its annotations have at all."""

    records: list[Record]
    has_points: bool
    has_aus: bool
