"""Single action units: sweeps in order, the mesh goes where the face goes."""

import numpy as np
import pytest

from defgan.report import units
from defgan.report.canvas import TILE
from defgan.report.style import figure_style
from tests.report.conftest import rendered, texts


def test_the_mesh_goes_where_the_face_goes():
    # Every output pixel reads 3 pixels (at 128 px) to its right, so the face moves 3 to the left.
    shift = np.zeros((32, 32, 2), np.float16)
    shift[..., 0] = 3
    np.testing.assert_allclose(units.carried(shift), np.broadcast_to([-3, 0], (units.MESH_LINES,) * 2 + (2,)))
    # A deformation that grows linearly with x is inverted exactly: p + (a p) = q means p = q / (1 + a).
    ramp = np.zeros((64, 64, 2))
    ramp[..., 0] = 0.05 * (np.arange(64) + 0.5) * 2
    inner = units.carried(ramp)[:, 1:-1, 0]
    q = np.linspace(0, 128, units.MESH_LINES)[1:-1]
    np.testing.assert_allclose(inner, np.broadcast_to(q / 1.05 - q, inner.shape), atol=1e-3)


def test_the_mesh_is_drawn_magnified_and_without_motion_regular():
    face = np.full((32, 32, 3), 200, np.uint8)
    still, shift = np.zeros((32, 32, 2)), np.zeros((32, 32, 2))
    shift[..., 1] = 0.5

    def rows_of_lines(picture):
        assert picture.shape == (TILE, TILE, 3) and picture.dtype == np.uint8
        middle = picture[4:-4, TILE // 16 + 4].mean(axis=-1)  # between two vertical lines
        return 4 + np.flatnonzero(middle < middle.max() - 60)

    regular, moved = rows_of_lines(units.mesh(face, still)), rows_of_lines(units.mesh(face, shift))
    steps = np.diff(regular)
    assert set(steps[steps > 1]) <= {7, 8, 9}
    assert moved[10] - regular[10] == pytest.approx(-0.5 * units.MAGNIFICATION, abs=1)


def test_sweeps_grow_and_regions_are_where_the_motion_is(pictures):
    [rows] = pictures.faces("au")
    with figure_style():
        figure = units.deformed_sweep(pictures, [rows])
        image, shown = rendered(figure), texts(figure)
    assert shown[0].startswith("Fig. 6") and "made-up blobs" in shown[0]
    assert shown[1:8] == ["input", "0", "0.5", "1", "region moved", "true image, 1", "AU04\nbrow\nlowerer"]
    # The upper half moves by 2 pixels between 0 and 1, the lower half does not.
    assert figure.axes[0].get_ylim() == pytest.approx((0, 2))
    bright = np.argwhere((np.abs(image.astype(int) - (252, 255, 164)).max(axis=-1) < 3)[:, : -units.TILE])
    dark = np.argwhere((image == (0, 0, 3)).all(axis=-1))
    assert len(bright) >= 4 * TILE * (TILE // 2 - 16) and len(dark) >= 4 * TILE * (TILE // 2 - 16)
    assert len(np.unique(bright[:, 1])) == TILE  # one column of pictures


def test_deformed_and_final_images_of_the_same_units(pictures):
    [rows] = pictures.faces("au")
    with figure_style():
        deformed, final = (texts(draw(pictures, rows)) for draw in (units.deformation_grid, units.final_sweep))
    columns = [text for text in deformed if text[:4] in units.APPENDIX_AUS]
    assert columns == [text for text in final if text[:4] in units.APPENDIX_AUS] and len(columns) == 8
    assert deformed[0].startswith("Fig. 11") and final[0].startswith("Fig. 12")
    assert deformed[-6:] == ["deformed\nat 0", "deformed\nat 0.5", "deformed\nat 1", "region moved",
                             f"grid at 1\nmotion × {units.MAGNIFICATION}", "true image\nat 1"]  # fmt: skip
    assert final[-4:] == ["final\nat 0", "final\nat 0.5", "final\nat 1", "true image\nat 1"]
