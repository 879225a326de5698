"""Motion and texture against texture alone, trained alike: the methods of a pair, paired edit by edit."""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import pandas as pd

from defgan.evaluation.fidelity import ASKED, ESTIMATOR, PREDICTED
from defgan.evaluation.intervals import draw_people, percentiles, weighted_means
from defgan.report.markup import with_interval
from defgan.report.pairs import Pair, pairs
from defgan.report.tables import ENDS, INTERVALS, Measurements, Page


class Terms(NamedTuple):
    """A measure is the ratio of their means; both (M,), NaN where an edit does not count."""

    numerator: np.ndarray
    denominator: np.ndarray


def gain(table: pd.DataFrame) -> Terms:
    """Gain over copying, of the final image."""
    copied = table["err_copy"].to_numpy(np.float64)
    return Terms(copied - table["err_final"].to_numpy(np.float64), copied)


def identity(table: pd.DataFrame) -> Terms:
    """Mean identity distance."""
    return Terms(table["identity"].to_numpy(np.float64), np.ones(len(table)))


def response(table: pd.DataFrame) -> Terms:
    """Slope of the predicted AUs over the target AUs, of all AUs, about each face's means."""

    def about_means(columns: tuple[str, ...]) -> np.ndarray:
        values = table[list(columns)].astype(np.float64)
        return (values - values.groupby(table["image_id"]).transform("mean")).to_numpy()

    asked, predicted = about_means(ASKED), about_means(PREDICTED)
    return Terms((asked * predicted).sum(1), (asked**2).sum(1))


MEASURES: tuple[tuple[str, Callable[[pd.DataFrame], Terms], int], ...] = (
    ("gain over copying ↑", gain, 3),
    ("identity distance ↓", identity, 4),
    ("response", response, 3),
)
"""Heading, terms and digits."""


def compare(terms: tuple[Terms, Terms], people: pd.Series) -> dict[str, tuple[float, float, float]]:
    """The measure of two methods and the `difference` (first − second), each with its interval over `people` (M,).

    Edits that do not count for one of the two count for neither. NaN where none counts.
    """
    counted = ~np.isnan([part for own in terms for part in own]).any(0)
    if not counted.any():
        return dict.fromkeys(("first", "second", "difference"), (np.nan, np.nan, np.nan))
    weights = draw_people(people[counted])
    found = {}
    for side, own in zip(("first", "second"), terms, strict=True):
        numerator, denominator = (part[counted] for part in own)
        draws = weighted_means(numerator, weights) / weighted_means(denominator, weights)
        found[side] = numerator.mean() / denominator.mean(), draws
    found["difference"] = tuple(a - b for a, b in zip(found["first"], found["second"], strict=True))
    return {side: (float(value), *percentiles(draws)) for side, (value, draws) in found.items()}


def compared() -> tuple[Pair, ...]:
    """The pairs of which one deforms and the other does not, with supervision held equal."""
    return tuple(
        pair
        for pair in pairs()
        if pair.method.deforms and not pair.rival.deforms and pair.method.supervised == pair.rival.supervised
    )


def page(measurements: Measurements) -> Page:
    """One row per pair and measure."""
    rows, numbers = [], []
    for pair in compared():
        first = measurements.counted[pair.method.name]
        second = measurements.counted[pair.rival.name].set_index("edit").loc[first["edit"]].reset_index()
        for heading, terms, digits in MEASURES:
            found = compare((terms(first), terms(second)), first["subject"])
            rows.append(
                {
                    "training": pair.training,
                    "compared": pair.text,
                    "measure": heading,
                    "motion and texture": with_interval(*found["first"], digits, "+"),
                    "texture alone": with_interval(*found["second"], digits, "+"),
                    "difference": with_interval(*found["difference"], digits, "+"),
                }
            )
            numbers.append(
                {"method": pair.method.name, "rival": pair.rival.name, "measure": terms.__name__}
                | {f"{key}{end}": own[i] for key, own in found.items() for i, end in enumerate(ENDS)}
            )
    text = (
        "Does it help to move before texture is added? Both methods of a pair have the same supervision and edit the "
        "same faces to the same targets. Gain over copying: of the final image. Identity distance: "
        f"{measurements.networks['identity']}. Response: slope of the predicted AUs ({ESTIMATOR}) over the target AUs, "
        "of all AUs, about each face's own means. What a perfect edit reaches is the estimator's limit (AU fidelity). "
        f"Difference: motion and texture − texture alone. {INTERVALS} Both methods have the same draws of people. "
        f"{measurements.base}"
    )
    return Page("Motion and texture against texture alone", pd.DataFrame(rows), pd.DataFrame(numbers), text)
