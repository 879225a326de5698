"""Difference images: one scale for all, and the share that falls inside."""

import numpy as np
import pytest

from defgan.report.canvas import TILE
from defgan.report.differences import difference, difference_grid
from defgan.report.style import figure_style
from tests.report.conftest import rendered, texts


def test_difference_is_the_mean_over_channels_in_shares_of_full_scale():
    a, b = np.zeros((1, 2, 3), np.uint8), np.zeros((1, 2, 3), np.uint8)
    a[0, 0], b[0, 1] = (255, 0, 0), (51, 51, 51)
    assert difference(a, b)[0] == pytest.approx([1 / 3, 0.2])


def test_both_methods_have_one_scale(pictures):
    with figure_style():
        figure = difference_grid(pictures, pictures.faces("grid")[:1], 13, {})
        image = rendered(figure)
        # 51 and 102 of 255 are 0.2 and 0.4 of full scale: the colour bar ends at 0.4.
        assert figure.axes[0].get_ylim() == pytest.approx((0, 0.4))
    last = (252, 255, 164)  # inferno's last colour
    assert (np.abs(image.astype(int) - last).max(axis=-1) < 3).sum() >= 6 * TILE**2
    shown = texts(figure)
    assert shown[0].startswith("Fig. 13") and not any("inside" in text for text in shown)


def test_the_share_inside_stands_below_its_picture(pictures):
    [rows] = pictures.faces("grid")[:1]
    shares = np.full(len(pictures.plan), np.nan)
    shares[rows.index[:2]] = 0.25, 0.5
    with figure_style():
        figure = difference_grid(pictures, [rows], 5, {"DefGAN": shares})
        rendered(figure)
    found = {text.get_text(): text.get_window_extent() for text in figure.texts}
    assert [text for text in texts(figure) if text.endswith("% inside")] == ["25% inside", "50% inside"]
    assert found["25% inside"].x1 < found["50% inside"].x0
    # Between DefGAN's row and the next.
    assert found["DefGAN"].y0 > found["25% inside"].y1 > found["25% inside"].y0 > found["GANimation"].y1
