"""Resampling by person, against the theory of means."""

import numpy as np
import pytest

from defgan.evaluation.intervals import centred, draw_people, mean_interval, percentiles, weighted_means


def test_people_are_drawn_whole():
    subjects = np.array(["b", "a", "b", "c", "a", "b"])
    weights = draw_people(subjects, 200)
    assert weights.shape == (200, 6)
    for person in "abc":
        own = weights[:, subjects == person]
        assert (own == own[:, :1]).all()
    people = weights[:, [0, 1, 3]]
    assert (people.sum(1) == 3).all() and (people == 0).any() and people.mean() == pytest.approx(1)
    assert np.array_equal(weights, draw_people(subjects, 200))


def test_weighted_means_are_those_of_repeated_values():
    values, weights = np.array([1.0, 5.0, np.nan, 2.0]), np.array([[2, 1, 3, 0], [0, 0, 4, 0]])
    means = weighted_means(values, weights)
    assert means[0] == pytest.approx((1 + 1 + 5) / 3) and np.isnan(means[1])


def test_the_interval_of_a_mean_is_about_two_standard_errors_of_the_people():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(400), 5)
    values = np.repeat(rng.normal(3, 1, 400), 5)  # the five rows of a person are one
    mean, low, high = mean_interval(values, subjects)
    assert mean == pytest.approx(values.mean())
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / np.sqrt(400), rel=0.1)
    _, low, high = mean_interval(values, np.arange(2000))
    assert (high - low) / 2 == pytest.approx(1.96 * values.std() / np.sqrt(2000), rel=0.1)


def test_a_centred_interval_keeps_the_spread_and_holds_the_estimate():
    draws = np.random.default_rng(1).normal(10, 2, 4000)
    low, high = centred(3.0, draws)
    assert low < 3 < high and high - low == pytest.approx(np.subtract(*percentiles(draws)[::-1]))


def test_without_values_there_is_no_interval():
    assert np.isnan(mean_interval(np.full(3, np.nan), np.arange(3))).all()
    mean, *bounds = mean_interval(np.array([1.0, 3.0, np.nan]), np.array(["a", "a", "b"]))
    assert mean == 2 and np.isnan(bounds).all()
