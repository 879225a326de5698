"""Statistics of the answers: plausibility (stage 1), votes (stage 2), agreement, tests.

All take `Responses.answers` (`defgan.study.responses`).
"""

import warnings

import krippendorff
import numpy as np
import pandas as pd
from scipy import special, stats
from statsmodels.stats.multitest import multipletests
from statsmodels.stats.proportion import proportion_confint

from defgan import methods
from defgan.facs import EXPRESSIONS
from defgan.study.design import METHODS
from defgan.study.mixed import fit_mixed_logit

PLAUSIBLE_RATING = 3
"""The lowest rating that counts as plausible."""
PLAUSIBLE_MEAN = 2.5
"""An image counts as plausible where its mean rating is above this, the middle of the scale."""
ALL = "all"
"""Name of the rows over all expressions, or over all methods."""


def wilson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Wilson's score interval)."""
    low, high = proportion_confint(successes, trials, method="wilson")
    return float(low), float(high)


def clopper_pearson(successes: int, trials: int) -> tuple[float, float]:
    """95 % interval of a share (Clopper and Pearson's, exact)."""
    low, high = proportion_confint(successes, trials, method="beta")
    return float(low), float(high)


def agreement(answers: pd.DataFrame, value: str, level: str) -> float | None:
    """Krippendorff's α of the participants' answers to the questions; None where it is not defined.

    `value` is the column of the answers, `level` their scale: "nominal" or "ordinal".
    """
    codes = answers.assign(code=pd.factorize(answers[value], sort=True)[0])
    grid = codes.pivot(index="participant", columns="question", values="code").to_numpy(float)
    repeated = grid[:, np.isfinite(grid).sum(axis=0) > 1]
    if len(np.unique(repeated[np.isfinite(repeated)])) < 2:
        return None  # no question has two answers, or all answers are equal
    with warnings.catch_warnings():
        warnings.simplefilter("error", RuntimeWarning)
        return float(krippendorff.alpha(reliability_data=grid, level_of_measurement=level))


def votes(answers: pd.DataFrame) -> pd.DataFrame:
    """Stage 2: each method's votes and their share with intervals, one row per expression (or `ALL`) and method.

    `p_value` is of a two-sided binomial test against one half, `p_holm` with Holm's correction over the expressions.
    Intervals and tests take all votes as independent.
    """
    rows = []
    for expression in (*EXPRESSIONS, ALL):
        some = answers if expression == ALL else answers[answers["expression"] == expression]
        if some.empty:
            continue
        for method in METHODS:
            count = int((some["method"] == method).sum())
            low, high = wilson(count, len(some))
            exact_low, exact_high = clopper_pearson(count, len(some))
            rows.append(
                {
                    "expression": expression,
                    "method": method,
                    "votes": count,
                    "of": len(some),
                    "share": count / len(some),
                    "wilson_low": low,
                    "wilson_high": high,
                    "clopper_pearson_low": exact_low,
                    "clopper_pearson_high": exact_high,
                    "p_value": float(stats.binomtest(count, len(some)).pvalue),
                }
            )
    table = pd.DataFrame(rows)
    single = table["expression"] != ALL
    table["p_holm"] = np.nan
    # The rows of both methods hold the same test.
    per_expression = table[single].drop_duplicates("expression").set_index("expression")["p_value"]
    corrected = pd.Series(multipletests(per_expression, method="holm")[1], index=per_expression.index)
    table.loc[single, "p_holm"] = table.loc[single, "expression"].map(corrected)
    return table


def _plausibility(ratings: pd.DataFrame) -> dict[str, float]:
    values = ratings["rating"].to_numpy(int)
    plausible = values >= PLAUSIBLE_RATING
    images = ratings.groupby("question")["rating"].mean()
    good = images > PLAUSIBLE_MEAN
    return {
        "ratings": len(values),
        "mean": values.mean(),
        **{f"rated_{value}": int((values == value).sum()) for value in range(1, 5)},
        "plausible_ratings": plausible.mean(),
        "mean_of_plausible_ratings": values[plausible].mean() if plausible.any() else np.nan,
        "mean_of_implausible_ratings": values[~plausible].mean() if not plausible.all() else np.nan,
        "images": len(images),
        "plausible_images": good.mean(),
        "mean_of_plausible_images": images[good].mean(),
        "mean_of_implausible_images": images[~good].mean(),
    }


def plausibility(answers: pd.DataFrame) -> pd.DataFrame:
    """Stage 1 by method and over all: mean ratings, and shares of plausible ratings and images.

    The paper's "60 % of all the images … 3.5 … 1.67" may count ratings (3 or 4) or images (by mean rating): both are
    given.
    """
    ratings = answers.astype({"rating": int})
    groups = [(method, ratings[ratings["method"] == method]) for method in METHODS] + [(ALL, ratings)]
    return pd.DataFrame([{"method": name, **_plausibility(some)} for name, some in groups if not some.empty])


def by_question(answers: pd.DataFrame) -> pd.DataFrame:
    """Per question its face, expression and result: mean rating (stage 1), the first method's share (stage 2)."""
    first = METHODS[0]
    values = answers.assign(
        value=answers["rating"].where(answers["stage"] == 1, answers["method"] == first).astype(float),
        method=answers["method"].where(answers["stage"] == 1, f"mean: share of {methods.get(first).label}"),
    )
    groups = values.groupby(["stage", "question", "method", "image_id", "expression"], sort=True)["value"]
    return groups.agg(answers="count", mean="mean").reset_index()


def _mixed_row(answers: pd.DataFrame, outcome: np.ndarray, x: np.ndarray, index: int, name: str, faces: str) -> dict:
    factors = [answers["participant"].to_numpy(), answers[faces].to_numpy()]
    fit = fit_mixed_logit(outcome, np.ones(len(outcome)), x, factors)
    row = {"stage": int(answers["stage"].iloc[0]), "test": name, "n": len(answers)}
    if fit is None:
        return row | {"note": "no finite estimate: too many answers are equal"}
    low, high = fit.interval(index)
    sigmas = f"σ of participants {fit.sigma[0]:.2f}, of {faces}s {fit.sigma[1]:.2f} (log-odds)"
    return row | {"estimate": fit.beta[index], "low": low, "high": high, "p_value": fit.p_value(index), "note": sigmas}


def _binomial_row(what: str, chosen: np.ndarray, note: str) -> dict:
    """Stage 2: binomial test of a choice between two, bool (N,), against one half."""
    count, trials = int(chosen.sum()), len(chosen)
    low, high = clopper_pearson(count, trials)
    return {
        "stage": 2,
        "test": f"share of votes for {what}, binomial test against 1/2",
        "n": trials,
        "estimate": count / trials,
        "low": low,
        "high": high,
        "p_value": float(stats.binomtest(count, trials).pvalue),
        "note": note,
    }


def _share(logit: float) -> float:
    return float(special.expit(logit))


def compared_tests(answers: pd.DataFrame) -> list[dict]:
    """Stage 2: is the first method chosen in more than half of the votes? Tests, bias to a side, agreement."""
    chosen = (answers["method"] == METHODS[0]).to_numpy(float)
    note = "takes votes as independent; interval: Clopper–Pearson"
    rows = [_binomial_row(methods.get(METHODS[0]).label, chosen, note)]
    name = f"share of votes for {methods.get(METHODS[0]).label} of a typical participant and face, mixed logistic model"
    mixed = _mixed_row(answers, chosen, np.ones((len(chosen), 1)), 0, name, "question")
    for key in ("estimate", "low", "high"):
        if key in mixed:
            mixed[key] = _share(mixed[key])
    rows.append(mixed)
    sided = answers[answers["side"] != ""]
    if len(sided):
        note = "sides are balanced: a bias weakens the result but cannot reverse it"
        rows.append(_binomial_row("the left image", sided["side"].to_numpy() == "left", note))
    alpha = agreement(answers, "method", "nominal")
    rows.append({"stage": 2, "test": "Krippendorff's α, nominal", "n": len(answers), "estimate": alpha})
    return rows


def rated_tests(answers: pd.DataFrame) -> list[dict]:
    """Stage 1: are one method's images rated plausible more often? Mixed test, agreement."""
    ratings = answers.astype({"rating": int})
    plausible = (ratings["rating"] >= PLAUSIBLE_RATING).to_numpy(float)
    first = np.where(ratings["method"] == METHODS[0], 0.5, -0.5)
    better, other = (methods.get(method).label for method in METHODS)
    name = f"log odds ratio of a plausible rating (3 or 4), {better} against {other}, mixed logistic model"
    rows = []
    if ratings["method"].nunique() == len(METHODS):
        x = np.stack([np.ones(len(first)), first], axis=1)
        rows.append(_mixed_row(ratings, plausible, x, 1, name, "question"))
    alpha = agreement(ratings, "rating", "ordinal")
    rows.append({"stage": 1, "test": "Krippendorff's α, ordinal", "n": len(ratings), "estimate": alpha})
    return rows


def tests(rows: list[dict]) -> pd.DataFrame:
    """The rows of `compared_tests` and `rated_tests` as one table."""
    return pd.DataFrame(rows, columns=["stage", "test", "n", "estimate", "low", "high", "p_value", "note"])
