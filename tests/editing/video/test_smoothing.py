"""Smoothing over time, against what is known in closed form."""

import numpy as np

from defgan.editing.video.smoothing import REACH, kernel, smooth

TIMES = np.cumsum(np.random.default_rng(0).uniform(0.02, 0.06, 60))


def test_a_parabola_stays_as_it_is_at_uneven_times_and_at_both_ends():
    values = np.stack([3 - 2 * TIMES + 5 * TIMES**2, TIMES], axis=1).reshape(-1, 2, 1)
    assert np.allclose(smooth(TIMES, values, 0.1), values, atol=1e-8)


def test_noise_falls_and_nothing_lags():
    rng, course = np.random.default_rng(1), np.sin(2 * np.pi * 0.5 * TIMES)
    smoothed = smooth(TIMES, course + rng.normal(0, 0.1, len(TIMES)), 0.1)
    assert np.std(smoothed - course) < 0.06
    shifts = [np.mean((np.interp(TIMES + s, TIMES, smoothed) - course)[5:-5] ** 2) for s in (-0.04, 0, 0.04)]
    assert np.argmin(shifts) == 1


def test_few_moments_are_kept():
    for count in (1, 2, 3):
        values = np.arange(count) ** 2.0
        assert np.allclose(smooth(TIMES[:count], values, 0.1), values)


def test_the_kernel_ends():
    assert kernel(np.array([0.0, REACH * 0.1 + 1e-6]), 0.1).tolist() == [1.0, 0.0]
