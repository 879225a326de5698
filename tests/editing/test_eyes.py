"""Irises of eyes that widen and closed lids are moved, not repainted."""

from dataclasses import replace

import numpy as np
import pytest

from defgan import alignment
from defgan.editing.eyes import iris_weight, lid_weight
from defgan.facs import AU_NAMES, preset

EYES = np.array([[42.0, 43.0], [86.0, 43.0]])
SIZE = 128


def aus(**values: float) -> np.ndarray:
    return np.array([values.get(name, 0) for name in AU_NAMES], np.float32)


def test_the_irises_alone_are_kept():
    weight = iris_weight(EYES, aus(), aus(AU05=1), SIZE)
    assert weight.dtype == np.float32 and weight.shape == (SIZE, SIZE)
    assert weight[43, 42] == weight[43, 86] == 1
    # Brows, nose, mouth and the corners of the eyes.
    for x, y in ((42, 28), (64, 70), (64, 100), (30, 43), (64, 43)):
        assert weight[y, x] == 0, (x, y)
    np.testing.assert_allclose(weight[:, ::-1], weight, atol=1e-6)


@pytest.mark.parametrize("y", ["happy", "anger", "sad", {"AU45": 1.0}, {"AU05": 1.0, "AU45": 1.0}])
def test_where_eyes_do_not_widen_nothing_is_kept(y):
    y = preset(y) if isinstance(y, str) else aus(**y)
    assert not iris_weight(EYES, aus(), y, SIZE).any()


def test_eyes_that_are_wide_already_and_small_rises():
    assert not iris_weight(EYES, aus(AU05=0.9), aus(AU05=0.9), SIZE).any()
    assert iris_weight(EYES, aus(AU05=0.4), aus(AU05=0.5), SIZE).max() == pytest.approx(0.4)


def test_lids_are_kept_as_far_as_they_are_closed():
    weight = lid_weight(EYES, 0.8, SIZE)
    assert weight.dtype == np.float32 and weight.shape == (SIZE, SIZE)
    for x, y in ((42, 43), (86, 43), (35, 43), (42, 50)):
        assert weight[y, x] == pytest.approx(0.8), (x, y)
    for x, y in ((64, 70), (64, 100), (64, 43), (20, 43), (42, 20)):
        assert weight[y, x] == 0, (x, y)
    assert not lid_weight(EYES, 0.0, SIZE).any()


def test_an_edit_shows_the_deformed_irises(editor, faces):
    face = replace(faces[0], x=aus())
    part = editor.generate(face, aus(AU05=1))
    for x, y in alignment.apply(face.transform, face.points[:2]).astype(int):
        assert np.abs(part.change[y, x]).max() == part.mask[y, x] == 0
        np.testing.assert_array_equal(part.image[y, x], part.deformed[y, x])
    assert np.abs(part.change).max() > 1
    narrowed = editor.generate(face, aus(AU05=1, AU07=1))
    assert all(
        np.abs(narrowed.change[y, x]).max() > 0 for x, y in alignment.apply(face.transform, face.points[:2]).astype(int)
    )
