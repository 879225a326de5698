"""Errors, lines through sweeps and cross-talk of predictions that are known."""

import numpy as np
import pandas as pd
import pytest

from defgan.evaluation.fidelity import ASKED, PREDICTED, alpha_response, cross_talk, fidelity, line
from defgan.facs import AU_NAMES, preset


def rows(asked: np.ndarray, predicted: np.ndarray, **columns) -> pd.DataFrame:
    units = {**dict(zip(ASKED, asked.T, strict=True)), **dict(zip(PREDICTED, predicted.T, strict=True))}
    return pd.DataFrame({**columns, **units})


def test_images_without_a_prediction_are_left_out():
    asked = np.random.default_rng(0).uniform(0, 1, (6, 17))
    predicted = asked - 0.25
    predicted[2] = np.nan
    found = fidelity(rows(asked, predicted))
    assert found["error"].tolist() == pytest.approx([0.25] * 17) and found["icc"].tolist() == pytest.approx([1] * 17)
    assert set(found["images"]) == {5} and found["au"].tolist() == list(AU_NAMES)


def test_line_is_numpys_within_each_sweep():
    rng = np.random.default_rng(1)
    asked = rng.uniform(0, 1, 20)
    response = 0.4 * asked + rng.normal(0, 0.05, 20)
    slope = np.polyfit(asked, response, 1)[0]
    found = line(asked, response, np.zeros(20))
    assert found.slope == pytest.approx(slope)
    assert found.r2 == pytest.approx(np.corrcoef(asked, response)[0, 1] ** 2) and found.points == 20
    # Sweeps that start from different predictions have the same slope.
    shifted = line(np.tile(asked, 2), np.concatenate([response, response + 3]), np.repeat([0, 1], 20))
    assert shifted.slope == pytest.approx(slope) and shifted.r2 == pytest.approx(found.r2)


def test_predictions_of_half_of_what_is_asked_have_slope_one_half():
    alpha = np.tile(np.linspace(0, 1, 5), 2)
    asked = alpha[:, None] * preset("disgust")
    table = rows(asked, 0.1 + asked / 2, alpha=alpha, image_id=np.repeat(["a", "b"], 5), expression="disgust")
    found = alpha_response(table)
    assert found.slope == pytest.approx(0.5) and found.r2 == pytest.approx(1) and found.points == 10
    assert np.isnan(alpha_response(table.iloc[:0]).slope)


def test_cross_talk_finds_the_unit_that_moves_along():
    alpha = np.linspace(0, 1, 5)
    asked, predicted = np.zeros((2, 5, 17))
    asked[:, AU_NAMES.index("AU12")] = alpha
    predicted[:, AU_NAMES.index("AU12")], predicted[:, AU_NAMES.index("AU06")] = 0.8 * alpha, 0.3 * alpha
    table = rows(asked, predicted, alpha=alpha, image_id="a", expression="AU12", set="au")
    slopes = cross_talk(table).set_index(["asked", "predicted"])["slope"]
    assert len(slopes) == 17
    assert slopes["AU12", "AU12"] == pytest.approx(0.8) and slopes["AU12", "AU06"] == pytest.approx(0.3)
    assert slopes["AU12", "AU04"] == 0
    assert cross_talk(table.iloc[:0]).empty
