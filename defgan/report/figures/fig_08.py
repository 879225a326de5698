"""Fig. 8: identity distance and relative improvement."""

import matplotlib.figure
import numpy as np

from defgan.report.bars import bars, offsets
from defgan.report.figures.base import Figure
from defgan.report.pairs import pairs
from defgan.report.results import Results
from defgan.report.style import DARK, PALE, SMALL_PRINT

_SIGNIFICANT = 0.05


def draw(results: Results) -> matplotlib.figure.Figure:
    """Identity distances of each method and its rival (left), and the relative improvement (right), by expression."""
    numbers = results.numbers("identity_by_expression")
    distance = results.networks(pairs()[0].method)["identity"]
    places = np.arange(len(numbers))
    figure = matplotlib.figure.Figure(figsize=(9.2, 3.6), layout="constrained")
    left, right = figure.subplots(1, 2)
    shown = [method for pair in pairs() for method in (pair.method, pair.rival)]
    for offset, method in zip(offsets(len(shown)), shown, strict=True):
        style = {"color": method.colour, "label": method.label}
        bars(left, places + offset, numbers, method.name, 0.74 / len(shown), **style)
    left.set_title("Identity distance between edit and input", loc="left")
    left.set_ylabel(f"{distance}\n(lower is better)")
    left.set_ylim(0, left.get_ylim()[1] * (1 + 0.15 * len(pairs())))
    left.legend(loc="upper left", ncols=2)
    for offset, pair in zip(offsets(len(pairs())), pairs(), strict=True):
        key = pair.column("improvement")
        percent = numbers.assign(**{column: 100 * numbers[column] for column in (key, f"{key}_low", f"{key}_high")})
        style = {"color": pair.method.colour, "label": pair.improvement}
        bars(right, places + offset, percent, key, 0.6 / len(pairs()), **style)
        for place in places[(numbers[pair.column("p_holm")] < _SIGNIFICANT).to_numpy()]:
            top = max(0, percent.loc[place, f"{key}_high"])
            right.annotate("*", (place + offset, top), ha="center", va="bottom")
    right.axhline(0, color=DARK, linewidth=0.8)
    low, high = right.get_ylim()
    right.set_ylim(low, high + 0.15 * (high - low) * len(pairs()))  # room for the stars and the legend
    right.set_title("Relative improvement", loc="left")
    right.set_ylabel("%   (higher is better)")
    right.legend(loc="upper left")
    for axes in (left, right):
        axes.set_xticks(places, numbers["expression"])
        axes.axvline(len(numbers) - 1.5, color=PALE, linewidth=0.8)
    left.set_xlabel("lines: 95 % bootstrap intervals over people", **SMALL_PRINT)
    right.set_xlabel("*: p < 0.05, Wilcoxon signed-rank test, Holm-corrected", **SMALL_PRINT)
    return figure


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
    methods=tuple(method for pair in pairs() for method in (pair.method, pair.rival)),
    params=("evaluate.embedder", "plan.instances", "plan.target_role"),
    draw=draw,
    network=("identity", "the distance of CMU OpenFace's embeddings"),
)
