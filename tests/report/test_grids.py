"""Photo grids: every picture where it belongs, unclipped and on one scale."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from defgan.evaluation.images import Edits, Truth
from defgan.facs import EXPRESSIONS
from defgan.report import grids
from defgan.report.style import figure_style
from tests.stages.conftest import blobs, make_plan


@pytest.fixture
def pictures() -> grids.Pictures:
    plan = make_plan(faces=3)
    inputs = blobs(8, 32, seed=0)[plan["row"]] // 2
    defgan = Edits(plan, final=inputs + np.uint8(51), deformed=inputs, mask=None, offsets=None)
    ganimation = Edits(plan, final=inputs + np.uint8(102), deformed=None, mask=None, offsets=None)
    truth = Truth(inputs, np.ones(len(plan), bool))
    data = {"wild": "made-up blobs", "rafd": "blobs of people"}
    return grids.Pictures(plan, inputs, {"defgan": defgan, "ganimation": ganimation}, truth, data)


def rendered(figure) -> np.ndarray:
    figure.canvas.draw()
    return np.asarray(figure.canvas.buffer_rgba())[..., :3]


def texts(figure) -> list[str]:
    return [text.get_text() for text in figure.texts]


def test_enlarging_keeps_colours_range_and_place():
    picture = np.zeros((4, 4, 3), np.uint8)
    picture[:2, :2] = (200, 10, 30)
    large = grids.enlarge(picture, 64)
    assert large.shape == (64, 64, 3) and large.dtype == np.uint8
    assert np.abs(large[10, 10].astype(int) - (200, 10, 30)).max() < 20 and large[50, 50].max() < 20
    ramp = np.linspace(0, 0.3, 16, dtype=np.float32).reshape(4, 4)
    assert grids.enlarge(ramp, 64).min() >= 0 and grids.enlarge(ramp, 64).max() <= np.float32(0.3)


def test_difference_is_the_mean_over_channels_in_shares_of_full_scale():
    a, b = np.zeros((1, 2, 3), np.uint8), np.zeros((1, 2, 3), np.uint8)
    a[0, 0], b[0, 1] = (255, 0, 0), (51, 51, 51)
    assert grids.difference(a, b)[0] == pytest.approx([1 / 3, 0.2])


def test_a_grid_shows_each_picture_once_in_its_place():
    colours = [[(250, 0, 0), (0, 250, 0)], [(0, 0, 250), None]]
    rows = [
        (f"row {i}", [None if c is None else np.full((8, 8, 3), c, np.uint8) for c in row])
        for i, row in enumerate(colours)
    ]
    with figure_style():
        figure = grids.photo_grid("title", ["a", "b"], [grids.Block(np.full((8, 8, 3), (90, 120, 30), np.uint8), rows)])
        image = rendered(figure)
    tile = grids.TILE**2
    for colour in ((250, 0, 0), (0, 250, 0), (0, 0, 250), (90, 120, 30)):
        assert (image == colour).all(axis=-1).sum() == tile

    def centre(colour):
        return np.argwhere((image == colour).all(axis=-1)).mean(axis=0)

    red, green, blue = centre((250, 0, 0)), centre((0, 250, 0)), centre((0, 0, 250))
    assert red[0] == green[0] and red[1] < green[1] and red[1] == blue[1] and red[0] < blue[0]
    assert {"title", "input", "a", "b", "row 0", "row 1"} <= set(texts(figure))


def test_alpha_strip(pictures):
    with figure_style():
        shown = texts(grids.alpha_strip(pictures))
    assert [text for text in shown if text.startswith("α")] == ["α = 0.0", "α = 0.5", "α = 1.0"]
    rows = [text for text in shown if text.startswith(("DefGAN", "GANimation", "true"))]
    assert rows == ["DefGAN\ndeformed", "DefGAN\nfinal", "GANimation", "true image"]
    assert shown[0].startswith("Fig. 1") and "Disgust" in shown[0] and "made-up blobs" in shown[0]


def test_expression_grid_without_truth_has_no_true_row(pictures):
    without = replace(pictures, truth=Truth(pictures.truth.images, ~pictures.truth.known))
    with figure_style():
        shown = texts(grids.expression_grid(without, without.faces("grid"), 4))
    assert "true image" not in shown and shown.count("DefGAN") == shown.count("GANimation") == 2
    assert [text for text in shown if text in EXPRESSIONS] == list(EXPRESSIONS)


def test_rafd_grid_shows_the_persons_own_photographs(pictures):
    photographs = {
        ("rafd000", name): np.full((8, 8, 3), (40 * i, 250, 7), np.uint8) for i, name in enumerate(EXPRESSIONS)
    }
    with figure_style():
        figure = grids.rafd_grid(pictures, photographs)
        image = rendered(figure)
    lefts = []
    for i in range(len(EXPRESSIONS)):
        places = np.argwhere((image == (40 * i, 250, 7)).all(axis=-1))
        assert len(places) == grids.TILE**2
        lefts.append(places[:, 1].min())
    assert lefts == sorted(lefts)
    shown = texts(figure)
    assert shown[0].startswith("Fig. 17") and "blobs of people" in shown[0]
    assert any("StarGAN learns from other people of role rafd" in text for text in shown)
    rows = [text for text in shown if text in ("DefGAN", "GANimation", "true image", "photograph")]
    assert rows == ["DefGAN", "GANimation", "true image", "photograph"]


def test_in_the_wild_grid_says_what_each_method_learns_from(pictures):
    with figure_style():
        figure = grids.in_the_wild_grid(pictures, pictures.faces("grid"))
        image, shown = rendered(figure), texts(figure)
    assert shown[0].startswith("Fig. 18") and "made-up blobs" in shown[0]
    assert "blobs of people" in shown[1] and "role train" in shown[2]
    # The small print stands below the title, above the column labels and within the picture.
    boxes = [text.get_window_extent() for text in figure.texts[:4]]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))
    assert max(box.x1 for box in boxes) < image.shape[1]


def test_difference_grid_has_one_scale_for_both_methods(pictures):
    with figure_style():
        figure = grids.difference_grid(pictures, pictures.faces("grid")[:1])
        image = rendered(figure)
        # 51 and 102 of 255 are 0.2 and 0.4 of full scale: the colour bar ends at 0.4.
        assert figure.axes[0].get_ylim() == pytest.approx((0, 0.4))
    # The bar's colours stand to the right of the pictures.
    beyond = image[:, -grids._COLOUR_BAR :].reshape(-1, 3)
    assert len(np.unique(beyond, axis=0)) > 100
    last = (252, 255, 164)  # inferno's last colour
    assert (np.abs(image.astype(int) - last).max(axis=-1) < 3).sum() >= 6 * grids.TILE**2
