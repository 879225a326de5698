"""Cross-talk: which other AUs change when one AU is edited."""

import pandas as pd

from defgan.evaluation import fidelity
from defgan.evaluation.truth import TRUTH
from defgan.facs import AU_NAMES
from defgan.methods.registry import told_aus
from defgan.report.markup import score
from defgan.report.names import method_name
from defgan.report.tables import AU_SET, Measurements, Page


def slopes_of(measurements: Measurements) -> pd.DataFrame:
    """`fidelity.cross_talk` of the methods that are told AUs and of the true images, with a column `method`."""
    told = {TRUTH, *(method.name for method in told_aus())}
    frames = [
        fidelity.cross_talk(table[table["set"] == AU_SET]).assign(method=name)
        for name, table in measurements.every.items()
        if name in told
    ]
    return pd.concat(frames, ignore_index=True)[["method", "asked", "predicted", "slope", "r2", "points"]]


def page(measurements: Measurements) -> Page:
    """One row per method and edited AU, one column per predicted AU."""
    numbers, rows = slopes_of(measurements), []
    for (name, asked), own in numbers.groupby(["method", "asked"], sort=False):
        slopes = own.set_index("predicted")["slope"]
        cells = {au.removeprefix("AU"): score(slopes[au], 2, "+") for au in AU_NAMES}
        rows.append({"method": method_name(name), "asked": asked, **cells})
    table = pd.DataFrame(rows, columns=["method", "asked", *(name.removeprefix("AU") for name in AU_NAMES)])
    text = (
        "Each row is one AU that is edited alone. Each column is one AU as it is predicted for the edits "
        f"({fidelity.ESTIMATOR}). The cell says how much the prediction changes when the edited AU grows by 1. The "
        "diagonal should be 1, the rest 0. The rows of the true image show what the estimator itself mixes up. "
        f"{measurements.base}"
    )
    return Page("Cross-talk between action units", table, numbers, text)
