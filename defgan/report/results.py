"""What the pipeline has made, read when somebody asks for it: a figure waits for its own data only."""

import json
from collections.abc import Iterable, Mapping
from functools import cache, cached_property
from typing import Any

import numpy as np
import pandas as pd

from defgan.evaluation.edits import COUNTED_SET, Edits, read_edits
from defgan.evaluation.truth import Truth, read_truth
from defgan.faces.table import Faces, read_faces
from defgan.files import existing
from defgan.methods.base import Method
from defgan.report.measurements import read_measurements, read_metrics
from defgan.report.pictures import Pictures


class Results:
    """The results below the current directory; every method raises MissingInputError where they are not made yet.

    Args:
        data: the names of the data of each role, as of `names.data_name`.
    """

    def __init__(self, data: Mapping[str, str]) -> None:
        self.data = data
        # Each is read once for all figures.
        self.edits = cache(self.edits)
        self.faces = cache(self.faces)
        self.measured = cache(self.measured)

    def edits(self, name: str) -> Edits:
        """The edits of a method; arrays stay on disk until they are touched."""
        return read_edits(f"edits/{name}")

    def faces(self, role: str) -> Faces:
        """A prepared role; its pixels stay on disk until they are touched."""
        return read_faces(f"data/prepared/{role}")

    @cached_property
    def plan(self) -> pd.DataFrame:
        """The planned edits, one row each."""
        return pd.read_parquet(existing("data/plan.parquet"))

    @cached_property
    def truth(self) -> Truth:
        """The true images, as far as they are known."""
        return read_truth("data/truth", self.plan)

    def count(self, name: str) -> int:
        """How many faces a set of the plan has, such as "grid" or "rafd"."""
        return self.plan.loc[self.plan["set"] == name, "row"].nunique()

    def pictures(self, methods: Iterable[Method]) -> Pictures:
        """The edits of some methods, their inputs and the true images."""
        edits = {method.name: self.edits(method.name) for method in methods}
        return Pictures(self.plan, lambda role: self.faces(role).pixels, edits, self.truth, self.data)

    def measured(self, name: str) -> pd.DataFrame:
        """The measurements of a method's edits, one row each."""
        return read_measurements(name)

    def counted(self, name: str) -> pd.DataFrame:
        """Those of the edits that count in the metrics."""
        table = self.measured(name)
        return table[table["set"] == COUNTED_SET]

    def networks(self, method: Method) -> dict[str, str]:
        """What measured a method: `frechet`, `kernel`, `identity` and `action_units`."""
        return read_metrics(method.name)["networks"]

    def numbers(self, table: str) -> pd.DataFrame:
        """The plain numbers of a table in reports/tables."""
        return pd.read_csv(existing(f"reports/tables/{table}.csv"))

    def description(self, name: str) -> dict[str, Any]:
        """What stands beside the weights of a method: `architecture` and `params`."""
        return json.loads(existing(f"models/{name}.json").read_text(encoding="utf-8"))

    def curves(self, name: str) -> pd.DataFrame:
        """The training curves of a method: `step` and a column for every scalar."""
        return pd.read_csv(existing(f"metrics/train_{name}.csv"))

    def photographs(self, role: str) -> dict[tuple[str, str], np.ndarray]:
        """The photograph of each person and expression of a role, the first of several, uint8 H×W×3."""
        faces = self.faces(role)
        first = faces.frame.drop_duplicates(["subject", "expression"])
        return {(face.subject, face.expression): faces.pixels[face.row] for face in first.itertuples()}
