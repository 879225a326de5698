"""What is measured on edited photographs."""

import numpy as np
import pandas as pd
import pytest

from defgan import alignment
from defgan.editing.assessment import (
    AT_EQUAL_RESPONSE,
    CROP_ERRORS,
    DISTANCE,
    RELATIVE,
    RESPONSE,
    RISE,
    SAME,
    compared,
    equal_response,
    identity_wins,
    miscropped,
    relative_to_input,
    response,
    rising,
    summarise,
)
from defgan.facs import AU_NAMES, preset
from tests.editing.conftest import CROP


def test_a_unit_rises_by_more_than_noise():
    rises = np.zeros((4, 17))
    rises[:, AU_NAMES.index("AU25")] = (2 * RISE, RISE / 2, -1, np.nan)
    rises[:, AU_NAMES.index("AU26")] = (0, 2 * RISE, 0, np.nan)
    measures = rising(rises, "surprise")
    assert measures["AU25 rises"].tolist() == [True, False, False, False]
    assert measures["AU25 or AU26 rises"].tolist() == [True, True, False, False]
    assert not measures["AU01 or AU02 rises"].any()
    assert set(rising(rises, "happy")) == {"AU06 rises", "AU12 rises", "AU25 rises", "AU26 rises"}


def test_identity_is_compared_by_expression():
    rows = [
        ("defgan", "happy", 0.1), ("ganimation", "happy", 0.2), ("defgan", "sad", 0.3), ("ganimation", "sad", 0.2),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["method", "expression", "value"]).assign(measure=DISTANCE)
    assert identity_wins(table, "defgan") == {"happy": True, "sad": False}


def observed_rows(rises, asked):
    """Rows as of `observe` of three people's whole edits to happy."""
    moved = (np.nan_to_num(rises) * asked).sum(1)
    sums = {"moved": moved, "moved_relative": moved / 2, "asked": (asked**2).sum(1)}
    head = {"method": "defgan", "expression": "happy", "strength": 1.0, "person": list("abc")}
    rest = {"distance": [0.1, 0.2, 0.6], "same": [True, True, False]}
    return pd.DataFrame(head | sums | rest).join(pd.DataFrame(rises, columns=AU_NAMES))


def test_a_rise_from_below_the_floor_counts_relative_to_the_input():
    x, before, after = np.array([0.02, 0.5, 0.0]), np.array([-0.7, 0.5, 0.0]), np.array([0.1, 0.9, 2.0])
    assert relative_to_input(x, before, after) == pytest.approx([0.82, 0.9, 1.0])
    assert relative_to_input(x, before, before) == pytest.approx(x)


def test_the_response_is_the_share_of_what_was_asked():
    asked = np.zeros((3, 17))
    asked[:, 0], asked[:, 1] = 1, -0.5
    assert response(observed_rows(asked * 0.3, asked)) == pytest.approx(0.3)
    rises = np.zeros((3, 17))
    rises[:, 2] = 1  # nobody asked for it
    assert response(observed_rows(rises, asked)) == 0
    rises = asked.copy()
    rises[0] = np.nan  # no face any more
    assert response(observed_rows(rises, asked)) == pytest.approx(2 / 3)


def test_the_summary_is_over_all_people():
    asked = np.tile(preset("happy"), (3, 1))
    rises = asked * np.array([[1], [0.5], [0]])
    table = summarise(observed_rows(rises, asked)).set_index("measure")
    assert table.loc[RESPONSE, "value"] == pytest.approx(0.5)
    assert table.loc[RELATIVE, "value"] == pytest.approx(0.25)
    assert table.loc[DISTANCE, "value"] == pytest.approx(0.3)
    assert table.loc["AU12 rises", "value"] == pytest.approx(2 / 3)
    assert table.loc[SAME, "value"] == pytest.approx(2 / 3)
    assert (table["n"] == 3).all()


def curve(method, responses, identities, expression="happy"):
    measures = {RESPONSE: responses, DISTANCE: identities}
    return [
        (method, expression, name + strength, value, 5)
        for name, values in measures.items()
        for strength, value in zip((", strength 0.25", ", strength 0.5", ", strength 0.75", ""), values, strict=True)
    ]


def test_identity_at_the_response_that_both_reach():
    rows = curve("defgan", (0.1, 0.3, 0.5, 0.6), (0.01, 0.02, 0.04, 0.05))
    rows += curve("ganimation", (0.0, 0.1, 0.2, 0.2), (0.01, 0.02, 0.03, 0.04))
    table = pd.DataFrame(rows, columns=["method", "expression", "measure", "value", "n"])
    equal = equal_response(table)
    assert set(equal["measure"]) == {AT_EQUAL_RESPONSE} and set(equal["n"]) == {5}
    # DefGAN's response is 0.2 half-way between the first two strengths; GANimation's first at the third.
    assert equal["value"].tolist() == pytest.approx([0.015, 0.03])
    assert identity_wins(pd.concat([table, equal]), "defgan", AT_EQUAL_RESPONSE) == {"happy": True}


def test_no_response_is_equal_to_none():
    rows = curve("defgan", (0.1, 0.3, 0.5, 0.6), (0.01,) * 4) + curve("ganimation", (-0.1,) * 4, (0.01,) * 4)
    equal = equal_response(pd.DataFrame(rows, columns=["method", "expression", "measure", "value", "n"]))
    assert equal["value"].isna().all()
    assert identity_wins(equal, "defgan", AT_EQUAL_RESPONSE) == {"happy": False}


def test_a_method_without_its_rival_is_compared_with_nobody():
    rows = curve("defgan", (0.1, 0.3, 0.5, 0.6), (0.01,) * 4)
    table = pd.DataFrame(rows, columns=["method", "expression", "measure", "value", "n"])
    assert compared(["defgan"]) == []
    assert compared(["ganimation", "defgan"]) == [("defgan", "ganimation")]
    nobody = equal_response(table)
    assert nobody.empty
    # Else the numbers of a table that it joins are written with all their digits.
    assert nobody.dtypes.equals(table.dtypes)


@pytest.mark.parametrize(("kind", "amount"), CROP_ERRORS)
def test_errors_of_the_crop_are_about_its_centre(faces, face_pixels, kind, amount):
    [face] = faces
    wrong = miscropped(face_pixels, face, kind, amount)
    relative = alignment.apply(wrong.transform, alignment.apply(alignment.invert(face.transform), np.eye(3, 2) * CROP))
    centre = alignment.apply(
        wrong.transform, alignment.apply(alignment.invert(face.transform), np.full((1, 2), CROP / 2))
    )[0]
    moved = centre - CROP / 2
    if kind.startswith("shift"):
        np.testing.assert_allclose(np.linalg.norm(moved), amount * CROP, atol=1e-6)
    else:
        np.testing.assert_allclose(moved, 0, atol=1e-6)
    side = relative[0] - relative[2]
    np.testing.assert_allclose(np.linalg.norm(side), CROP * (amount if kind == "scale" else 1), atol=1e-6)
    turn = np.degrees(np.arctan2(side[1], side[0]))
    np.testing.assert_allclose(turn, amount if kind.startswith("rotation") else 0, atol=1e-6)
    assert (wrong.crop == face.crop).all() == (kind == "none")
