"""Text that participants typed is shown as text and does nothing else."""

import csv
import io

import pandas as pd
import pytest

from defgan.study.typed_text import for_csv, for_markdown


@pytest.mark.parametrize(
    "typed",
    ["<script>x</script>", "a|b", "# x", "[a](http://b)", "`x`", "line\nline\r\u2028x", "\x1b[31mred", "&lt;", "*_~"],
)
def test_typed_text_stays_text_in_markdown(typed):
    cell = for_markdown(typed)
    for sign in "|`*_[]()#~<>":
        bare = cell.replace("\\" + sign, "")
        assert sign not in bare
    assert "\n" not in cell and "\r" not in cell and "\x1b" not in cell and "\u2028" not in cell
    assert "&lt;" not in typed or "&amp;lt;" in cell


@pytest.mark.parametrize("typed", ["=1+1", "+1", "-1", "@x", "\t=1", "\n=1", "plain", "'=1", 'say "=1"'])
def test_typed_text_is_no_formula_in_a_spreadsheet(typed):
    buffer = io.StringIO()
    pd.DataFrame({"comment": [for_csv(typed)]}).to_csv(buffer, index=False)
    [_, [cell]] = csv.reader(io.StringIO(buffer.getvalue()))
    assert cell[0] not in "=+-@\t\n" and cell.endswith(typed.strip()[-3:])
