"""Smooths what is measured in each frame, over the whole clip: nothing lags behind, because both sides of a moment
count. Times need not be even."""

import numpy as np

REACH = 2.5
"""Width of a kernel to either side, in standard deviations."""


def kernel(distances: np.ndarray, spread: float) -> np.ndarray:
    """Gaussian weights of moments so many seconds away, of a standard deviation `spread`; 0 beyond `REACH` of these."""
    scaled = np.asarray(distances, np.float64) / spread
    return np.where(np.abs(scaled) <= REACH, np.exp(-0.5 * scaled**2), 0.0)


def smooth(times: np.ndarray, values: np.ndarray, spread: float) -> np.ndarray:
    """Local quadratic regression with Gaussian weights (LOESS; Cleveland & Devlin, 1988), float64, shape of `values`.

    `times`: N rising, seconds; `values`: N×…; `spread`: the weights' standard deviation, seconds. A parabola is
    reproduced: peaks are not cut and ends are not drawn inwards. Where a moment has fewer neighbours than a parabola
    needs, the value stays nearer to what was measured.
    """
    values = np.asarray(values, np.float64)
    flat, result = values.reshape(len(values), -1), np.empty((len(values), values[0].size))
    for row, moment in enumerate(times):
        near = slice(*np.searchsorted(times, (moment - REACH * spread, moment + REACH * spread + 1e-9)))
        steps = (times[near] - moment) / spread
        root = np.sqrt(kernel(steps * spread, spread))[:, None]
        powers = steps[:, None] ** np.arange(min(3, len(steps)))
        result[row] = np.linalg.lstsq(powers * root, flat[near] * root, rcond=1e-6)[0][0]
    return result.reshape(values.shape)
