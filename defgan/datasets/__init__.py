"""Data sets: a directory in a published layout becomes records, one per photograph.

A layout is one module of this package with two functions: `read(path) -> Dataset` and `recognises(path) -> bool`.
"""

import importlib
from pathlib import Path
from types import ModuleType

from defgan.records import Dataset

LAYOUTS = ("corpus", "manifest", "celeba_hq", "rafd", "mug", "emotionet", "folder")
"""The modules of the layouts, the values of `data.<role>.layout`; `folder` comes last, it recognises any directory."""


def read_dataset(layout: str, path: str | Path) -> Dataset:
    """The photographs of a directory (or file) in one of `LAYOUTS`, with its annotations on their own scale.

    Raises UserError where there are no photographs.
    """
    return _module(layout).read(Path(path))


def guess_layout(path: str | Path) -> str:
    """The layout of a directory (or file): the first of `LAYOUTS` that recognises it."""
    return next(layout for layout in LAYOUTS if _module(layout).recognises(Path(path)))


def _module(layout: str) -> ModuleType:
    # Loaded when it is used: params ask for the names only, and must not wait for pandas.
    return importlib.import_module(f"{__name__}.{layout}")
