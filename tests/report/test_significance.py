"""Paired comparison: the tests against worked examples and their definitions."""

import numpy as np
import pandas as pd
import pytest

from defgan.facs import EXPRESSIONS
from defgan.report.significance import ALL, compare_pairs, holm, signed_rank_p


def test_signed_rank_counts_all_signs():
    # Of the 2⁸ signs of the ranks 1 … 8 those with W⁻ ≤ 3 are 5: none, {1}, {2}, {3}, {1, 2}.
    differences = np.array([8.1, 7.2, 6.3, 5.4, 4.5, 3.6, -2.7, -1.8])
    assert signed_rank_p(differences) == pytest.approx(2 * 5 / 2**8)
    assert signed_rank_p(np.zeros(5)) == 1


def test_holm_of_a_worked_example():
    # Step down: 0.005·4, 0.01·3, 0.03·2, 0.04·1, each no smaller than the one before.
    assert holm(np.array([0.01, 0.04, 0.03, 0.005])) == pytest.approx([0.03, 0.06, 0.06, 0.02])


def table(seed: int, shift: float) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    people = np.repeat([f"p{i}" for i in range(40)], 6)
    frame = pd.DataFrame({"edit": np.arange(240), "subject": people, "expression": np.tile(EXPRESSIONS, 40)})
    person = np.repeat(np.random.default_rng(9).uniform(0.1, 0.3, 40), 6)
    return frame.assign(identity=person + shift + rng.normal(0, 0.01, 240))


def test_rows_means_and_intervals():
    first, second = table(0, 0.0), table(1, 0.05)
    found = compare_pairs(first, second.sample(frac=1, random_state=0)).set_index("expression")
    assert list(found.index) == [*EXPRESSIONS, ALL] and set(found["images"]) == {40, 240}
    for name in EXPRESSIONS:
        own = first["expression"] == name
        a, b = first["identity"][own].mean(), second["identity"][own].mean()
        row = found.loc[name]
        assert row["improvement"] == pytest.approx(1 - a / b) and row["difference"] == pytest.approx(a - b)
        assert row["improvement_low"] < row["improvement"] < row["improvement_high"]
        # The pairs share the person: the difference is known better than either mean.
        assert row["difference_high"] - row["difference_low"] < 0.3 * (row["first_high"] - row["first_low"])
        assert row["p"] < row["p_holm"] < 1e-4
    assert found.loc[ALL, "p"] == found.loc[ALL, "p_holm"] < 1e-4


def test_equal_methods_do_not_differ():
    found = compare_pairs(table(0, 0), table(0, 0))
    assert (found["p_holm"] == 1).all() and (found["difference"] == 0).all()
