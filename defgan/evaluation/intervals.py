"""Confidence intervals by the bootstrap over people: edits of one face are alike, so whole people are resampled."""

import numpy as np
import pandas as pd

LEVEL = 0.95
SAMPLES = 1000
_SEED = 0
"""One seed for every method and measure, so that differences between methods are paired."""


def draw_people(subjects: pd.Series | np.ndarray, samples: int = SAMPLES) -> np.ndarray:
    """How often each row is taken in each resample of the people, int64 of shape samples×N.

    `subjects` (N,) names the person of each row. The draws depend on the order of the people alone.
    """
    codes, people = pd.factorize(np.asarray(subjects))
    rng = np.random.default_rng([_SEED, 0xB007])
    draws = rng.integers(len(people), size=(samples, len(people)))
    counts = np.stack([np.bincount(draw, minlength=len(people)) for draw in draws])
    return counts[:, codes]


def weighted_means(values: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Means of `values` (N,) in every resample of `draw_people`, shape (samples,); NaN values are left out."""
    known = ~np.isnan(values)
    total = weights[:, known].sum(axis=1)
    sums = weights[:, known] @ values[known]
    return np.divide(sums, total, out=np.full(len(weights), np.nan), where=total > 0)


def percentiles(draws: np.ndarray) -> tuple[float, float]:
    """The interval that holds 95 % of the resampled values; (NaN, NaN) where there are none."""
    draws = draws[~np.isnan(draws)]
    if not len(draws):
        return np.nan, np.nan
    tail = 50 * (1 - LEVEL)
    low, high = np.percentile(draws, [tail, 100 - tail])
    return float(low), float(high)


def mean_interval(values: np.ndarray, subjects: pd.Series | np.ndarray) -> tuple[float, float, float]:
    """Mean of `values` (N,), NaN left out, and its 95 % interval; the interval of one person is (NaN, NaN)."""
    known = ~np.isnan(values)
    if not known.any():
        return np.nan, np.nan, np.nan
    mean = float(values[known].mean())
    if len(set(np.asarray(subjects)[known])) == 1:
        return mean, np.nan, np.nan
    return mean, *percentiles(weighted_means(values, draw_people(subjects)))


def centred(estimate: float, draws: np.ndarray) -> tuple[float, float]:
    """95 % interval around `estimate`, as wide as the resampled values spread around their own mean.

    For distances between sets. Repeated images raise such a distance, so all resampled values may lie above the
    estimate, and their plain percentiles would miss it.
    """
    low, high = percentiles(draws - draws.mean())
    return estimate + low, estimate + high
