"""The mixed model against lme4's published fits and an integral done the long way."""

import numpy as np
import pytest
from scipy import optimize, special

from defgan.study.mixed import fit_mixed_logit

HERDS = (
    [1] * 4 + [2] * 3 + [h for h in range(3, 8) for _ in range(4)] + [8] + [h for h in range(9, 16) for _ in range(4)]
)
INCIDENCE = [
    2,
    3,
    4,
    0,
    3,
    1,
    1,
    8,
    2,
    0,
    2,
    2,
    0,
    2,
    0,
    5,
    0,
    0,
    1,
    3,
    0,
    0,
    1,
    8,
    1,
    3,
    0,
    12,
    2,
    0,
    0,
    0,
    1,
    1,
    0,
    2,
]
INCIDENCE += [0, 5, 3, 1, 2, 1, 0, 0, 1, 2, 0, 0, 11, 0, 0, 0, 1, 1, 1, 0]
SIZES = [14, 12, 9, 5, 22, 18, 21, 22, 16, 16, 20, 10, 10, 9, 6, 18, 25, 24, 4, 17, 17, 18, 20, 16, 10, 9, 5, 34, 9, 6]
SIZES += [8, 6, 22, 22, 18, 22, 25, 27, 22, 22, 10, 8, 6, 5, 21, 24, 19, 23, 19, 2, 3, 2, 19, 15, 15, 15]
PERIODS = [1, 2, 3, 4, 1, 2, 3, *[1, 2, 3, 4] * 5, 1, *[1, 2, 3, 4] * 7]
"""Contagious bovine pleuropneumonia, Lesnoff et al. (2004), the worked example of lme4's glmer."""


def simulate(participants, faces, intercept, sigma_participant, sigma_face, rng):
    person = np.repeat(np.arange(participants), faces)
    face = np.tile(np.arange(faces), participants)
    eta = intercept + sigma_participant * rng.standard_normal(participants)[person]
    eta += sigma_face * rng.standard_normal(faces)[face]
    return (rng.random(len(eta)) < special.expit(eta)).astype(float), person, face


def test_the_published_example_of_lme4():
    x = np.array([[1, period == 2, period == 3, period == 4] for period in PERIODS], float)
    fit = fit_mixed_logit(np.array(INCIDENCE), np.array(SIZES), x, [np.array(HERDS)])
    np.testing.assert_allclose(fit.beta, [-1.3983429, -0.9919250, -1.1282162, -1.5797454], atol=1e-3)
    np.testing.assert_allclose(fit.sigma, [0.6420699], atol=1e-3)
    assert fit.deviance == pytest.approx(184.0531327, abs=1e-3)
    # lme4 prints these from the curvature of the deviance; ours leave out the uncertainty of σ.
    np.testing.assert_allclose(fit.standard_errors, [0.2312, 0.3032, 0.3228, 0.4220], rtol=0.02)


def test_one_factor_agrees_with_the_integral_over_it():
    y, person, _ = simulate(60, 16, 0.5, 0.8, 0.0, np.random.default_rng(1))
    votes = np.bincount(person, y)
    nodes, weights = np.polynomial.hermite_e.hermegauss(80)

    def deviance(parameters):
        eta = parameters[0] + parameters[1] * nodes
        each = votes[:, None] * eta - 16 * np.logaddexp(0, eta)
        return -2 * special.logsumexp(each, axis=1, b=weights / np.sqrt(2 * np.pi)).sum()

    exact = optimize.minimize(deviance, [0.0, 0.5], method="Nelder-Mead", options={"xatol": 1e-5, "fatol": 1e-8}).x
    fit = fit_mixed_logit(y, np.ones_like(y), np.ones((len(y), 1)), [person])
    assert fit.beta[0] == pytest.approx(exact[0], abs=0.01)
    assert fit.sigma[0] == pytest.approx(abs(exact[1]), rel=0.05)


@pytest.mark.long
def test_intervals_cover_and_ignoring_the_faces_would_not():
    rng = np.random.default_rng(2)
    covered, naive, runs = 0, 0, 40
    for _ in range(runs):
        y, person, face = simulate(24, 12, 0.5, 0.5, 1.0, rng)
        low, high = fit_mixed_logit(y, np.ones_like(y), np.ones((len(y), 1)), [person, face]).interval(0)
        covered += low < 0.5 < high
        mean = y.mean()
        half = 1.96 / np.sqrt(len(y) * mean * (1 - mean))
        naive += abs(special.logit(mean) - 0.5) < half
    assert covered >= 0.86 * runs
    assert naive < 0.8 * runs


def test_the_order_of_the_factors_does_not_matter():
    y, person, face = simulate(30, 12, 0.3, 0.6, 0.8, np.random.default_rng(3))
    x = np.stack([np.ones(len(y)), face % 2 - 0.5], axis=1)
    one = fit_mixed_logit(y, np.ones_like(y), x, [person, face])
    other = fit_mixed_logit(y, np.ones_like(y), x, [face, person])
    np.testing.assert_allclose(one.beta, other.beta, atol=2e-3)
    np.testing.assert_allclose(one.sigma, other.sigma[::-1], atol=2e-3)
    np.testing.assert_allclose(one.standard_errors, other.standard_errors, rtol=5e-3)


def test_equal_answers_have_no_finite_estimate():
    person, face = np.repeat(np.arange(5), 4), np.tile(np.arange(4), 5)
    assert fit_mixed_logit(np.ones(20), np.ones(20), np.ones((20, 1)), [person, face]) is None
