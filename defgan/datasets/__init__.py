"""Data sets: each kind turns a directory into the same records, one per photograph."""

from pathlib import Path

from defgan.datasets.corpus import read_corpus
from defgan.datasets.folder import read_folder
from defgan.datasets.records import Dataset, Record

__all__ = ["Dataset", "Record", "read_dataset"]

_READERS = {"corpus": read_corpus, "folder": read_folder}


def read_dataset(kind: str, directory: str | Path) -> Dataset:
    """The photographs of a directory; `kind` is `corpus` or `folder`. Raises UserError where there are none."""
    return _READERS[kind](Path(directory))
