"""Texture alone against motion and texture: ratios of means, paired, of whole people."""

import numpy as np
import pandas as pd
import pytest

from defgan.evaluation.fidelity import ASKED, PREDICTED
from defgan.report.tables.texture_alone import Terms, compare, response


def test_pairs_have_equal_supervision_and_their_values(pages):
    page = pages["texture_alone"]
    numbers = page.numbers.set_index(["method", "measure"])
    assert numbers["rival"].to_dict() == {
        (name, measure): name.replace("defgan", "ganimation")
        for name in ("defgan", "defgan_supervised")
        for measure in ("gain", "identity", "response")
    }
    assert numbers.loc[("defgan", "response"), ["first", "second"]].tolist() == pytest.approx([0.75, 0])
    assert numbers.loc[("defgan_supervised", "response"), "difference"] == pytest.approx(0.9)
    truth = pages["truth"].numbers.set_index(["method", "image"])["gain_all"]
    for name in ("defgan", "defgan_supervised"):
        row = numbers.loc[(name, "gain")]
        assert row["first"] == pytest.approx(truth[name, "final"])
        assert row["second"] == pytest.approx(truth[name.replace("defgan", "ganimation"), "final"])
        assert row["difference_low"] < row["difference"] == pytest.approx(row["first"] - row["second"])
    assert page.table["training"].tolist()[::3] == [
        *("Self-supervised, as in the paper", "Supervised by rendered pairs; the paper trains without")
    ]


def test_a_paired_difference_is_known_better_than_its_sides():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(30), 4)
    person, ones = np.repeat(rng.normal(0.5, 0.2, 30), 4), np.ones(120)
    found = compare((Terms(person + 0.1, ones), Terms(person + rng.normal(0, 0.01, 120), ones)), pd.Series(people))
    assert found["difference"][0] == pytest.approx(0.1, abs=0.005)

    def reach(key):
        return found[key][2] - found[key][1]

    assert 0 < reach("difference") < 0.2 * min(reach("first"), reach("second"))


def test_an_edit_that_does_not_count_for_one_counts_for_neither():
    ones, people = np.ones(4), pd.Series(["a", "a", "b", "b"])
    first, second = np.array([1.0, 2.0, 3.0, np.nan]), np.array([np.nan, 2.0, 5.0, 7.0])
    found = compare((Terms(first, ones), Terms(second, ones)), people)
    assert [found[key][0] for key in ("first", "second", "difference")] == [2.5, 3.5, -1]
    nothing = np.full(4, np.nan)
    assert np.isnan(compare((Terms(nothing, ones), Terms(second, ones)), people)["difference"]).all()


def test_the_response_is_about_each_faces_own_means():
    asked = np.zeros((4, len(ASKED)))
    asked[1::2, 3] = 0.8
    bias = np.array([[0.1], [0.1], [0.5], [0.5]])  # what the estimator adds to all AUs of a face
    table = pd.DataFrame(np.hstack([asked, 0.5 * asked + bias]), columns=[*ASKED, *PREDICTED])
    numerator, denominator = response(table.assign(image_id=["a", "a", "b", "b"]))
    assert numerator.mean() / denominator.mean() == pytest.approx(0.5)
