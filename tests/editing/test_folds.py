"""Forehead and brows do not fold."""

import numpy as np
import pytest

from defgan.editing.folds import LEAST, areas, unfold

EYES = np.array([[42.0, 43.0], [86.0, 43.0]])


def bump(size: int, row: int, height: float) -> np.ndarray:
    """Offsets, pixels at 128 px, that pull everything around a place towards its row: above `height` 4 they fold."""
    rows, columns = np.mgrid[:size, :size] * (128 / size)
    weight = np.exp(-(((rows - row) / 4) ** 2) - ((columns - 64) / 12) ** 2)
    return np.stack([np.zeros_like(weight), -height * weight * (rows - row) / 4], axis=-1).astype(np.float32)


@pytest.mark.parametrize("size", [64, 128])
def test_a_fold_above_the_eyes_is_smoothed_and_the_rest_stays(size):
    folded = bump(size, 20, 6.0)
    assert areas(folded).min() < 0
    smooth = unfold(folded, EYES * size / 128)
    assert areas(smooth).min() >= LEAST - 1e-6 and smooth.dtype == np.float32
    assert np.array_equal(smooth[size // 2 :], folded[size // 2 :])
    # It still moves the same way.
    assert 0.2 < (smooth * folded).sum() / (folded * folded).sum() < 1


@pytest.mark.parametrize(("row", "height"), [(20, 2.0), (100, 6.0)])
def test_what_does_not_fold_and_the_mouth_stay_to_the_bit(row, height):
    offsets = bump(128, row, height)
    assert np.array_equal(unfold(offsets, EYES), offsets)


def test_areas_are_those_of_a_grid_that_is_stretched():
    rows, columns = np.mgrid[:64, :64].astype(np.float32)
    # At 64 px a step is 2 px of 128: half as wide, a third higher.
    offsets = np.stack([columns * -1.0, rows * 2 / 3], axis=-1).astype(np.float32)
    np.testing.assert_allclose(areas(offsets), 0.5 * 4 / 3, rtol=1e-5)
