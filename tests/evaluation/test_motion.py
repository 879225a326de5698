"""End-point error and direction of a grid against a known motion, worked by hand and by the definition."""

import numpy as np
import pytest
import torch

from defgan.evaluation.motion import compare_motion, to_reference
from defgan.warp import to_grid, warp


def test_worked_example():
    true = np.full((1, 2, 2, 2), np.nan)
    true[0, 0] = [(3, 4), (0, 2)]
    offsets = np.full((1, 2, 2, 2), 9.0)
    offsets[0, 0] = [(3, 0), (0, -1)]
    (row,) = compare_motion(offsets, true).to_dict("records")
    assert row["epe"] == pytest.approx((4 + 3) / 2)
    assert row["epe_still"] == pytest.approx((5 + 2) / 2)
    # cos = 9/15 with weight 5, −1 with weight 2
    assert row["motion_cosine"] == pytest.approx((5 * 0.6 - 2) / 7)
    assert row["motion_share"] == pytest.approx((9 - 2) / (25 + 4))


def test_end_point_error_is_that_of_the_definition_pixel_by_pixel():
    rng = np.random.default_rng(0)
    true, offsets = rng.normal(0, 2, (2, 3, 8, 8, 2))
    true[rng.random((3, 8, 8)) < 0.3] = np.nan
    found = compare_motion(offsets, true)
    for image in range(3):
        lengths = [
            np.hypot(*(offsets[image, i, j] - true[image, i, j]))
            for i in range(8)
            for j in range(8)
            if not np.isnan(true[image, i, j, 0])
        ]
        assert found["epe"][image] == pytest.approx(np.mean(lengths))


def test_extremes():
    true = np.ones((3, 4, 4, 2))
    true[1], true[2] = 0, np.nan
    perfect = compare_motion(np.ones((3, 4, 4, 2)), true)
    assert perfect.loc[0].tolist() == pytest.approx([0, np.sqrt(2), 1, 1])
    assert perfect.loc[1].tolist() == pytest.approx([np.sqrt(2), 0, np.nan, np.nan], nan_ok=True)
    assert perfect.loc[2].isna().all()
    still = compare_motion(np.zeros((3, 4, 4, 2)), true)
    assert still.loc[0].tolist() == pytest.approx([np.sqrt(2), np.sqrt(2), 0, 0])


def test_a_flow_in_crop_pixels_is_the_grid_that_makes_it():
    size = 32
    y, x = np.mgrid[0:size, 0:size] / size
    image = np.stack([np.sin(9 * x + 2), np.cos(7 * y), np.sin(5 * x + 6 * y)]).astype(np.float32)
    moved = np.roll(image, (3, 2), axis=(1, 2))  # down by 3, right by 2
    flow = np.broadcast_to(np.float32((-2, -3)), (1, size, size, 2))
    warped = warp(to_grid(torch.from_numpy(to_reference(flow))), torch.from_numpy(image)[None])[0].numpy()
    np.testing.assert_allclose(warped[:, 4:, 4:], moved[:, 4:, 4:], atol=1e-5)
