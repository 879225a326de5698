"""Two methods compared image by image: differences, relative improvement, Wilcoxon's test.

scipy and statsmodels take seconds to import: the functions import them.
"""

import numpy as np
import pandas as pd

from defgan.evaluation.intervals import draw_people, percentiles, weighted_means
from defgan.facs import EXPRESSIONS

ALL = "all"
"""What stands in place of an expression in the row over all of them."""


def signed_rank_p(differences: np.ndarray) -> float:
    """Two-sided p of Wilcoxon's signed-rank test that paired differences are symmetric about 0; 1 where all are 0."""
    from scipy.stats import wilcoxon

    return float(wilcoxon(differences).pvalue) if np.any(differences) else 1.0


def holm(p_values: np.ndarray) -> np.ndarray:
    """p values corrected by Holm's step-down method (1979)."""
    from statsmodels.stats.multitest import multipletests

    return multipletests(p_values, method="holm")[1]


def compare_pairs(first: pd.DataFrame, second: pd.DataFrame, column: str = "identity") -> pd.DataFrame:
    """`column` of two methods' tables of measurements by expression, and over all; smaller is better.

    Rows are paired by `edit`. Columns: `expression`, `images`, the means `first` and `second`, `difference` (first −
    second) and `improvement` (1 − first / second, of the means), each with `_low` and `_high` of its 95 % interval over
    people, `p` of the signed-rank test, and `p_holm`, corrected for the number of expressions. In the row over all
    expressions the edits of one person are not independent: there the test compares the people's means, and `p_holm`
    is `p`.
    """
    both = first.merge(second[["edit", column]], on="edit", suffixes=("_first", "_second"))
    rows = []
    for name in (*EXPRESSIONS, ALL):
        own = both if name == ALL else both[both["expression"] == name]
        if own.empty:
            continue
        a, b = (own[f"{column}_{side}"].to_numpy(np.float64) for side in ("first", "second"))
        weights = draw_people(own["subject"])
        draws_a, draws_b = weighted_means(a, weights), weighted_means(b, weights)
        drawn = {"first": draws_a, "second": draws_b, "difference": draws_a - draws_b}
        values = {"first": a.mean(), "second": b.mean(), "difference": a.mean() - b.mean(), "improvement": np.nan}
        if b.mean() > 0:
            values["improvement"] = 1 - a.mean() / b.mean()
            drawn["improvement"] = 1 - draws_a / draws_b
        row = {"expression": name, "images": len(own)}
        for key, value in values.items():
            low, high = percentiles(drawn.get(key, np.array([])))
            row |= {key: value, f"{key}_low": low, f"{key}_high": high}
        differences = pd.Series(a - b)
        if name == ALL:
            differences = differences.groupby(own["subject"].to_numpy()).mean()
        rows.append(row | {"p": signed_rank_p(differences.to_numpy())})
    frame = pd.DataFrame(rows)
    one = frame["expression"] == ALL
    frame["p_holm"] = frame["p"]
    frame.loc[~one, "p_holm"] = holm(frame.loc[~one, "p"].to_numpy())
    return frame
