"""What experiments under several seeds measured, by seed, method and expression, and who is better how often."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Any

import numpy as np
import pandas as pd

from defgan.evaluation.edits import COUNTED_SET
from defgan.evaluation.fidelity import ASKED, PREDICTED, PRESENT
from defgan.methods import registry
from defgan.report.pairs import pairs
from defgan.report.significance import ALL
from defgan.report.tables import by_expression

COPY = "copy"
DEFORMED = "deformed"
"""The rival that a deforming method has in itself: the gain of its deformed image, before the texture."""


@dataclass(frozen=True)
class Measure:
    """How a number is printed, what measured it, and which way it is better."""

    heading: str
    digits: int
    sign: str = ""
    scale: float = 1
    better: int = 0  # 1: more is better, -1: less, 0: neither
    network: str = ""  # its key in `networks` of the metrics; "" where no network measures


MEASURES = MappingProxyType(
    {
        "frechet": Measure("Fréchet distance ↓", 2, better=-1, network="frechet"),
        "kernel": Measure("kernel distance × 1000 ↓", 1, scale=1000, better=-1, network="kernel"),
        "identity": Measure("identity distance ↓", 4, better=-1, network="identity"),
        "gain_final": Measure("gain over copying, final ↑", 3, "+", better=1),
        "gain_deformed": Measure("gain over copying, deformed ↑", 3, "+", better=1),
        "ssim": Measure("SSIM ↑", 4, better=1),
        "epe": Measure("end-point error, px ↓", 3, better=-1),
        "motion_cosine": Measure("cosine ↑", 3, "+", better=1),
        "motion_share": Measure("share of the true motion", 2, "+"),
        "response": Measure("response ↑", 3, "+", better=1, network="action_units"),
        "au_icc": Measure("AU ICC(3,1) ↑", 3, "+", better=1, network="action_units"),
        "mean_offset": Measure("mean offset, px", 2),
        "mean_mask": Measure("mean mask", 3),
    }
)
"""By their columns."""
ABOUT = ("seed", "method", "experiment", "commit")
"""The columns that say what a row is of."""
TABLE_1 = ("frechet", "kernel", "identity", "gain_final", "gain_deformed")
BEYOND = tuple(key for key in MEASURES if key not in TABLE_1)
BY_EXPRESSION = ("identity", "gain_final", "gain_deformed", "epe", "motion_cosine", "motion_share", "response")
_AGAINST_COPY = ("frechet", "kernel", "gain_final", "ssim")
"""What tells a method from its input; the others have no value there, or one that nothing can beat."""


@dataclass(frozen=True)
class Run:
    """One method of one seed."""

    seed: int
    method: str  # or `truth`
    experiment: str  # "" where the results of the commit itself are taken
    commit: str
    metrics: Mapping[str, Any]  # metrics/methods/NAME.json
    edits: pd.DataFrame  # data/evaluation/NAME.parquet


def response(edits: pd.DataFrame, inputs: pd.DataFrame) -> float:
    """Least-squares slope of the rises of the predicted AUs over those that were asked for; NaN without faces.

    `inputs` are the rows of the method that returns its input: what the estimator predicts on the input itself.
    """
    paired = edits.merge(inputs[["edit", *PREDICTED]], on="edit", suffixes=("", "_before"), validate="one_to_one")
    before = paired[[f"{name}_before" for name in PREDICTED]].to_numpy(np.float64)
    risen = paired[list(PREDICTED)].to_numpy(np.float64) - before
    asked = paired[list(ASKED)].to_numpy(np.float64) - paired[list(PRESENT)].to_numpy(np.float64)
    known = ~np.isnan(risen).any(1)
    total = (asked[known] ** 2).sum()
    return float((risen[known] * asked[known]).sum() / total) if total > 0 else np.nan


def _measured(run: Run, inputs: pd.DataFrame | None) -> list[dict[str, Any]]:
    """One row over all expressions, then one per expression."""
    counted = run.edits[run.edits["set"] == COUNTED_SET]
    rows = []
    for expression, own in by_expression(counted).items():
        if expression == ALL:
            values = {key: run.metrics.get(key) for key in MEASURES}
        else:
            by = {key: run.metrics[f"{key}_by_expression"] for key in ("identity", "gain_final", "gain_deformed")}
            values = {key: (of or {}).get(expression) for key, of in by.items()}
            values |= {key: own[key].mean() for key in ("epe", "motion_cosine", "motion_share")}
        if inputs is not None and run.method != COPY:
            values["response"] = response(own, inputs)
        rows.append({"expression": expression} | values)
    return rows


def frame(runs: Sequence[Run]) -> pd.DataFrame:
    """Plain numbers: one row per seed, method and expression, then `mean` and sample deviation `sd` over the seeds."""
    inputs = {run.seed: run.edits for run in runs if run.method == COPY}
    rows = [
        {"seed": str(run.seed), "method": run.method, "experiment": run.experiment, "commit": run.commit} | row
        for run in runs
        for row in _measured(run, inputs.get(run.seed))
    ]
    found = pd.DataFrame(rows, columns=[*ABOUT, "expression", *MEASURES])
    found[list(MEASURES)] = found[list(MEASURES)].astype(float)
    grouped = found.groupby(["method", "expression"], sort=False)[list(MEASURES)]
    summary = [grouped.mean().reset_index().assign(seed="mean"), grouped.std().reset_index().assign(seed="sd")]
    return pd.concat([found, *summary], ignore_index=True)


def of_seeds(numbers: pd.DataFrame) -> pd.DataFrame:
    """The rows of single seeds of the result of `frame`."""
    return numbers[~numbers["seed"].isin(("mean", "sd"))]


def compared() -> list[tuple[str, str]]:
    """Each method with its rival, then each with copying."""
    rivals = [(pair.method.name, pair.rival.name) for pair in pairs()]
    return rivals + [(method.name, COPY) for method in registry.trained()]


def _ahead(numbers: pd.DataFrame) -> Iterator[tuple[str, str, str, pd.Series]]:
    """Method, rival, measure, and by how much the method is better, by expression and seed."""
    every = of_seeds(numbers).set_index(["method", "expression", "seed"]).sort_index()
    there = set(numbers["method"])
    for method, rival in (two for two in compared() if there.issuperset(two)):
        for key, measure in MEASURES.items():
            if measure.better and (rival != COPY or key in _AGAINST_COPY):
                yield method, rival, key, measure.better * (every.loc[method, key] - every.loc[rival, key])
    for method in (one.name for one in registry.every() if one.deforms and one.name in there):
        own = every.loc[method]
        yield method, DEFORMED, "gain_final", own["gain_final"] - own["gain_deformed"]


def orders(numbers: pd.DataFrame) -> pd.DataFrame:
    """How often one method is better than another: `better` of `seeds`, by measure and expression.

    Columns: method, rival, measure, expression, better, seeds. `numbers` is the result of `frame`.
    """
    rows = []
    for method, rival, key, ahead in _ahead(numbers):
        for expression, differences in ahead.dropna().groupby("expression", sort=False):
            row = {"method": method, "rival": rival, "measure": key, "expression": expression}
            rows.append(row | {"better": int((differences > 0).sum()), "seeds": len(differences)})
    return pd.DataFrame(rows, columns=["method", "rival", "measure", "expression", "better", "seeds"])
