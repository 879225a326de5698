"""Control: does the predicted expression grow in proportion to α?"""

import pandas as pd

from defgan.evaluation.fidelity import ESTIMATOR, alpha_response
from defgan.report.markup import score
from defgan.report.names import method_name
from defgan.report.tables import SWEEP_SET, Measurements, Page


def page(measurements: Measurements) -> Page:
    """One line per method through the responses to α."""
    rows, numbers = [], []
    for name, table in measurements.every.items():
        found = alpha_response(table[table["set"] == SWEEP_SET])
        numbers.append({"method": name, **found._asdict()})
        cells = {"slope": score(found.slope, 2, "+"), "R² ↑": score(found.r2, 2), "points": str(found.points)}
        rows.append({"method": method_name(name), **cells})
    text = (
        f"Response to α in the edits of Fig. 1. The AUs predicted by {ESTIMATOR} are projected on the change of the "
        "target AUs. A line is fitted to them over α, after each face's own mean is subtracted. Slope 1 and R² 1: the "
        "predicted change is the wanted change, in proportion. The true image shows how much of it the estimator "
        f"itself finds. {measurements.base}"
    )
    return Page("Control by α", pd.DataFrame(rows), pd.DataFrame(numbers), text)
