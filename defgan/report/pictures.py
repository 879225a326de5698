"""What the figures of photographs show: the edits of all methods, their inputs and the truth."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from defgan.evaluation.images import Edits, Truth
from defgan.facs import EXPRESSIONS
from defgan.report.style import METHOD_LABELS

TRUE_IMAGE = "true image"


@dataclass(frozen=True)
class Pictures:
    """Everything the photo figures show, aligned with the plan's rows."""

    plan: pd.DataFrame
    inputs: np.ndarray  # uint8 M×H×W×3
    methods: Mapping[str, Edits]
    truth: Truth
    data: Mapping[str, str]  # what the faces of the roles wild and rafd are, for the titles

    def faces(self, name: str) -> list[pd.DataFrame]:
        """The plan's rows of one set, one table per face, in the plan's order."""
        return [rows for _, rows in self.plan[self.plan["set"] == name].groupby("row", sort=False)]

    def original(self, rows: pd.DataFrame) -> np.ndarray:
        """The input face of one face's rows, uint8 H×W×3."""
        return self.inputs[rows.index[0]]

    def truth_known(self, rows: pd.DataFrame) -> bool:
        """Whether the true images of some rows are known."""
        return bool(self.truth.known[rows.index].all())

    def sources(self, rows: pd.DataFrame) -> list[tuple[str, np.ndarray]]:
        """Label and array of each row of pictures of a face: every method's final image, the true one last."""
        finals = [(METHOD_LABELS[name], edits.final) for name, edits in self.methods.items()]
        return finals + ([(TRUE_IMAGE, self.truth.images)] if self.truth_known(rows) else [])


def by_expression(rows: pd.DataFrame) -> list[int | None]:
    """Positions in the plan of one face's edits to each of the six expressions."""
    found = dict(zip(rows["expression"], rows.index, strict=True))
    return [found.get(expression) for expression in EXPRESSIONS]


def pick(positions: Sequence[int | None], array: np.ndarray) -> list[np.ndarray | None]:
    """The entries of an array at some positions; None where there is no position."""
    return [None if position is None else array[position] for position in positions]
