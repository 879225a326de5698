"""The tables, one file each, and what they share. A file has a function `page`, from `Measurements` to a `Page`.

To add a table is to add a file here. Its name is also that of the table's files in reports/tables.
"""

import pkgutil
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from importlib import import_module
from typing import Any

import pandas as pd

from defgan.evaluation.edits import COUNTED_SET
from defgan.facs import EXPRESSIONS
from defgan.methods import registry
from defgan.report.names import data_name, supervision
from defgan.report.significance import ALL

INTERVALS = "In brackets: 95 % bootstrap intervals over people."
SWEEP_SET, AU_SET = "sweep", "au"
"""Sets of the plan: one expression as α grows, and single AUs."""
ENDS = ("", "_low", "_high")
"""Of the columns of a value and its interval."""


@dataclass(frozen=True)
class Page:
    """One table: as it is printed, as plain numbers for the CSV file, and what stands below it."""

    title: str
    table: pd.DataFrame
    numbers: pd.DataFrame
    caption: str


@dataclass(frozen=True)
class Measurements:
    """What tables are made of; keys are the methods in their order, and `truth` last where it is known."""

    metrics: Mapping[str, Mapping[str, Any]]  # metrics/methods/NAME.json
    every: Mapping[str, pd.DataFrame]  # data/evaluation/NAME.parquet: one row per edit
    data: Mapping[str, Any]  # the params of that name as plain values

    @cached_property
    def counted(self) -> dict[str, pd.DataFrame]:
        """The rows of the edits that count in the metrics."""
        return {name: table[table["set"] == COUNTED_SET] for name, table in self.every.items()}

    @property
    def any_method(self) -> Mapping[str, Any]:
        """The metrics of one method, for what is the same for all."""
        return next(iter(self.metrics.values()))

    @property
    def networks(self) -> Mapping[str, str]:
        """What measured them: `frechet`, `kernel`, `identity` and `action_units`."""
        return self.any_method["networks"]

    @property
    def base(self) -> str:
        """The sentences that name the edited faces and the methods that are supervised."""
        faces = f"Edited faces: {data_name(self.data['wild'])}, {self.any_method['images']} edits per method."
        return faces + supervision(registry.every())


def pages(measurements: Measurements) -> dict[str, Page]:
    """All tables by the name of their files."""
    modules = {module.name: import_module(f"{__name__}.{module.name}") for module in pkgutil.iter_modules(__path__)}
    return {name: module.page(measurements) for name, module in modules.items()}


def by_expression(table: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """Rows by expression, and all of them."""
    own = {name: table[table["expression"] == name] for name in EXPRESSIONS}
    return {name: rows for name, rows in own.items() if len(rows)} | {ALL: table}
