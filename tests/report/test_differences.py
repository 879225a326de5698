"""Difference images: one scale for all, and the share that is inside."""

import numpy as np
import pytest

from defgan.report.canvas import TILE
from defgan.report.differences import difference_grid
from tests.report.conftest import rendered, texts

pytestmark = pytest.mark.usefixtures("styled")


def test_all_methods_have_one_scale(pictures):
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
    figure = difference_grid(pictures, [rows], 5, {"DefGAN": shares})
    rendered(figure)
    found = {text.get_text(): text.get_window_extent() for text in figure.texts}
    assert [text for text in texts(figure) if text.endswith("% inside")] == ["25% inside", "50% inside"]
    assert found["25% inside"].x1 < found["50% inside"].x0
    # Between DefGAN's row and the next.
    assert found["DefGAN"].y0 > found["25% inside"].y1 > found["25% inside"].y0 > found["GANimation"].y1
