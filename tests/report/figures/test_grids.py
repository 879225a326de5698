"""Figures of photographs: what stands in their rows, and what they say of it."""

import itertools

import numpy as np
import pytest

from defgan.evaluation.truth import Truth
from defgan.facs import EXPRESSIONS
from defgan.methods.registry import NAMES, told_aus
from defgan.report.canvas import TILE
from defgan.report.figures import fig_01, fig_04, fig_05, fig_06, fig_10, fig_11, fig_12, fig_17, fig_18
from defgan.report.names import SUPERVISED
from defgan.report.single_aus import AUS, MAGNIFICATION
from tests.report.conftest import rendered, texts

pytestmark = pytest.mark.usefixtures("styled")


def test_alpha_strip(results):
    shown = texts(fig_01.draw(results))
    assert [text for text in shown if text.startswith("α")] == ["α = 0.0", "α = 0.5", "α = 1.0"]
    rows = [text for text in shown if text.startswith(("DefGAN", "GANimation", "supervised", "true"))]
    assert rows == [
        *("DefGAN\ndeformed", "DefGAN\nfinal", "GANimation", SUPERVISED, "DefGAN\nsupervised\ndeformed"),
        *("DefGAN\nsupervised\nfinal", "GANimation\nsupervised", "true image"),
    ]
    assert shown[0].startswith("Fig. 1") and "Disgust" in shown[0] and "made-up blobs" in shown[0]


def test_expression_grid_without_truth_has_no_true_row_and_needs_no_stargan(results):
    results.truth = Truth(results.truth.images, ~results.truth.known)
    edits = {method.name: results.edits(method.name) for method in told_aus()}
    results.edits = edits.__getitem__
    shown = texts(fig_04.draw(results))
    assert "true image" not in shown and shown.count("DefGAN") == shown.count("GANimation") == 2
    assert shown.count(SUPERVISED) == shown.count("DefGAN\nsupervised") == shown.count("GANimation\nsupervised") == 2
    assert [text for text in shown if text in EXPRESSIONS] == list(EXPRESSIONS)


def test_the_share_inside_the_regions_comes_from_the_measurements(results):
    tables = {name: results.measured(name).assign(concentration=np.nan) for name in NAMES}
    tables["defgan"] = tables["defgan"].assign(concentration=0.625)
    results.measured = tables.__getitem__
    shares = [text for text in texts(fig_05.FIGURE.draw(results)) if text.endswith("% inside")]
    assert shares == ["62% inside"] * 12  # six expressions of two faces, none for the methods without


def test_a_rafd_grid_shows_the_persons_own_photographs(results):
    photographs = {
        ("rafd000", name): np.full((8, 8, 3), (40 * i, 250, 7), np.uint8) for i, name in enumerate(EXPRESSIONS)
    }
    results.photographs = lambda role: photographs
    figure = fig_17.draw(results)
    image = rendered(figure)
    lefts = []
    for i in range(len(EXPRESSIONS)):
        places = np.argwhere((image == (40 * i, 250, 7)).all(axis=-1))
        assert len(places) == TILE**2
        lefts.append(places[:, 1].min())
    assert lefts == sorted(lefts)
    shown = texts(figure)
    assert shown[0].startswith("Fig. 17") and "blobs of people" in shown[0]
    assert any("StarGAN learns from role rafd" in text for text in shown)
    rows = [text for text in shown if text in ("DefGAN", "GANimation", "StarGAN", "true image", "photograph")]
    assert rows == ["DefGAN", "GANimation", "StarGAN", "true image", "photograph"]


def test_the_first_photograph_of_a_person_and_expression_is_shown(results):
    found = results.photographs("rafd")
    assert set(found) == {("rafd000", name) for name in ("neutral", *EXPRESSIONS)} | {("rafd001", "sad")}
    np.testing.assert_array_equal(found["rafd000", "neutral"], results.faces("rafd").pixels[0])


def test_in_the_wild_the_figure_says_what_each_method_learns_from(results):
    figure = fig_18.draw(results)
    image, shown = rendered(figure), texts(figure)
    assert shown[0].startswith("Fig. 18") and "made-up blobs" in shown[0]
    assert "role rafd" in shown[1] and "role train" in shown[2] and "blobs of people" in shown[3]
    # The small print stands below the title, above the column labels and within the picture.
    boxes = [text.get_window_extent() for text in figure.texts[:5]]
    assert all(upper.y0 >= lower.y1 for upper, lower in itertools.pairwise(boxes))
    assert max(box.x1 for box in boxes) < image.shape[1]


def test_details_come_from_the_places_of_brow_eye_and_mouth(results):
    image = np.arange(64 * 64 * 3, dtype=np.int64).reshape(64, 64, 3)
    for name, (x, y, side) in fig_10.DETAILS.items():
        cut = fig_10.detail(image, name)
        assert cut.shape[:2] == (round(side * 64), round(side * 64))
        row, column = np.unravel_index(cut[len(cut) // 2, len(cut) // 2, 0] // 3, (64, 64))
        assert abs(row - y * 64) <= 1 and abs(column - x * 64) <= 1
    shown = texts(fig_10.draw(results))
    assert shown[2:10] == ["anger", "brow", "eye", "mouth", "surprise", "brow", "eye", "mouth"]
    assert shown[10:14] == ["input", "DefGAN", "GANimation", SUPERVISED]
    assert shown[14:17] == ["DefGAN\nsupervised", "GANimation\nsupervised", "true image"]


def test_sweeps_grow_and_regions_are_where_the_motion_is(results):
    figure = fig_06.draw(results)
    image, shown = rendered(figure), texts(figure)
    assert shown[0].startswith("Fig. 6") and "made-up blobs" in shown[0]
    assert shown[1:8] == ["input", "0", "0.5", "1", "region moved", "true image, 1", "DefGAN\nAU04\nbrow\nlowerer"]
    # The upper half moves by 2 pixels between 0 and 1, the lower half does not.
    assert figure.axes[0].get_ylim() == pytest.approx((0, 2))
    bright = np.argwhere((np.abs(image.astype(int) - (252, 255, 164)).max(axis=-1) < 3)[:, :-TILE])
    dark = np.argwhere((image == (0, 0, 3)).all(axis=-1))
    assert len(bright) >= 4 * TILE * (TILE // 2 - 16) and len(dark) >= 4 * TILE * (TILE // 2 - 16)
    assert len(np.unique(bright[:, 1])) == TILE  # one column of pictures


def test_deformed_and_final_images_of_the_same_aus(results):
    deformed, final = texts(fig_11.draw(results)), texts(fig_12.draw(results))
    columns = [text for text in deformed if text[:4] in AUS]
    assert columns == [text for text in final if text[:4] in AUS] and len(columns) == 8
    assert deformed[0].startswith("Fig. 11") and final[0].startswith("Fig. 12")
    rows = ["deformed\nat 0", "deformed\nat 0.5", "deformed\nat 1", "region moved",
            f"grid at 1\nmotion × {MAGNIFICATION}"]  # fmt: skip
    assert deformed[-12:] == [
        *(f"DefGAN\n{row}" for row in rows),
        *(SUPERVISED, *(f"DefGAN\nsupervised\n{row}" for row in rows), "true image\nat 1"),
    ]
    assert final[-5:] == [
        *(SUPERVISED, *(f"DefGAN\nsupervised\nfinal\nat {step}" for step in ("0", "0.5", "1")), "true image\nat 1")
    ]
