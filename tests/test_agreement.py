"""ICC against a published example and its bounds."""

import numpy as np
import pytest

from defgan.agreement import icc_3_1


def test_icc_of_shrout_and_fleiss():
    # Table 2 of Shrout and Fleiss (1979): six targets, four raters; ICC(3,1) = .71.
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    assert icc_3_1(ratings) == pytest.approx(0.7148, abs=5e-5)


def test_icc_ignores_a_constant_difference():
    a = np.random.default_rng(0).uniform(0, 1, 50)
    assert icc_3_1(np.stack([a, a + 0.3], axis=1)) == pytest.approx(1)
    assert icc_3_1(np.stack([a, -a], axis=1)) == pytest.approx(-1)
    assert np.isnan(icc_3_1(np.zeros((5, 2)))) and np.isnan(icc_3_1(np.zeros((1, 2))))
