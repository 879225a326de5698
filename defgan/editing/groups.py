"""Measures of edited photographs by groups of people, such as gender or age, which a table names."""

from collections.abc import Iterable, Sequence
from pathlib import Path, PurePosixPath

import numpy as np
import pandas as pd

from defgan.alignment import POINT_COLUMNS
from defgan.annotation_tables import NAME_COLUMNS, TEXT_COLUMNS, au_of_column, normalised, read_table
from defgan.editing.assessment import DISTANCE, MOTION, RELATIVE, RESPONSE, RISE, SAME
from defgan.errors import UserError
from defgan.evaluation.intervals import draw_people, percentiles
from defgan.facs import AU_NAMES, PRESETS

UNKNOWN = "unknown"
"""The group of people of whom the table does not say."""
EVERYONE = "everyone"
ALL = "all"
"""Stands for the mean of the six expressions."""
ASKED_RISE = f"share of the asked-for AUs that rise by more than {RISE:g}"
MOST_VALUES = 5
"""A column of more numbers than this is cut into `BANDS` bands with about as many people each."""
BANDS = 3


def read_groups(file: Path, names: Sequence[str]) -> pd.DataFrame:
    """The groups of people, one row per name, text; every column of the table that is not otherwise used is one.

    The table (CSV or Parquet) has one row per photograph or person. A column of `NAME_COLUMNS`, or `subject`, names it:
    the last part of a path without its suffix is the person's name. Of rows that name folders, those of the folder
    `neutral` count. Bands of numbers are those of all people of the table.

    Raises:
        UserError: the table cannot be read, names nobody, contradicts itself, or has no column of groups.
    """
    table = read_table(file)
    named = [column for column in (*NAME_COLUMNS, "subject") if column in table]
    if not named:
        raise UserError(f"{file}: no column names the photographs; call it one of {', '.join(NAME_COLUMNS)}")
    used = {*NAME_COLUMNS, *TEXT_COLUMNS, *POINT_COLUMNS}
    columns = [column for column in table if column not in used and au_of_column(column) is None]
    if not columns:
        raise UserError(f"{file}: no column of groups; add one beside `{named[0]}`, such as gender or age")
    paths = [PurePosixPath(normalised(name)) for name in table[named[0]]]
    neutral = np.array([path.parent.name == "neutral" for path in paths])
    keys = pd.Index([path.name for path in paths], name="person")
    groups = table[columns].set_axis(keys)[neutral if neutral.any() else slice(None)].reset_index().drop_duplicates()
    if (again := groups["person"].duplicated()).any():
        raise UserError(f"{file}: {groups['person'][again].iloc[0]} is in more than one group; keep one row per person")
    groups = groups.set_index("person").apply(_texts).reindex(names)
    if groups.isna().all(axis=None):
        raise UserError(f"{file}: column `{named[0]}` names none of the photographs, such as {names[0]}")
    return groups.fillna(UNKNOWN)


def _texts(column: pd.Series) -> pd.Series:
    """A column of groups as text, many numbers as bands; NaN where a cell is empty."""
    if not pd.api.types.is_numeric_dtype(column) or pd.api.types.is_bool_dtype(column):
        return column.map(str, na_action="ignore").astype(object)
    numbers = column.astype(float)
    if numbers.nunique() <= MOST_VALUES:
        return numbers.map("{:g}".format, na_action="ignore").astype(object)
    bands = pd.qcut(numbers, BANDS, labels=False, duplicates="drop")
    labels = numbers.groupby(bands).agg(lambda own: f"{own.min():g} to {own.max():g}")
    return bands.map(labels).astype(object)


def by_group(observed: pd.DataFrame, groups: pd.DataFrame) -> pd.DataFrame:
    """The measures of the whole edits by group, with 95 % intervals by the bootstrap over the group's people.

    `observed` holds rows of `assessment.observe`, `groups` is of `read_groups`, in the order of the people. Returns
    the columns method, expression (one of the six, or `ALL`), column, group, measure, value, low, high, n.
    """
    whole = observed[observed["strength"] == 1]
    rows = []
    for method, own in whole.groupby("method", sort=False):
        arrays, expressions = _arrays(own, groups.index), own["expression"].unique()
        for column, group, members in _members(groups):
            for measure, (sums, totals) in arrays.items():
                for expression, *estimate in resampled(sums[members], totals[members], expressions):
                    rows.append((method, expression, column, group, measure, *estimate, len(members)))
    return pd.DataFrame(
        rows, columns=["method", "expression", "column", "group", "measure", "value", "low", "high", "n"]
    )


def resampled(
    sums: np.ndarray, totals: np.ndarray, expressions: Sequence[str]
) -> Iterable[tuple[str, float, float, float]]:
    """Sums over people, divided by totals, with 95 % intervals by the bootstrap over these people.

    Both are people × expressions. Yields expression, value, low, high; first of `ALL`, the mean of the expressions. One
    person has no interval: NaN.
    """
    # The first row is the estimate, the others are resamples.
    weights = np.concatenate([np.ones((1, len(sums)), np.int64), draw_people(np.arange(len(sums)))])
    values = (weights @ sums) / (weights @ totals)
    values = np.column_stack([values.mean(axis=1), values])
    for expression, each in zip((ALL, *expressions), values.T, strict=True):
        yield expression, each[0], *(percentiles(each[1:]) if len(sums) > 1 else (np.nan, np.nan))


def _members(groups: pd.DataFrame) -> Iterable[tuple[str, str, np.ndarray]]:
    """Column, group, and the positions of its people; everyone first, then groups from large to small."""
    yield EVERYONE, EVERYONE, np.arange(len(groups))
    for column in groups:
        for group in groups[column].value_counts().index:
            yield column, group, np.flatnonzero(groups[column] == group)


def _arrays(own: pd.DataFrame, people: pd.Index) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """What is summed and what the sum is divided by, people × expressions each, by measure."""
    own = own.assign(
        one=1.0,
        rise=[
            np.mean([row[name] > RISE for name in PRESETS[row["expression"]]])
            for row in own[["expression", *AU_NAMES]].to_dict("records")
        ],
    )
    order = own["expression"].unique()

    def array(column: str) -> np.ndarray:
        wide = own.pivot(index="person", columns="expression", values=column)
        return wide.loc[people, order].to_numpy(np.float64)

    one = array("one")
    arrays = {
        RESPONSE: (array("moved"), array("asked")),
        RELATIVE: (array("moved_relative"), array("asked")),
        ASKED_RISE: (array("rise"), one),
        DISTANCE: (array("distance"), one),
        SAME: (array("same"), one),
    }
    # Texture alone has no grid.
    return arrays | ({} if own["motion"].isna().all() else {MOTION: (array("motion"), one)})


def widest_gap(
    table: pd.DataFrame, method: str, column: str, measure: str = RESPONSE, least: int = 5
) -> tuple[pd.Series, pd.Series] | None:
    """The rows of the groups with the least and the most of a measure, of those with `least` people or more.

    None for one group.
    """
    rows = table[
        (table["method"] == method)
        & (table["expression"] == ALL)
        & (table["column"] == column)
        & (table["measure"] == measure)
        & (table["n"] >= least)
        & (table["group"] != UNKNOWN)
    ]
    if len(rows) < 2:
        return None
    return rows.loc[rows["value"].idxmin()], rows.loc[rows["value"].idxmax()]
