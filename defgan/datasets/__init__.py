"""Data sets: each kind turns what is on disk into the same records, one per photograph."""

from pathlib import Path

from defgan.datasets.records import Dataset, Record

__all__ = ["Dataset", "Record", "read_dataset"]


def read_dataset(kind: str, directory: str | Path) -> Dataset:
    """The photographs of a directory (or file); `kind` is one of `defgan.datasets.kinds.READERS`.

    Its annotated intensities are on the scale of the annotations. Raises UserError where there are no photographs.
    """
    # Here, not above: the readers need modules of defgan.faces that need the records.
    from defgan.datasets.kinds import READERS

    return READERS[kind](Path(directory))
