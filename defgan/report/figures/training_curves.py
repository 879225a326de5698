"""The training curves of all methods."""

import matplotlib.figure
import numpy as np
from matplotlib.lines import Line2D
from matplotlib.ticker import LogLocator, NullLocator

from defgan.report.figures.base import Figure, trained
from defgan.report.results import Results

_PANELS = 4
"""Panels beside each other."""
_TOTALS = {"loss_g": "eq. 16", "loss_d": "eq. 18"}


def equations() -> dict[str, str]:
    """The equation of each loss by its name in the curves; losses of other papers name the paper."""
    found: dict[str, list[str]] = {name: [equation] for name, equation in _TOTALS.items()}
    for method in trained():
        for term in method.terms():
            if term.equation not in found.setdefault(term.name, []):
                found[term.name].append(term.equation)
    return {name: "; ".join(own) for name, own in found.items()}


def draw(results: Results) -> matplotlib.figure.Figure:
    """One panel per logged scalar; it is logarithmic where all values are positive and span more than a decade."""
    shown = trained()
    curves = {method: results.curves(method.name) for method in shown}
    names = list(dict.fromkeys(column for table in curves.values() for column in table.columns if column != "step"))
    rows = -(-len(names) // _PANELS)
    figure = matplotlib.figure.Figure(figsize=(2.3 * _PANELS, 1.6 * rows + 0.5), layout="constrained")
    grid = figure.subplots(rows, _PANELS, sharex=True, squeeze=False)
    of_terms = equations()
    for axes, name in zip(grid.flat, names, strict=False):
        values = []
        for method, table in curves.items():
            if name in table:
                axes.plot(table["step"], table[name], color=method.colour, linewidth=1.1)
                values.append(table[name].dropna().to_numpy())
        values = np.concatenate(values)
        if len(values) and values.min() > 0 and values.max() > 10 * values.min():
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(NullLocator())
        axes.set_title(f"{name}  ({of_terms[name]})" if name in of_terms else name, size=8.5)
        axes.tick_params(labelsize=7)
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    # The last panel of each column has the axis of the steps.
    for column in range(_PANELS):
        last = (len(names) - 1 - column) // _PANELS
        if 0 <= last < rows:
            grid[last, column].set_xlabel("generator step", size=8)
            grid[last, column].tick_params(labelbottom=True)
    handles = [Line2D([], [], color=method.colour, label=method.label) for method in shown]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure


FIGURE = Figure(
    name="training_curves",
    title="Training curves",
    shows="Every loss and statistic of the training, unweighted, over the generator's steps, with its equation.",
    methods=trained(),
    params=("training.batches", "training.epochs", "training.batch_size", "training.learning_rate", "critic_steps"),
    draw=draw,
    role="",
)
