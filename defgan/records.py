"""What is read from every data set: one record per photograph, of whatever layout."""

import io
import stat
import zipfile
import zlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

LARGEST_MEMBER = 1 << 30
"""Most bytes of a photograph in a zip: it is unpacked into memory."""


@dataclass(frozen=True, slots=True)
class Record:
    """One photograph and what its data set says of it. It is small, since there may be a million of them."""

    source: str  # path relative to the data set's directory, printable
    file: str  # where the photograph is; the archive where `member` names a file in one
    subject: str
    expression: str = ""  # "" where unknown
    points: np.ndarray | None = None  # 5×2, photograph pixels; None where any is missing
    aus: np.ndarray | None = None  # (17,) float32, NaN where an intensity is missing; None where all are
    member: str = ""  # the photograph's name in an archive
    take: str = ""  # of the frames of a take only the peak is kept; "" for a single photograph
    reject: str = ""  # why the photograph is rejected unread; "" where it is not
    view: str = ""  # of the cameras and gazes of a data set that has several; "" where it is frontal, or unknown
    twin: str = ""  # another photograph whose path differs from this one's by the suffix alone; "" where there is none

    @property
    def path(self) -> Path:
        """The photograph's file, or the archive that it is in."""
        return Path(self.file)

    def open(self) -> Path | io.BytesIO:
        """What Pillow can open. Raises OSError where there is no such file, or where it is not a regular file.

        Raises ValueError where no file can have this name.
        """
        if self.member:
            try:
                return io.BytesIO(_archive(self.file).read(self.member))
            # Broken, encrypted, packed in a way that is not known here, or gone since the zip was listed.
            except (zipfile.BadZipFile, zlib.error, RuntimeError, KeyError, EOFError, ValueError) as error:
                raise OSError(f"in the zip: {' '.join(str(error).split())}") from None
        # Reading a pipe or a device could wait for ever.
        if not stat.S_ISREG(self.path.stat().st_mode):
            raise OSError("not a file")
        return self.path


@lru_cache(maxsize=2)
def _archive(file: str) -> zipfile.ZipFile:
    """An open archive. It is kept, since its table of contents takes longer to read than a photograph."""
    return zipfile.ZipFile(file)


@dataclass
class Skipped:
    """Files that are no input: how many for each reason, and an example of each."""

    counts: Counter = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)

    def add(self, reason: str, source: str) -> None:
        """Count the file `source`, which is left out for `reason`."""
        self.counts[reason] += 1
        self.examples.setdefault(reason, source)

    def remove(self, reason: str, source: str) -> None:
        """Take back that `source` was left out."""
        self.counts = self.counts - Counter([reason])
        if self.examples.get(reason) == source:
            del self.examples[reason]

    def sentences(self) -> list[str]:
        """How many for each reason, with an example, the most frequent first."""
        return [
            f"{count} × {reason}" + (f", such as {self.examples[reason]!r}" if reason in self.examples else "")
            for reason, count in self.counts.most_common()
        ]

    def __str__(self) -> str:
        return "; ".join(self.sentences())


@dataclass(frozen=True)
class Dataset:
    """The records of a directory, whether its annotations have points and AUs, and the files that are no input."""

    records: Sequence[Record]
    has_points: bool
    has_aus: bool
    skipped: Skipped = field(default_factory=Skipped)
