"""Single action units: the mesh goes where the face goes."""

import numpy as np
import pytest

from defgan.report import single_aus
from defgan.report.canvas import TILE


def test_the_mesh_goes_where_the_face_goes():
    # Every output pixel is sampled 3 pixels (at 128 px) to its right, so the face moves 3 to the left.
    shift = np.zeros((32, 32, 2), np.float16)
    shift[..., 0] = 3
    lines = (single_aus.MESH_LINES,) * 2
    np.testing.assert_allclose(single_aus.carried(shift), np.broadcast_to([-3, 0], (*lines, 2)))
    # A deformation that grows linearly with x is inverted exactly: p + (a p) = q means p = q / (1 + a).
    ramp = np.zeros((64, 64, 2))
    ramp[..., 0] = 0.05 * (np.arange(64) + 0.5) * 2
    inner = single_aus.carried(ramp)[:, 1:-1, 0]
    q = np.linspace(0, 128, single_aus.MESH_LINES)[1:-1]
    np.testing.assert_allclose(inner, np.broadcast_to(q / 1.05 - q, inner.shape), atol=1e-3)


def test_the_mesh_is_drawn_magnified_and_without_motion_regular():
    face = np.full((32, 32, 3), 200, np.uint8)
    still, shift = np.zeros((32, 32, 2)), np.zeros((32, 32, 2))
    shift[..., 1] = 0.5

    def rows_of_lines(picture):
        assert picture.shape == (TILE, TILE, 3) and picture.dtype == np.uint8
        middle = picture[4:-4, TILE // 16 + 4].mean(axis=-1)  # between two vertical lines
        return 4 + np.flatnonzero(middle < middle.max() - 60)

    regular, moved = rows_of_lines(single_aus.mesh(face, still)), rows_of_lines(single_aus.mesh(face, shift))
    steps = np.diff(regular)
    assert set(steps[steps > 1]) <= {7, 8, 9}
    assert moved[10] - regular[10] == pytest.approx(-0.5 * single_aus.MAGNIFICATION, abs=1)
