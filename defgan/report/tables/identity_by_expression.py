"""Fig. 3 and 8 as numbers: identity distance by expression, a method against its rival, paired per image."""

import pandas as pd

from defgan.methods import registry
from defgan.report.markup import score, with_interval
from defgan.report.names import join, method_name
from defgan.report.pairs import Pair, pairs
from defgan.report.significance import compare_pairs
from defgan.report.tables import ENDS, INTERVALS, Measurements, Page, by_expression


def _p(value: float) -> str:
    return "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _numbers(pair: Pair, measurements: Measurements) -> pd.DataFrame:
    """`compare_pairs` of a pair, with the methods' names as columns."""
    counted = measurements.counted
    found = compare_pairs(counted[pair.method.name], counted[pair.rival.name])
    columns = {}
    for column in found.columns.drop(["expression", "images"]):
        if column.startswith("first"):
            columns[column] = column.replace("first", pair.method.name)
        elif column.startswith("second"):
            columns[column] = column.replace("second", pair.rival.name)
        else:
            columns[column] = pair.column(column)
    return found.rename(columns=columns)


def _cells(row: pd.Series, pair: Pair) -> dict[str, str]:
    """A row's cells of a pair."""
    of = "" if pair == pairs()[0] else f" of {pair.method.label}"
    improvement = (100 * row[pair.column(f"improvement{end}")] for end in ENDS)
    distances = {
        f"{method.label} ↓": with_interval(*(row[f"{method.name}{end}"] for end in ENDS), 4)
        for method in (pair.rival, pair.method)
    }
    return {
        **distances,
        f"relative improvement{of}, % ↑": with_interval(*improvement, 1, "+"),
        f"p{of} (Wilcoxon, Holm)": _p(row[pair.column("p_holm")]),
    }


def page(measurements: Measurements) -> Page:
    """By expression and over all: the distances of all pairs, and the means of the other methods."""
    compared = {method.name for pair in pairs() for method in (pair.method, pair.rival)}
    untrained = {method.name for method in registry.every() if not method.trained}
    others = [name for name in measurements.counted if name not in compared | untrained]
    found = [_numbers(pair, measurements) for pair in pairs()]
    numbers = pd.concat([found[0], *(frame.drop(columns=["expression", "images"]) for frame in found[1:])], axis=1)
    rows = []
    for _, row in numbers.iterrows():
        own = {name: by_expression(measurements.counted[name])[row["expression"]] for name in others}
        rows.append(
            {"expression": row["expression"], "images": str(row["images"])}
            | {key: cell for pair in pairs() for key, cell in _cells(row, pair).items()}
            | {f"{method_name(name)} ↓": score(table["identity"].mean(), 4) for name, table in own.items()}
        )
    text = (
        f"Identity distance between edit and input, {measurements.networks['identity']} (in place of the paper's "
        "OpenFace), by expression. All methods have the same faces and targets, paired image by image. Copy-input has "
        f"0 by definition. Relative improvement: {join(pair.improvement for pair in pairs())}, of the means. "
        f"{INTERVALS} p: two-sided Wilcoxon signed-rank test of {join(pair.text for pair in pairs())}, Holm-corrected "
        "for six expressions. Over all expressions, the test compares the means of the people. "
        f"{measurements.base}"
    )
    return Page("Identity distance by expression", pd.DataFrame(rows), numbers, text)
