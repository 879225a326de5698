"""ICC against a published example; lines through sweeps; the reader's rows."""

import numpy as np
import pandas as pd
import pytest

from defgan.evaluation.fidelity import ASKED, READ, alpha_response, cross_talk, fidelity, icc_3_1, line
from defgan.facs import AU_NAMES, preset


def test_icc_of_shrout_and_fleiss():
    # Table 2 of Shrout and Fleiss (1979): six targets, four judges; ICC(3,1) = .71.
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    assert icc_3_1(ratings) == pytest.approx(0.7148, abs=5e-5)


def test_icc_does_not_mind_a_judge_who_always_says_more():
    a = np.random.default_rng(0).uniform(0, 1, 50)
    assert icc_3_1(np.stack([a, a + 0.3], axis=1)) == pytest.approx(1)
    assert icc_3_1(np.stack([a, -a], axis=1)) == pytest.approx(-1)
    assert np.isnan(icc_3_1(np.zeros((5, 2)))) and np.isnan(icc_3_1(np.zeros((1, 2))))


def rows(asked: np.ndarray, read: np.ndarray, **columns) -> pd.DataFrame:
    units = {**dict(zip(ASKED, asked.T, strict=True)), **dict(zip(READ, read.T, strict=True))}
    return pd.DataFrame({**columns, **units})


def test_errors_leave_out_what_could_not_be_read():
    asked = np.random.default_rng(0).uniform(0, 1, (6, 17))
    read = asked - 0.25
    read[2] = np.nan
    found = fidelity(rows(asked, read))
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
    # Sweeps that start from different readings have the same slope.
    shifted = line(np.tile(asked, 2), np.concatenate([response, response + 3]), np.repeat([0, 1], 20))
    assert shifted.slope == pytest.approx(slope) and shifted.r2 == pytest.approx(found.r2)


def test_a_reader_that_sees_half_of_what_is_asked_has_slope_one_half():
    alpha = np.tile(np.linspace(0, 1, 5), 2)
    asked = alpha[:, None] * preset("disgust")
    table = rows(asked, 0.1 + asked / 2, alpha=alpha, image_id=np.repeat(["a", "b"], 5), expression="disgust")
    found = alpha_response(table)
    assert found.slope == pytest.approx(0.5) and found.r2 == pytest.approx(1) and found.points == 10
    assert np.isnan(alpha_response(table.iloc[:0]).slope)


def test_cross_talk_finds_the_unit_that_moves_along():
    alpha = np.linspace(0, 1, 5)
    asked, read = np.zeros((2, 5, 17))
    asked[:, AU_NAMES.index("AU12")] = alpha
    read[:, AU_NAMES.index("AU12")], read[:, AU_NAMES.index("AU06")] = 0.8 * alpha, 0.3 * alpha
    table = rows(asked, read, alpha=alpha, image_id="a", expression="AU12", set="au")
    slopes = cross_talk(table).set_index(["asked", "read"])["slope"]
    assert len(slopes) == 17
    assert slopes["AU12", "AU12"] == pytest.approx(0.8) and slopes["AU12", "AU06"] == pytest.approx(0.3)
    assert slopes["AU12", "AU04"] == 0
    assert cross_talk(table.iloc[:0]).empty
