"""End-point errors of clips whose true motion is known."""

import numpy as np
import pytest

from defgan import alignment
from tools.assess_video import end_point_error
from tools.rendered_clips import RenderedClip


def test_end_point_errors_are_those_of_the_skin_in_pixels_of_aligned_crops():
    size, frames = 32, 2
    images = np.zeros((frames, size, size, 3), np.uint8)
    true = np.full((frames, size, size, 2), (3.0, 4.0), np.float32)
    true[:, :20] = np.nan  # no skin
    points = np.stack([alignment.template(64), alignment.template(64)])  # the crop of 128 px is twice as fine
    clip = RenderedClip(images, images, points, np.zeros((frames, 17)), np.zeros((frames, 17)), true)
    assert end_point_error(np.zeros_like(true), clip) == pytest.approx(2 * 5)
    along = np.zeros_like(true)
    along[..., 0] = 3
    along[:, :20] = 99
    assert end_point_error(along, clip) == pytest.approx(2 * 4)
