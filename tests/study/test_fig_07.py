"""Fig. 7 and the pages show the tables' numbers."""

import pytest
from matplotlib.colors import to_rgba

from defgan import methods
from defgan.facs import EXPRESSIONS
from defgan.report.style import figure_style
from defgan.study import analysis, pages
from defgan.study.fig_07 import votes_by_expression
from tests.study.conftest import compared


@pytest.fixture
def table():
    return analysis.votes(compared(participants=25, seed=4))


def test_bars_are_the_shares_and_lines_their_intervals(table):
    with figure_style():
        figure = votes_by_expression(table, 25)
        [axes] = figure.axes
        bars = {(round(bar.get_x() + bar.get_width() / 2), bar.get_facecolor()): bar for bar in axes.patches}
        assert len(bars) == 14
        for row in table.itertuples():
            place = [*EXPRESSIONS, "all"].index(row.expression)
            assert bars[place, to_rgba(methods.get(row.method).colour)].get_height() == pytest.approx(100 * row.share)
        ends = sorted(y for lines in axes.collections for path in lines.get_segments() for y in path[:, 1])
        expected = sorted([*(100 * table["wilson_low"]), *(100 * table["wilson_high"])])
        assert ends == pytest.approx(expected)
        assert "25 participants" in axes.get_xlabel()


def test_pages_hold_the_numbers(table):
    page = pages.votes_page(table, 25)
    overall = table[(table["expression"] == "all") & (table["method"] == "defgan")].iloc[0]
    assert f"| all | DefGAN | {overall['votes']} of 400 |" in page
    tests = pages.tests_page(analysis.tests(analysis.compared_tests(compared())))
    assert "< 0.0001" in tests and "nan" not in tests and "Krippendorff" in tests
