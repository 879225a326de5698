"""Fig. 8: identity distance and relative improvement."""

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from defgan.report.bars import bars, offsets
from defgan.report.figures.base import Figure
from defgan.report.pairs import Pair, pairs
from defgan.report.results import Results
from defgan.report.style import DARK, PALE, SMALL_PRINT

_SIGNIFICANT = 0.05
_OVER_LINES = {"fontsize": 8, "frameon": True, "facecolor": "white", "edgecolor": "none", "framealpha": 1}


def draw(results: Results) -> matplotlib.figure.Figure:
    """Identity distances of a method and its rival (left), relative improvement (right); a row per pair."""
    numbers = results.numbers("identity_by_expression")
    distance = results.networks(pairs()[0].method)["identity"]
    figure = matplotlib.figure.Figure(figsize=(9.2, 0.6 + 3.0 * len(pairs())), layout="constrained")
    grid = figure.subplots(len(pairs()), 2, squeeze=False)
    highest = max(numbers[f"{method.name}_high"].max() for pair in pairs() for method in pair)
    for (left, right), pair in zip(grid, pairs(), strict=True):
        _distances(left, numbers, pair)
        left.set_title(f"Identity distance\n{pair.training}", loc="left", size=8.5)
        left.set_ylabel(f"{distance}\n(lower is better)")
        _improvement(right, numbers, pair)
        right.set_title("Relative improvement", loc="left", size=8.5)
        right.set_ylabel("%   (higher is better)")
        left.set_ylim(0, 1.25 * highest)  # one scale for all rows
        low, high = right.get_ylim()
        right.set_ylim(low, high + 0.25 * (high - low))  # room for the stars and the legend
        for axes in (left, right):
            axes.set_xticks(range(len(numbers)), numbers["expression"])
            axes.axvline(len(numbers) - 1.5, color=PALE, linewidth=0.8)
    left.set_xlabel("lines: 95 % bootstrap intervals over people", **SMALL_PRINT)
    right.set_xlabel("*: p < 0.05, Wilcoxon signed-rank test, Holm-corrected", **SMALL_PRINT)
    return figure


def _distances(axes: Axes, numbers: pd.DataFrame, pair: Pair) -> None:
    places = np.arange(len(numbers))
    for offset, method in zip(offsets(len(pair)), pair, strict=True):
        bars(axes, places + offset, numbers, method.name, 0.37, color=method.colour, label=method.label)
    axes.legend(loc="upper left", ncols=2, **_OVER_LINES)


def _improvement(axes: Axes, numbers: pd.DataFrame, pair: Pair) -> None:
    places, key = np.arange(len(numbers)), pair.column("improvement")
    percent = numbers.assign(**{column: 100 * numbers[column] for column in (key, f"{key}_low", f"{key}_high")})
    bars(axes, places, percent, key, 0.6, color=pair.method.colour, label=pair.improvement)
    for place in places[(numbers[pair.column("p_holm")] < _SIGNIFICANT).to_numpy()]:
        top = max(0, percent.loc[place, f"{key}_high"])
        axes.annotate("*", (place, top), ha="center", va="bottom")
    axes.axhline(0, color=DARK, linewidth=0.8)
    axes.legend(loc="upper left", **_OVER_LINES)


FIGURE = Figure(
    name="fig_08_relative_improvement",
    number=8,
    title="Identity distance and relative improvement",
    shows=(
        "Left: mean identity distance of the methods, of the same faces and targets. Right: relative improvement of "
        "the means, "
        + " and ".join(pair.improvement for pair in pairs())
        + ". Lines: 95 % bootstrap intervals over people."
    ),
    methods=tuple(method for pair in pairs() for method in pair),
    params=("evaluate.embedder", "plan.instances", "plan.target_role"),
    draw=draw,
    network=("identity", "the distance of CMU OpenFace's embeddings"),
)
