"""Closed lids are moved, not repainted."""

import numpy as np
import pytest

from defgan.editing.video.lids import lid_weight

EYES = np.array([[42.0, 43.0], [86.0, 43.0]])


def test_the_eyes_alone_are_kept_as_far_as_they_are_closed():
    weight = lid_weight(EYES, 0.8, 128)
    assert weight.dtype == np.float32 and weight.shape == (128, 128)
    for x, y in ((42, 43), (86, 43), (35, 43), (42, 50)):
        assert weight[y, x] == pytest.approx(0.8), (x, y)
    for x, y in ((64, 70), (64, 100), (64, 43), (20, 43), (42, 20)):
        assert weight[y, x] == 0, (x, y)
    assert not lid_weight(EYES, 0.0, 128).any()
