"""Fig. 3: identity distance by expression."""

from collections.abc import Mapping

import matplotlib.figure
import numpy as np
import pandas as pd
from matplotlib.axes import Axes

from defgan.evaluation.intervals import mean_interval
from defgan.facs import EXPRESSIONS
from defgan.methods.base import Method
from defgan.report.bars import offsets
from defgan.report.figures.base import Figure
from defgan.report.pairs import pairs
from defgan.report.results import Results
from defgan.report.style import SMALL_PRINT

SHOWN = tuple(method for pair in pairs() for method in pair)


def draw(results: Results) -> matplotlib.figure.Figure:
    """Boxes, whiskers at 5 and 95 %, and means with intervals, by expression; a panel per method and its rival."""
    tables = {method: results.counted(method.name) for method in SHOWN}
    figure = matplotlib.figure.Figure(figsize=(7.2, 0.6 + 3.0 * len(pairs())), layout="constrained")
    panels = figure.subplots(len(pairs()), 1, sharex=True, sharey=True, squeeze=False)[:, 0]
    for axes, pair in zip(panels, pairs(), strict=True):
        _boxes(axes, {method: tables[method] for method in pair})
        axes.set_title(pair.training, loc="left")
        axes.set_ylabel(f"{results.networks(pair.method)['identity']}\n(lower is better)")
    panels[0].set_ylim(0, panels[0].get_ylim()[1] * 1.1)
    figure.suptitle("Identity distance between edit and input, by target expression", x=0.01, ha="left", size=10)
    each = " and ".join(dict.fromkeys(str(len(table)) for table in tables.values()))
    note = "boxes: quartiles, whiskers: 5 and 95 %; ◆: mean with 95 % bootstrap interval over people"
    panels[-1].set_xlabel(f"{each} edits per method; {note}", **SMALL_PRINT)
    return figure


def _boxes(axes: Axes, tables: Mapping[Method, pd.DataFrame]) -> None:
    """One panel; `tables` are the methods' measurements."""
    shown = tables.keys()
    for offset, (method, table) in zip(offsets(len(shown)), tables.items(), strict=True):
        groups = [table[table["expression"] == name] for name in EXPRESSIONS]
        values = [rows["identity"].to_numpy(np.float64) for rows in groups]
        places = np.arange(len(groups)) + offset
        line = {"color": method.colour, "linewidth": 0.9}
        axes.boxplot(
            values, positions=places, widths=0.6 / len(shown), whis=(5, 95), showfliers=False, label=method.label,
            boxprops=line, whiskerprops=line, capprops=line, medianprops=line,
        )  # fmt: skip
        found = [mean_interval(own, rows["subject"]) for own, rows in zip(values, groups, strict=True)]
        means, low, high = np.array(found).T
        style = {"linestyle": "none", "marker": "D", "markersize": 4, "elinewidth": 2, "zorder": 4}
        axes.errorbar(places, means, [means - low, high - means], color=method.colour, **style)
    axes.set_xticks(range(len(EXPRESSIONS)), EXPRESSIONS)
    axes.legend(loc="upper right", ncols=len(shown))


FIGURE = Figure(
    name="fig_03_identity_distance",
    number=3,
    title="Identity distance by expression",
    shows=(
        "Distance between edit and input in the space of a face embedder. A lower distance means that the edit keeps "
        "the person better. Boxes: quartiles. Whiskers: 5 and 95 %. Diamonds: mean with 95 % bootstrap interval over "
        "people."
    ),
    methods=SHOWN,
    params=("evaluate.embedder", "plan.instances", "plan.target_role"),
    draw=draw,
    network=("identity", "the distance of CMU OpenFace's embeddings"),
)
