"""Figures of edited faces: what stands in their rows, and what they say of it."""

import itertools
from dataclasses import replace

import numpy as np

from defgan.evaluation.images import Truth
from defgan.facs import EXPRESSIONS
from defgan.report import grids
from defgan.report.canvas import TILE
from defgan.report.style import figure_style
from tests.report.conftest import rendered, texts


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
        assert len(places) == TILE**2
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


def test_details_come_from_the_places_of_brow_eye_and_mouth(pictures):
    # The aligned crop has its eyes at 0.34 of the height and the mouth below; each detail lies within the crop.
    image = np.arange(64 * 64 * 3, dtype=np.int64).reshape(64, 64, 3)
    for name, (x, y, side) in grids.DETAILS.items():
        cut = grids.detail(image, name)
        assert cut.shape[:2] == (round(side * 64), round(side * 64))
        row, column = np.unravel_index(cut[len(cut) // 2, len(cut) // 2, 0] // 3, (64, 64))
        assert abs(row - y * 64) <= 1 and abs(column - x * 64) <= 1
    with figure_style():
        shown = texts(grids.detail_grid(pictures, pictures.faces("grid")[:1]))
    assert shown[2:10] == ["anger", "brow", "eye", "mouth", "surprise", "brow", "eye", "mouth"]
    assert shown[10:] == ["input", "DefGAN", "GANimation", "true image"]
