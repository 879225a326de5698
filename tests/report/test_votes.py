"""Fig. 7 shows the table's numbers; what people typed is shown and nothing else."""

import csv
import io

import pandas as pd
import pytest
from matplotlib.colors import to_rgba

from defgan.facs import EXPRESSIONS
from defgan.report import votes
from defgan.report.style import METHOD_COLOURS, figure_style
from defgan.study import analysis
from tests.study.test_analysis import compared


@pytest.fixture
def table():
    return analysis.votes(compared(participants=25, seed=4))


def test_bars_are_the_shares_and_lines_their_intervals(table):
    with figure_style():
        figure = votes.votes_by_expression(table, 25)
        [axes] = figure.axes
        bars = {(round(bar.get_x() + bar.get_width() / 2), bar.get_facecolor()): bar for bar in axes.patches}
        assert len(bars) == 14
        for row in table.itertuples():
            place = [*EXPRESSIONS, "all"].index(row.expression)
            assert bars[place, to_rgba(METHOD_COLOURS[row.method])].get_height() == pytest.approx(100 * row.share)
        ends = sorted(y for lines in axes.collections for path in lines.get_segments() for y in path[:, 1])
        expected = sorted([*(100 * table["wilson_low"]), *(100 * table["wilson_high"])])
        assert ends == pytest.approx(expected)
        assert "25 participants" in axes.get_xlabel() and votes.MADE_UP not in axes.get_title(loc="left")
        assert votes.MADE_UP in votes.votes_by_expression(table, 25, made_up=True).axes[0].get_title(loc="left")


def test_pages_hold_the_numbers(table):
    page = votes.votes_page(table, 25)
    overall = table[(table["expression"] == "all") & (table["method"] == "defgan")].iloc[0]
    assert f"| all | DefGAN | {overall['votes']} of 400 |" in page
    tests = votes.tests_page(analysis.tests(analysis.compared_tests(compared())))
    assert "< 0.0001" in tests and "nan" not in tests and "Krippendorff" in tests


@pytest.mark.parametrize(
    "typed",
    ["<script>x</script>", "a|b", "# x", "[a](http://b)", "`x`", "line\nline\r\u2028x", "\x1b[31mred", "&lt;", "*_~"],
)
def test_typed_text_stays_text_in_markdown(typed):
    cell = votes.for_markdown(typed)
    for sign in "|`*_[]()#~<>":
        bare = cell.replace("\\" + sign, "")
        assert sign not in bare
    assert "\n" not in cell and "\r" not in cell and "\x1b" not in cell and "\u2028" not in cell
    assert "&lt;" not in typed or "&amp;lt;" in cell


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@x", "\t=1", "\n=1", "plain", "'=1", 'say "=1"'])
def test_typed_text_is_no_formula_in_a_spreadsheet(typed):
    buffer = io.StringIO()
    pd.DataFrame({"comment": [votes.for_csv(typed)]}).to_csv(buffer, index=False)
    [_, [cell]] = csv.reader(io.StringIO(buffer.getvalue()))
    assert cell[0] not in "=+-@\t\n" and cell.endswith(typed.strip()[-3:])
