"""Data sets: a directory in a published layout becomes records, one per photograph.

A layout is one module of this package with two functions: `read(path) -> Dataset` and `recognises(path) -> bool`.
"""

import importlib
import os
from dataclasses import replace
from pathlib import Path
from types import ModuleType

from defgan.datasets.views import VIEWS, select
from defgan.errors import UserError
from defgan.records import Dataset, Record

LAYOUTS = ("corpus", "manifest", "several", "celeba_hq", "rafd", "mug", "emotionet", "folder")
"""The modules of the layouts, the values of `data.<role>.layout`; `folder` comes last, it recognises any directory."""


def read_dataset(layout: str, path: str | Path, views: str = "frontal") -> Dataset:
    """The photographs of a directory (or file) in one of `LAYOUTS`, with its annotations on their own scale.

    `views` is one of `VIEWS`. Raises UserError where there are no photographs.
    """
    dataset = select(_module(layout).read(Path(path)), views)
    if not dataset.records:
        raise UserError(
            f"{path}: all photographs have another view than `{views}` ({dataset.skipped}); data.<role>.views chooses"
            f" from {', '.join(VIEWS)}"
        )
    return replace(dataset, records=_with_twins(dataset.records))


def guess_layout(path: str | Path) -> str:
    """The layout of a directory (or file): the first of `LAYOUTS` that recognises it."""
    return next(layout for layout in LAYOUTS if _module(layout).recognises(Path(path)))


def _with_twins(records: list[Record]) -> list[Record]:
    """The records; those whose paths differ by the suffix alone name each other: `1.jpg` and `1.png`."""
    first: dict[str, int] = {}
    twins: dict[int, str] = {}
    for index, record in enumerate(records):
        other = first.setdefault(os.path.splitext(record.source)[0], index)
        if other != index and records[other].source != record.source:
            twins[index] = records[other].source
            twins.setdefault(other, record.source)
    return [replace(record, twin=twins[index]) if index in twins else record for index, record in enumerate(records)]


def _module(layout: str) -> ModuleType:
    # Loaded when it is used: params ask for the names only, and must not wait for pandas.
    return importlib.import_module(f"{__name__}.{layout}")
