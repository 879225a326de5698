"""Plots of the evidence: what is drawn is what the tables say."""

import pandas as pd
import pytest
from matplotlib.colors import to_hex

from defgan.facs import AU_NAMES, EXPRESSIONS
from defgan.report import evidence_plots
from defgan.report.style import METHOD_COLOURS, figure_style
from tests.report.test_evidence import pages


@pytest.fixture(scope="module")
def numbers() -> dict[str, pd.DataFrame]:
    return {name: page.numbers for name, page in pages().items()}


@pytest.fixture(autouse=True)
def styled():
    with figure_style():
        yield


def bars(axes, colour: str) -> list[float]:
    return [bar.get_height() for bar in axes.patches if to_hex(bar.get_facecolor()) == colour.lower()]


def test_improvement_shows_both_methods_and_their_ratio(numbers):
    pairs = numbers["identity_by_expression"]
    left, right = evidence_plots.improvement(pairs, "1 − cos, some network").axes
    assert bars(left, METHOD_COLOURS["defgan"]) == pytest.approx(pairs["defgan"].tolist())
    assert bars(left, METHOD_COLOURS["ganimation"]) == pytest.approx(pairs["ganimation"].tolist())
    assert bars(right, METHOD_COLOURS["defgan"]) == pytest.approx((100 * pairs["improvement"]).tolist())
    assert "some network" in left.get_ylabel()
    # 12/64 in every expression is no significance; the test over all is one test, 2/64.
    assert [label.get_text() for label in right.get_xticklabels()] == [*EXPRESSIONS, "all*"]


def test_motion_stands_beside_no_motion(numbers):
    figure = evidence_plots.motion(numbers["motion"])
    assert len(figure.axes) == 4
    assert bars(figure.axes[0], METHOD_COLOURS["defgan"]) == pytest.approx([1.5] * 7)
    assert bars(figure.axes[0], METHOD_COLOURS["copy"]) == pytest.approx([2.0] * 7)
    expressions = numbers["motion"][numbers["motion"]["set"] == "expressions"]
    assert len(evidence_plots.motion(expressions).axes) == 2


def test_fidelity_has_a_point_per_unit_and_method_and_names_the_reader(numbers):
    figure = evidence_plots.fidelity(numbers["au_fidelity"])
    icc, error = figure.axes
    assert len(icc.collections) == len(error.collections) == 5
    assert all(len(points.get_offsets()) == len(AU_NAMES) for points in error.collections)
    assert "MediaPipe blendshapes" in error.get_xlabel()


def test_cross_talk_has_a_map_per_method(numbers):
    figure = evidence_plots.cross_talk(numbers["cross_talk"])
    titles = [axes.get_title(loc="left") for axes in figure.axes if axes.get_title(loc="left")]
    assert titles == ["GANimation", "DefGAN", "True image"]
