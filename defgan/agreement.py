"""Agreement of two raters: the intraclass correlation."""

import numpy as np


def icc_3_1(ratings: np.ndarray) -> float:
    """ICC(3,1) of n targets rated by k raters, shape n×k: two-way mixed, consistency, single rating.

    Shrout and Fleiss (1979): (BMS − EMS) / (BMS + (k − 1) EMS). NaN where the ratings do not differ at all, or n < 2.
    """
    n, k = ratings.shape
    if n < 2:
        return np.nan
    centred = ratings - ratings.mean()
    targets, raters = centred.mean(1), centred.mean(0)
    between = k * (targets**2).sum() / (n - 1)
    error = ((centred - targets[:, None] - raters) ** 2).sum() / ((n - 1) * (k - 1))
    total = between + (k - 1) * error
    return float((between - error) / total) if total > 1e-12 else np.nan
