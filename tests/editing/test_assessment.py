"""What is measured on edited photographs."""

import numpy as np
import pandas as pd
import pytest

from defgan.editing.assessment import CROP_ERRORS, RISE, identity_wins, miscropped, rising
from defgan.faces import alignment
from defgan.facs import AU_NAMES
from tests.editing.conftest import CROP


def test_a_unit_rises_by_more_than_noise():
    rises = np.zeros((4, 17))
    rises[:, AU_NAMES.index("AU25")] = (2 * RISE, RISE / 2, -1, np.nan)
    rises[:, AU_NAMES.index("AU26")] = (0, 2 * RISE, 0, np.nan)
    measures = rising(rises, "surprise")
    assert measures["AU25 rises"].tolist() == [True, False, False, False]
    assert measures["AU25 or AU26 rises"].tolist() == [True, True, False, False]
    assert not measures["AU01 or AU02 rises"].any()
    assert set(rising(rises, "happy")) == {"AU06 rises", "AU12 rises", "AU25 rises"}


def test_identity_is_compared_by_expression():
    rows = [
        ("defgan", "happy", 0.1), ("ganimation", "happy", 0.2), ("defgan", "sad", 0.3), ("ganimation", "sad", 0.2),
    ]  # fmt: skip
    table = pd.DataFrame(rows, columns=["method", "expression", "value"]).assign(measure="identity distance, some")
    assert identity_wins(table) == {"happy": True, "sad": False}


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
