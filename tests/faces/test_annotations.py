"""AU columns of tables, whatever they are called and however they say "missing"."""

import numpy as np
import pandas as pd
import pytest

from defgan.datasets.records import Record
from defgan.errors import UserError
from defgan.faces.action_units import make_reader
from defgan.faces.annotations import AnnotationReader, au_columns, au_of_column, read_aus, read_table
from defgan.facs import AU_NAMES, preset
from defgan.params import Source

NOTHING = [np.zeros((8, 8, 3), np.uint8)], [np.zeros((5, 2))]


def source(path, **values) -> Source:
    return Source(path=str(path), dataset="folder", points="mtcnn", action_units="annotations", **values)


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


def write(path, rows):
    frame = pd.DataFrame([{"path": name, **dict(zip(AU_NAMES, aus, strict=True))} for name, aus in rows.items()])
    frame.to_parquet(path) if path.suffix == ".parquet" else frame.to_csv(path, index=False)
    return path


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_a_table_of_its_own_gives_the_vectors(tmp_path, suffix):
    happy = preset("happy")
    table = write(tmp_path / f"aus{suffix}", {"ann/1.jpg": 5 * happy, "ann/2.jpg": np.full(17, np.nan)})
    reader = make_reader(source(tmp_path, au_table=str(table), au_scale=5))
    readings = [
        reader(*NOTHING, [Record(name, tmp_path / name, "ann")])[0] for name in ("ann/1.jpg", "ann/2.jpg", "x.jpg")
    ]
    assert readings[0].aus == pytest.approx(happy)
    assert [reading.reject.split(":")[0] for reading in readings] == ["", "AUs missing", "AUs missing"]
    assert str(table) in readings[2].reject


def test_the_scale_of_the_data_sets_own_vectors(tmp_path):
    reader = AnnotationReader(source(tmp_path, au_scale=5))
    happy = preset("happy")
    [reading] = reader(*NOTHING, [Record("a.jpg", tmp_path, "a", aus=5 * happy)])
    assert reading.aus == pytest.approx(happy)
    [wrong] = AnnotationReader(source(tmp_path))(*NOTHING, [Record("a.jpg", tmp_path, "a", aus=5 * happy)])
    assert "out of range" in wrong.reject


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("AU01\n0.1\n", "no column that names the photographs"),
        ("path,AU01\na.jpg,0.1\n", "no column for AU02"),
        (None, "cannot be read as a table"),
    ],
)
def test_an_unusable_table_is_named(tmp_path, content, message):
    table = tmp_path / "aus.csv"
    if content:
        table.write_text(content)
    with pytest.raises(UserError, match=rf"aus\.csv: {message}"):
        AnnotationReader(source(tmp_path, au_table=str(table)))


def test_a_photograph_with_two_rows_is_named(tmp_path):
    table = write(tmp_path / "aus.csv", {"1.jpg": np.zeros(17), "1.png": np.zeros(17)})
    with pytest.raises(UserError, match="1 has more than one row"):
        AnnotationReader(source(tmp_path, au_table=str(table)))
