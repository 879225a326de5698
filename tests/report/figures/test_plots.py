"""Plots: what is drawn is what the tables and measurements say."""

import numpy as np
import pandas as pd
import pytest

from defgan.evaluation.intervals import mean_interval
from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.report.figures import (
    au_cross_talk,
    au_fidelity,
    fig_03,
    fig_08,
    training_curves,
    truth_gain,
    truth_motion,
)
from defgan.report.names import colour
from defgan.report.style import lighter
from tests.report.conftest import bars

pytestmark = pytest.mark.usefixtures("styled")


def test_identity_axis_names_the_distance_and_starts_at_zero(results):
    axes, below = fig_03.draw(results).axes
    assert "1 − cos, dlib ResNet-128" in axes.get_ylabel()
    assert axes.get_ylim()[0] == 0 and axes.get_ylim()[1] > 0.2
    assert [label.get_text() for label in below.get_xticklabels()] == list(EXPRESSIONS)
    assert [text.get_text() for text in axes.get_legend().get_texts()] == ["DefGAN", "GANimation"]
    assert [text.get_text() for text in below.get_legend().get_texts()] == [
        "DefGAN supervised",
        "GANimation supervised",
    ]
    assert "supervised by rendered pairs" in below.get_title(loc="left").lower()
    assert "36 edits per method" in below.get_xlabel() and "over people" in below.get_xlabel()
    assert axes.get_ylim() == below.get_ylim()


def test_identity_intervals_are_those_over_people(results):
    axes = fig_03.draw(results).axes[0]
    rows = results.counted("defgan").query("expression == 'sad'")
    mean, low, high = mean_interval(rows["identity"].to_numpy(), rows["subject"])
    container = axes.containers[-2]  # the methods in their order, DefGAN first
    place = EXPRESSIONS.index("sad")
    assert container.lines[0].get_ydata()[place] == pytest.approx(mean)
    segment = container.lines[2][0].get_segments()[place]
    assert segment[:, 1] == pytest.approx([low, high])
    # Means stand in their boxes: DefGAN's left of the tick, GANimation's right of it.
    assert container.lines[0].get_xdata()[place] < place < axes.containers[-1].lines[0].get_xdata()[place]


def test_gain_bars_have_the_methods_colours_and_the_tables_values(results):
    [axes] = truth_gain.draw(results).axes
    numbers = results.numbers("truth").set_index(["method", "image"])
    columns = [f"gain_{name}" for name in (*EXPRESSIONS, "all")]
    for method in ("defgan", "ganimation"):
        expected = numbers.loc[(method, "final"), columns].tolist()
        assert bars(axes, colour(method)) == pytest.approx(expected)
    assert bars(axes, lighter(colour("defgan"))) == pytest.approx([0.5] * 7)
    assert "over people" in axes.get_xlabel()


def test_improvement_shows_both_methods_and_their_ratio(results):
    pairs = results.numbers("identity_by_expression")
    left, right, lower_left, lower_right = fig_08.draw(results).axes
    assert bars(left, colour("defgan")) == pytest.approx(pairs["defgan"].tolist())
    assert bars(left, colour("ganimation")) == pytest.approx(pairs["ganimation"].tolist())
    assert bars(right, colour("defgan")) == pytest.approx((100 * pairs["improvement"]).tolist())
    assert "ResNet-128" in left.get_ylabel()
    assert [text.get_text() for text in right.get_legend().get_texts()] == ["1 − DefGAN / GANimation"]
    assert bars(lower_left, colour("ganimation_supervised")) == pytest.approx(pairs["ganimation_supervised"].tolist())
    improvement = 100 * pairs["defgan_supervised_improvement"]
    assert bars(lower_right, colour("defgan_supervised")) == pytest.approx(improvement.tolist())
    # 12/64 in every expression is no significance; the test over all is one test, 2/64.
    [star] = [text for text in right.texts if text.get_text() == "*"]
    assert star.xy[0] == len(EXPRESSIONS)


def test_motion_stands_beside_no_motion(results):
    figure = truth_motion.draw(results)
    assert len(figure.axes) == 4
    assert bars(figure.axes[0], colour("defgan")) == pytest.approx([1.5] * 7)
    assert bars(figure.axes[0], colour("defgan_supervised")) == pytest.approx([0.5] * 7)
    assert bars(figure.axes[0], colour("copy")) == pytest.approx([2.0] * 7)
    numbers = results.numbers("motion")
    results.numbers = lambda name: numbers[numbers["set"] == "expressions"]
    assert len(truth_motion.draw(results).axes) == 2


def test_fidelity_has_a_point_per_au_and_method_and_names_the_estimator(results):
    icc, error = au_fidelity.draw(results).axes
    assert len(icc.collections) == len(error.collections) == 7
    assert all(len(points.get_offsets()) == len(AU_NAMES) for points in error.collections)
    assert "MediaPipe blendshapes" in error.get_xlabel()


def test_cross_talk_has_a_map_per_method(results):
    figure = au_cross_talk.draw(results)
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert titles == [
        *("DefGAN", "GANimation", "True image"),
        *("DefGAN supervised (by rendered pairs)", "GANimation supervised (by rendered pairs)"),
    ]


def test_each_logged_loss_has_a_panel_and_logarithms_only_where_they_can_be(results):
    steps = np.arange(1, 11)
    curves = {
        "defgan": pd.DataFrame(
            {"step": steps, "cyc": 10.0 ** -(steps / 3), "critic_d": -steps, "id": 0.5 + steps / 100}
        ),
        "ganimation": pd.DataFrame({"step": steps, "cyc": 10.0 ** -(steps / 4), "critic_d": steps, "grad": 1 / steps}),
        "stargan": pd.DataFrame({"step": steps, "cls": steps, "loss_g": -steps}),
        "defgan_supervised": pd.DataFrame({"step": steps, "motion": steps, "final": steps}),
        "ganimation_supervised": pd.DataFrame({"step": steps, "final": 2 * steps}),
    }
    results.curves = curves.__getitem__
    figure = training_curves.draw(results)
    panels = {axes.get_title(): axes for axes in figure.axes if axes.get_title()}
    assert list(panels) == [
        *("cyc  (eq. 11)", "critic_d  (eq. 7)", "id  (eq. 12)", "grad", "motion  (end-point error)", "final  (ℓ1)"),
        *("cls  (StarGAN's eq. 3)", "loss_g  (eq. 16)"),
    ]
    assert panels["cyc  (eq. 11)"].get_yscale() == "log"
    assert panels["critic_d  (eq. 7)"].get_yscale() == panels["id  (eq. 12)"].get_yscale() == "linear"
    assert [line.get_color() for line in panels["cyc  (eq. 11)"].lines] == [colour("defgan"), colour("ganimation")]
