"""Measures by group of people: the table that names the groups, and what is made of it."""

import numpy as np
import pandas as pd
import pytest

from defgan.editing.assessment import DISTANCE, MOTION, RELATIVE, RESPONSE, SAME
from defgan.editing.groups import ALL, ASKED_RISE, EVERYONE, UNKNOWN, by_group, read_groups, widest_gap
from defgan.errors import UserError
from defgan.facs import AU_NAMES, EXPRESSIONS, PRESETS

NAMES = [f"{number:03}" for number in range(12)]
HEADING = "path,subject,expression,age,gender,AU12,left_eye_x\n"


def table_of(tmp_path, lines, heading=HEADING):
    file = tmp_path / "people.csv"
    file.write_text(heading + "".join(f"{line}\n" for line in lines))
    return file


@pytest.fixture
def london(tmp_path):
    """Twelve people as in the London set's table: two rows for each; nobody knows the age of the last."""
    ages = [*range(20, 31), "NA"]
    return table_of(
        tmp_path,
        [
            f"{kind}/{name}.jpg,{name},{kind},{age},{'male' if name < '004' else 'female'},0.5,3"
            for name, age in zip(NAMES, ages, strict=True)
            for kind in ("neutral", "smiling")
        ],
    )


def test_numbers_are_cut_into_bands(london):
    groups = read_groups(london, NAMES)
    assert list(groups.columns) == ["age", "gender"]
    assert groups["gender"].value_counts().to_dict() == {"female": 8, "male": 4}
    assert groups["age"].value_counts().to_dict() == {"20 to 23": 4, "24 to 26": 3, "27 to 30": 4, UNKNOWN: 1}
    assert groups.loc["011", "age"] == UNKNOWN


def test_bands_are_those_of_all_people(london):
    assert read_groups(london, ["003", "000"])["age"].tolist() == ["20 to 23", "20 to 23"]


def test_few_numbers_stay_as_they_are(tmp_path):
    file = table_of(tmp_path, ["000,1", "001,2", "002,"], "name,glasses\n")
    assert read_groups(file, NAMES[:4])["glasses"].tolist() == ["1", "2", UNKNOWN, UNKNOWN]


@pytest.mark.parametrize(
    ("heading", "lines", "message"),
    [
        ("path,subject,expression\n", ["neutral/000.jpg,000,neutral"], "no column of groups; add one beside `path`"),
        ("who,gender\n", ["000,male"], "no column names the photographs"),
        ("path,gender\n", ["neutral/x.jpg,male"], "column `path` names none of the photographs, such as 000"),
        ("path,gender\n", ["000.jpg,male", "000.jpg,female"], "000 is in more than one group"),
    ],
)
def test_a_table_of_something_else(tmp_path, heading, lines, message):
    with pytest.raises(UserError, match=message):
        read_groups(table_of(tmp_path, lines, heading), NAMES)


def test_a_file_that_is_no_table(tmp_path):
    with pytest.raises(UserError, match="cannot be read as a table"):
        read_groups(tmp_path / "nothing.csv", NAMES)


@pytest.fixture
def observed():
    """Rows as of `observe`: men respond by 0.2, women by 0.6; one woman's face is lost for sad."""
    rows = []
    for expression in EXPRESSIONS:
        for strength in (0.5, 1.0):
            for name in NAMES:
                share = strength * (0.2 if name < "004" else 0.6)
                lost = (expression, name) == ("sad", "005")
                rises = np.full(17, np.nan) if lost else np.where(np.isin(AU_NAMES, [*PRESETS[expression]]), share, 0)
                sums = (0 if lost else share, share / 2, 1.0)
                head = ("defgan", expression, strength, name, *sums, share / 10, name != "000", 5 * share)
                rows.append((*head, *rises))
    head = ["method", "expression", "strength", "person", "moved", "moved_relative", "asked"]
    return pd.DataFrame(rows, columns=[*head, "distance", "same", "motion", *AU_NAMES])


def test_the_table_by_group(observed, london):
    table = by_group(observed, read_groups(london, NAMES))
    assert list(table.columns) == ["method", "expression", "column", "group", "measure", "value", "low", "high", "n"]
    assert set(table["expression"]) == {ALL, *EXPRESSIONS}
    assert set(table["measure"]) == {RESPONSE, RELATIVE, ASKED_RISE, DISTANCE, SAME, MOTION}
    rows = table.set_index(["expression", "group", "measure"])
    assert rows.loc[(ALL, "male", RESPONSE), "value"] == pytest.approx(0.2)
    assert rows.loc[(ALL, "male", RESPONSE), "n"] == 4
    assert rows.loc[("sad", "female", RELATIVE), "value"] == pytest.approx(0.3)
    assert rows.loc[("sad", "female", RESPONSE), "value"] == pytest.approx(0.6 * 7 / 8)
    assert rows.loc[("sad", "female", ASKED_RISE), "value"] == pytest.approx(7 / 8)
    assert rows.loc[("happy", EVERYONE, DISTANCE), "value"] == pytest.approx((4 * 0.02 + 8 * 0.06) / 12)
    assert rows.loc[(ALL, "male", SAME), "value"] == pytest.approx(3 / 4)
    assert rows.loc[(ALL, "male", MOTION), "value"] == pytest.approx(1.0)
    low, high = rows.loc[("sad", "female", RESPONSE), ["low", "high"]]
    assert low < 0.6 * 7 / 8 < high <= 0.6 + 1e-9
    assert rows.loc[(ALL, UNKNOWN, RESPONSE), ["low", "high"]].isna().all()  # one person has no interval


def test_texture_alone_has_no_motion(observed, london):
    table = by_group(observed.assign(motion=np.nan), read_groups(london, NAMES))
    assert set(table["measure"]) == {RESPONSE, RELATIVE, ASKED_RISE, DISTANCE, SAME}


def test_the_groups_that_respond_least_and_most(observed, london):
    table = by_group(observed, read_groups(london, NAMES))
    assert widest_gap(table, "defgan", "gender") is None  # only one of them has five people
    least, most = widest_gap(table, "defgan", "gender", least=4)
    assert (least["group"], most["group"]) == ("male", "female")
    assert widest_gap(table, "defgan", "age", least=1)[0]["group"] == "20 to 23"
    assert widest_gap(table, "defgan", "gender", RELATIVE, least=4)[1]["value"] == pytest.approx(0.3)
