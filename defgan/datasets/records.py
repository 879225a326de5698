"""What every kind of data set comes down to."""

import io
import stat
import zipfile
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np


@dataclass(frozen=True, slots=True)
class Record:
    """One photograph and what its data set says of it. Small: there may be a million of them."""

    source: str  # path relative to the data set's directory, printable
    file: str  # where the photograph is; the archive where `member` names a file in one
    subject: str
    expression: str = ""  # "" where unknown
    points: np.ndarray | None = None  # 5×2, photograph pixels; None unless all are there
    aus: np.ndarray | None = None  # (17,) float32, NaN where an intensity is missing; None where all are
    member: str = ""
    take: str = ""  # of the frames of a take only the peak is kept; "" for a photograph of its own
    reject: str = ""  # why the photograph is refused unread

    @property
    def path(self) -> Path:
        """The photograph's file, or the archive that it is in."""
        return Path(self.file)

    def open(self) -> Path | io.BytesIO:
        """What Pillow opens. Raises OSError where there is no such file, or something else than a file."""
        if self.member:
            return io.BytesIO(_archive(self.file).read(self.member))
        # A pipe or a device would be waited for.
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise OSError("not a file")
        return self.path


@lru_cache(maxsize=2)
def _archive(file: str) -> zipfile.ZipFile:
    """Kept open: its table of contents takes longer to read than a photograph."""
    return zipfile.ZipFile(file)


@dataclass
class Skipped:
    """Files that are no input, and why: how many of each kind, and the first of them."""

    counts: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, source: str) -> None:
        """One more file, `source`, that is left out for `reason`."""
        self.counts[reason] += 1
        self.examples.setdefault(reason, source)


@dataclass(frozen=True)
class Dataset:
    """The records of a directory, which of points and AUs its annotations have at all, and what is no input."""

    records: Sequence[Record]
    has_points: bool
    has_aus: bool
    skipped: Skipped = field(default_factory=Skipped)
