"""Statistics against published worked examples and against sums done the long way."""

from math import comb

import numpy as np
import pandas as pd
import pytest

from defgan.facs import EXPRESSIONS
from defgan.study import analysis
from defgan.study.power import QUESTIONS, participants_needed, power_table
from tests.conftest import ROOT
from tests.study.conftest import compared

KRIPPENDORFF = [
    [1, 2, 3, 3, 2, 1, 4, 1, 2, None, None, None],
    [1, 2, 3, 3, 2, 2, 4, 1, 2, 5, None, 3],
    [None, 3, 3, 3, 2, 3, 4, 2, 2, 5, 1, None],
    [1, 2, 3, 3, 2, 4, 4, 1, 2, 5, 1, None],
]
"""Four observers, twelve units: Krippendorff (2011), Computing Krippendorff's alpha-reliability, example C."""


def long(grid):
    rows = [
        {"participant": f"p{i}", "question": f"q{j:02d}", "value": value}
        for i, row in enumerate(grid)
        for j, value in enumerate(row)
        if value is not None
    ]
    return pd.DataFrame(rows)


@pytest.mark.parametrize(("level", "alpha"), [("nominal", 0.743), ("ordinal", 0.815), ("interval", 0.849)])
def test_krippendorffs_published_example(level, alpha):
    # Interval data is not asked for by the study; the example checks that units and observers are not confused.
    assert analysis.agreement(long(KRIPPENDORFF), "value", level) == pytest.approx(alpha, abs=5e-4)


def test_alpha_of_total_agreement_chance_and_too_little():
    same = [[1, 2, 3, 4]] * 5
    assert analysis.agreement(long(same), "value", "ordinal") == pytest.approx(1)
    rng = np.random.default_rng(0)
    chance = rng.integers(1, 3, (60, 40)).tolist()
    assert analysis.agreement(long(chance), "value", "nominal") == pytest.approx(0, abs=0.02)
    for grid in ([[1, 1, 1], [1, 1, 1]], [[1, 2, 3]], [[1, None], [None, 2]]):
        assert analysis.agreement(long(grid), "value", "ordinal") is None


@pytest.mark.parametrize(
    ("successes", "trials", "wilson", "exact"),
    [
        (81, 263, (0.2553, 0.3662), (0.2527, 0.3676)),
        (15, 148, (0.0624, 0.1605), (0.0578, 0.1617)),
        (0, 20, (0.0000, 0.1611), (0.0000, 0.1684)),
        (1, 29, (0.0061, 0.1718), (0.0009, 0.1776)),
    ],
)
def test_newcombes_published_intervals(successes, trials, wilson, exact):
    """Newcombe (1998), Two-sided confidence intervals for the single proportion, Table I."""
    assert analysis.wilson(successes, trials) == pytest.approx(wilson, abs=6e-5)
    assert analysis.clopper_pearson(successes, trials) == pytest.approx(exact, abs=6e-5)


def test_votes_by_expression_and_over_all():
    answers = compared()
    table = analysis.votes(answers)
    assert table["expression"].unique().tolist() == [*EXPRESSIONS, "all"]
    for row in table.itertuples():
        some = answers if row.expression == "all" else answers[answers["expression"] == row.expression]
        count = sum(some["method"] == row.method)
        assert (row.votes, row.of, row.share) == (count, len(some), count / len(some))
        assert row.wilson_low < row.share < row.wilson_high
        k, n = max(count, len(some) - count), len(some)
        assert row.p_value == pytest.approx(min(1, 2 * sum(comb(n, i) for i in range(k, n + 1)) / 2**n))
    sums = table.groupby("expression")["share"].sum()
    np.testing.assert_allclose(sums, 1)
    # Holm by hand: the sorted p times 6, 5, …, never falling, at most 1.
    single = table[(table["expression"] != "all") & (table["method"] == "defgan")].sort_values("p_value")
    by_hand = np.minimum(np.maximum.accumulate(single["p_value"] * np.arange(6, 0, -1)), 1)
    np.testing.assert_allclose(single["p_holm"], by_hand)
    assert table[table["expression"] == "all"]["p_holm"].isna().all()


def test_plausibility_by_method_is_what_one_counts():
    ratings = {"a": [4, 4, 3], "b": [1, 2, 2], "c": [3, 2, 2], "d": [4, 4, 4]}
    methods = {"a": "defgan", "b": "defgan", "c": "ganimation", "d": "ganimation"}
    rows = [
        {"stage": 1, "participant": i, "question": name, "method": methods[name], "rating": value}
        for name, values in ratings.items()
        for i, value in enumerate(values)
    ]
    table = analysis.plausibility(pd.DataFrame(rows)).set_index("method")
    first = table.loc["defgan"]
    assert first["ratings"] == 6 and first["mean"] == pytest.approx(16 / 6)
    assert [first[f"rated_{i}"] for i in (1, 2, 3, 4)] == [1, 2, 1, 2]
    assert first["plausible_ratings"] == 0.5
    assert first["mean_of_plausible_ratings"] == pytest.approx(11 / 3)
    assert first["mean_of_implausible_ratings"] == pytest.approx(5 / 3)
    assert first["plausible_images"] == 0.5 and table.loc["all"]["plausible_images"] == 0.5
    assert table.loc["all"]["mean_of_plausible_images"] == pytest.approx((11 / 3 + 4) / 2)
    assert table.loc["all"]["mean_of_implausible_images"] == pytest.approx((5 / 3 + 7 / 3) / 2)


def test_tests_of_stage_2_see_a_preference_and_only_one():
    for share, sees in ((0.63, True), (0.5, False)):
        rows = analysis.tests(analysis.compared_tests(compared(share=share)))
        by_name = {row.test.split(",")[-1].strip(): row for row in rows.itertuples()}
        binomial, mixed = by_name["binomial test against 1/2"], by_name["mixed logistic model"]
        assert (mixed.p_value < 0.01) == sees and (rows["p_value"].iloc[0] < 0.01) == sees
        assert mixed.low < share < mixed.high and binomial.low < binomial.estimate < binomial.high
        assert abs(by_name["nominal"].estimate) < 0.05


def test_tests_of_stage_1_see_the_better_method():
    rng = np.random.default_rng(0)
    rows = [
        {
            "stage": 1,
            "participant": i,
            "question": f"q{j}",
            "method": method,
            "rating": int(rng.choice([1, 2, 3, 4], p=p)),
        }
        for i in range(40)
        for j in range(20)
        for method, p in [[("defgan", [0.1, 0.2, 0.3, 0.4]), ("ganimation", [0.4, 0.3, 0.2, 0.1])][j % 2]]
    ]
    table = analysis.tests(analysis.rated_tests(pd.DataFrame(rows)))
    mixed = table.iloc[0]
    # 0.7 against 0.3 plausible: the log odds ratio is 2 ln(7/3).
    assert mixed["low"] < 2 * np.log(7 / 3) < mixed["high"] and mixed["p_value"] < 1e-6
    assert table.iloc[1]["test"] == "Krippendorff's α, ordinal" and 0 < table.iloc[1]["estimate"] < 0.5


def test_one_participant_or_equal_answers_are_no_error():
    table = analysis.tests(analysis.compared_tests(compared(participants=1, share=1.0)))
    assert table["note"].str.contains("too many answers are equal").any()
    assert len(analysis.votes(compared(participants=1, questions=2))) == 2 * 3


def test_the_power_that_is_promised_is_had():
    rng = np.random.default_rng(0)
    people = participants_needed(0.63)
    # Beta-distributed shares make votes of a participant correlate by 0.1.
    strength = 1 / 0.1 - 1
    seen = 0
    for _ in range(2000):
        votes = rng.binomial(QUESTIONS, rng.beta(0.63 * strength, 0.37 * strength, people))
        z = (votes.sum() / (people * QUESTIONS) - 0.5) / np.sqrt(0.25 * 2.5 / (people * QUESTIONS))
        seen += abs(z) > 1.96
    assert 0.75 < seen / 2000 < 0.9
    # Cohen (1988): h = 0.2 against a constant needs 196 observations at 80 % power.
    assert participants_needed(0.5 + np.sin(0.2) / 2, 1, 0) == pytest.approx(196, abs=2)


def test_the_docs_show_the_table_that_the_function_makes():
    assert power_table() in (ROOT / "docs/user_study.md").read_text()
