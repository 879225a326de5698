"""What photo grids and sliders show: edits, their inputs and the true images."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from defgan import methods
from defgan.evaluation.edits import Edits
from defgan.evaluation.truth import Truth
from defgan.facs import EXPRESSIONS
from defgan.report.names import TRUE_IMAGE, group_name


class Source(NamedTuple):
    """Where a row of pictures comes from."""

    label: str
    images: np.ndarray  # uint8 M×H×W×3, aligned with the plan
    group: str = ""


@dataclass(frozen=True)
class Pictures:
    """The edits of some methods and what belongs to them, aligned with the plan's rows."""

    plan: pd.DataFrame
    faces_of: Callable[[str], np.ndarray]  # the crops of a role, uint8 N×H×W×3
    edits: Mapping[str, Edits]  # by method
    truth: Truth
    data: Mapping[str, str]  # the names of the data of each role, for the titles

    def faces(self, name: str) -> list[pd.DataFrame]:
        """The plan's rows of one set, one table per face, in the plan's order."""
        return [rows for _, rows in self.plan[self.plan["set"] == name].groupby("row", sort=False)]

    def original(self, rows: pd.DataFrame) -> np.ndarray:
        """The input face of one face's rows, uint8 H×W×3."""
        return self.faces_of(rows["role"].iloc[0])[rows["row"].iloc[0]]

    def truth_known(self, rows: pd.DataFrame) -> bool:
        """Whether the true images of some rows are known."""
        return bool(self.truth.known[rows.index].all())

    def sources(self, rows: pd.DataFrame) -> list[Source]:
        """The rows of pictures of a face: every method's final image, the true image last."""
        shown = [(methods.get(name), edits.final) for name, edits in self.edits.items()]
        finals = [Source(method.label, images, group_name(method)) for method, images in shown]
        return finals + ([Source(TRUE_IMAGE, self.truth.images)] if self.truth_known(rows) else [])


def by_expression(rows: pd.DataFrame) -> list[int | None]:
    """Positions in the plan of one face's edits to each of the six expressions; None where there is no edit."""
    found = dict(zip(rows["expression"], rows.index, strict=True))
    return [found.get(expression) for expression in EXPRESSIONS]


def pick(positions: Sequence[int | None], array: np.ndarray) -> list[np.ndarray | None]:
    """The entries of an array at some positions; None where there is no position."""
    return [None if position is None else array[position] for position in positions]
