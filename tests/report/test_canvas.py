"""Photo grids: every picture where it belongs, unclipped."""

import numpy as np

from defgan.report.canvas import TILE, Block, Row, Scale, common_scale, enlarge, photo_grid
from defgan.report.style import figure_style
from tests.report.conftest import rendered, texts


def test_enlarging_keeps_colours_range_and_place():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:2, :2] = (200, 10, 30)
    large = enlarge(picture, 64)
    assert large.shape == (64, 64, 3) and large.dtype == np.uint8
    assert np.abs(large[10, 10].astype(int) - (200, 10, 30)).max() < 20 and large[50, 50].max() < 20
    ramp = np.linspace(0, 0.3, 16, dtype=np.float32).reshape(4, 4)
    assert enlarge(ramp, 64).min() >= 0 and enlarge(ramp, 64).max() <= np.float32(0.3)


def test_a_grid_shows_each_picture_once_in_its_place():
    colours = [[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), None]]
    rows = [
        Row(f"row {i}", [None if c is None else np.full((8, 8, 3), c, np.uint8) for c in row])
        for i, row in enumerate(colours)
    ]
    with figure_style():
        figure = photo_grid("title", ["a", "b"], [Block(np.full((8, 8, 3), (90, 120, 30), np.uint8), rows)])
        image = rendered(figure)
    for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250), (90, 120, 30)):
        assert (image == colour).all(axis=-1).sum() == TILE**2

    def centre(colour):
        return np.argwhere((image == colour).all(axis=-1)).mean(axis=0)

    red, green, blue = centre((250, 0, 0)), centre((0, 250, 0)), centre((0, 0, 250))
    assert red[0] == green[0] and red[1] < green[1] and red[1] == blue[1] and red[0] < blue[0]
    assert {"title", "input", "a", "b", "row 0", "row 1"} <= set(texts(figure))


def test_long_labels_and_remarks_have_their_own_room():
    tile = np.full((8, 8, 3), (250, 0, 0), np.uint8)
    rows = [Row("", [tile, tile], ["left", "right"]), Row("", [tile, tile])]
    with figure_style():
        figure = photo_grid("title", ["AU05\nupper lid\nraiser", "b"], [Block(tile, rows)])
        image = rendered(figure)
    assert (image == (250, 0, 0)).all(axis=-1).sum() == 5 * TILE**2
    boxes = {text.get_text(): text.get_window_extent() for text in figure.texts}
    assert boxes["title"].y0 >= boxes["AU05\nupper lid\nraiser"].y1
    assert boxes["left"].x1 < boxes["right"].x0
    below = image[::-1][round(boxes["left"].y0) : round(boxes["left"].y1), : round(boxes["right"].x1)]
    assert not (below == (250, 0, 0)).all(axis=-1).any()


def test_heat_maps_are_cut_off_at_their_scale():
    assert common_scale([np.linspace(0, 0.31, 1000)]) == 0.35 and common_scale([np.zeros(9)]) == 0.05
    block = Block(np.zeros((8, 8, 3), np.uint8), [Row("", [np.full((8, 8), 7.0)])])
    with figure_style():
        figure = photo_grid("title", ["a"], [block], Scale(0.5, "px"))
        image = rendered(figure)
        assert figure.axes[0].get_ylim() == (0, 0.5) and figure.axes[0].get_ylabel() == "px"
    brightest = (252, 255, 164)  # inferno's last colour
    assert (np.abs(image.astype(int) - brightest).max(axis=-1) < 3).sum() >= TILE**2


def test_groups_of_rows_stand_apart_under_their_name():
    face = np.full((8, 8, 3), 90, np.uint8)
    rows = [Row("a", [face]), Row("b", [face], group="of another kind"), Row("c", [face], group="of another kind")]
    apart, together = (
        photo_grid("t", ["x"], [Block(face, shown)]) for shown in ([*rows, Row("d", [face])], [rows[0]] * 4)
    )
    taller = rendered(apart).shape[0] - rendered(together).shape[0]
    assert taller == sum(Block(face, [*rows, Row("d", [face])]).breaks) > 0
    assert texts(apart).count("of another kind") == 1
    found = {text.get_text(): text.get_window_extent() for text in apart.texts}
    assert found["a"].y0 > found["of another kind"].y1 > found["of another kind"].y0 > found["b"].y1
    assert found["of another kind"].x0 >= 0
