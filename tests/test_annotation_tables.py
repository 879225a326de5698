"""AU columns of tables, whatever they are called and however they say "missing"."""

import numpy as np
import pandas as pd
import pytest

from defgan.annotation_tables import au_columns, au_of_column, read_aus, read_table
from defgan.errors import UserError
from defgan.facs import AU_NAMES


@pytest.mark.parametrize(
    ("column", "name"),
    [
        ("AU01", "AU01"), ("AU1", "AU01"), (" AU12_r", "AU12"), ("au_6", "AU06"), ("'AU 1'", "AU01"), ("AU43", "AU45"),
        ("AU01_c", None), ("AU28", None), ("AU", None), ("AU120", None), ("gAU1", None), (17, None),
    ],
)  # fmt: skip
def test_columns_are_known_by_name(column, name):
    assert au_of_column(column) == name


def test_a_blink_goes_before_closed_eyes():
    assert au_columns(["AU43", "AU45"])["AU45"] == "AU45"
    assert au_columns(["AU45", "AU43"])["AU45"] == "AU45"


def test_blanks_and_999_are_missing_and_zero_is_not():
    # As in EmotionNet's sheets: presence, 999 where nobody annotated.
    frame = pd.DataFrame({"URL": ["a", "b", "c"], "AU 1": ["1", " ", "999"], "AU 2": [0, 999, 1]})
    aus = read_aus(frame)
    assert np.array_equal(aus[:, AU_NAMES.index("AU01")], [1, np.nan, np.nan], equal_nan=True)
    assert np.array_equal(aus[:, AU_NAMES.index("AU02")], [0, np.nan, 1], equal_nan=True)
    assert np.isnan(aus[:, 2:]).all()


def test_the_scale_divides():
    aus = read_aus(pd.DataFrame({"AU12_r": [2.5, 5.0]}), scale=5)
    assert aus[:, AU_NAMES.index("AU12")].tolist() == [0.5, 1.0]


def test_a_word_among_numbers_is_named():
    with pytest.raises(ValueError, match=r"column `AU04`, row 2: `strong`"):
        read_aus(pd.DataFrame({"AU04": ["0.1", "strong"]}))


@pytest.mark.parametrize("separator", [",", ";", "\t"])
def test_tables_with_any_separator_and_a_byte_order_mark(tmp_path, separator):
    table = tmp_path / "aus.csv"
    table.write_text("\ufeff" + separator.join(["path", " AU01"]) + "\n" + separator.join(["001", " 0.5"]) + "\n")
    frame = read_table(table)
    assert frame.to_dict("list") == {"path": ["001"], "AU01": [0.5]}


def test_rows_that_are_longer_than_the_heading_move_no_columns(tmp_path):
    table = tmp_path / "aus.csv"
    table.write_text("path,AU01\na.png,0.5,\nb.png,0.25,\n")  # one comma too many at the end is common
    assert read_table(table).to_dict("list") == {"path": ["a.png", "b.png"], "AU01": [0.5, 0.25]}
    table.write_text("path,AU01\nx,a.png,0.5\n")
    with pytest.raises(UserError, match="more cells than the heading"):
        read_table(table)


def test_a_table_in_utf16_that_names_its_separator(tmp_path):
    table = tmp_path / "aus.csv"
    table.write_text("sep=;\nPath; AU01\né.png;0,5\n;\n", encoding="utf-16")
    assert read_table(table).to_dict("list") == {"path": ["é.png"], "AU01": [0.5]}
    table.write_text("path,Path,AU01, AU01\na,b,1,2\n")
    with pytest.raises(UserError, match="column `AU01` is there twice"):
        read_table(table)
