"""Measures over time, against courses whose spectrum is known."""

import numpy as np
import pytest

from defgan.evaluation.temporal import flicker, measure

TIMES = np.arange(50) / 25


def test_only_what_is_fast_flickers():
    slow, fast = np.sin(2 * np.pi * 1.5 * TIMES), np.sin(2 * np.pi * 10 * TIMES)
    assert flicker(slow[:, None], 25) < 0.05
    assert flicker(3 * TIMES[:, None] + 7, 25) == pytest.approx(0, abs=1e-9)
    assert flicker((slow + 0.3 * fast)[:, None], 25) == pytest.approx(0.3 / np.sqrt(2), rel=0.03)


def test_a_flickering_edit_is_told_from_a_steady_one():
    rng = np.random.default_rng(0)
    inputs = np.full((50, 16, 16, 3), 100, np.uint8)
    truth = inputs.copy()
    truth[:, 4:12, 4:12] = 160
    steady, flickering = truth - 10, truth - 10
    flickering[::2, 4:12, 4:12] += 12
    grainy = (truth - 10 + rng.integers(-6, 7, truth.shape)).astype(np.uint8)
    measured = [measure(edits, inputs, truth, 25) for edits in (steady, flickering, grainy)]
    assert measured[0]["flicker"] == measured[0]["temporal_error"] == 0
    assert measured[1]["flicker"] > 2.5
    assert 0 < measured[2]["flicker"] < 1
    assert measured[1]["temporal_error"] > 2.5
    assert measure(inputs, inputs, truth, 25)["gain"] == 0
    assert measure(truth, inputs, truth, 25)["gain"] == 1
