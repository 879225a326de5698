"""Plots of the tables of `defgan.report.evidence`: relative improvement (Fig. 8), motion, AU fidelity, cross-talk.

Each takes the numbers of its table; the reader of the AUs and the distance are named on the axes.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from defgan.evaluation.fidelity import READER
from defgan.evaluation.significance import ALL
from defgan.facs import ACTION_UNITS, AU_NAMES
from defgan.report.style import METHOD_COLOURS, METHOD_LABELS
from defgan.report.tables import method_name

TRUE_COLOUR = "#222222"
"""Of the true image, beside the methods' colours."""
_SMALL = {"size": 8, "color": "#555555"}
_SIGNIFICANT = 0.05


def _colour(method: str) -> str:
    return METHOD_COLOURS.get(method, TRUE_COLOUR)


def _bars(axes: Axes, places: np.ndarray, numbers: pd.DataFrame, key: str, width: float, **style: str) -> None:
    """Bars with the 95 % intervals that stand beside the values."""
    values = numbers[key].to_numpy()
    reach = np.abs(numbers[[f"{key}_low", f"{key}_high"]].to_numpy().T - values)
    axes.bar(places, values, width, yerr=reach, error_kw={"elinewidth": 0.9, "ecolor": "#333333"}, **style)


def improvement(pairs: pd.DataFrame, distance: str) -> Figure:
    """Fig. 8: identity distance of both methods (left) and DefGAN's relative improvement (right), by expression.

    `pairs` are the numbers of `evidence.identity_page`.
    """
    places = np.arange(len(pairs))
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.2, 3.6), layout="constrained")
    for side, method in enumerate(("defgan", "ganimation")):
        style = {"color": METHOD_COLOURS[method], "label": METHOD_LABELS[method]}
        _bars(left, places + (side - 0.5) * 0.4, pairs, method, 0.37, **style)
    left.set_title("Identity distance between edit and input", loc="left")
    left.set_ylabel(f"{distance}\n(lower is better)")
    left.set_ylim(0, left.get_ylim()[1] * 1.15)
    left.legend(loc="upper left", ncols=2)
    percent = pairs.assign(**{c: 100 * pairs[c] for c in pairs if c.startswith("improvement")})
    _bars(right, places, percent, "improvement", 0.6, color=METHOD_COLOURS["defgan"])
    right.axhline(0, color="#333333", linewidth=0.8)
    right.set_title("Relative improvement of DefGAN over GANimation", loc="left")
    right.set_ylabel("1 − DefGAN / GANimation, %")
    stars = ["*" if p < _SIGNIFICANT else "" for p in pairs["p_holm"]]
    for axes in (left, right):
        axes.set_xticks(places, pairs["expression"])
        axes.axvline(len(pairs) - 1.5, color="#bbbbbb", linewidth=0.8)
    right.set_xticks(places, [f"{name}{star}" for name, star in zip(pairs["expression"], stars, strict=True)])
    left.set_xlabel("lines: 95 % bootstrap intervals over people", **_SMALL)
    right.set_xlabel("*: p < 0.05, Wilcoxon signed-rank test, Holm-corrected", **_SMALL)
    return figure


def motion(numbers: pd.DataFrame) -> Figure:
    """End-point error of DefGAN's grid beside no motion, and the cosine with the true direction; a row per set."""
    sets = [rows.reset_index(drop=True) for _, rows in numbers.groupby("set", sort=False)]
    sets.sort(key=lambda rows: ALL not in set(rows["group"]))  # expressions first
    figure, grid = plt.subplots(len(sets), 2, figsize=(9.2, 3.1 * len(sets)), layout="constrained", squeeze=False)
    for (left, right), rows in zip(grid, sets, strict=True):
        places = np.arange(len(rows))
        _bars(left, places - 0.2, rows, "epe_still", 0.37, color=METHOD_COLOURS["copy"], label="no motion")
        _bars(left, places + 0.2, rows, "epe", 0.37, color=METHOD_COLOURS["defgan"], label="DefGAN's grid")
        left.set_ylabel("end-point error, px at 128 px")
        left.set_ylim(0, left.get_ylim()[1] * 1.18)
        left.legend(loc="upper left", ncols=2)
        _bars(right, places, rows, "motion_cosine", 0.6, color=METHOD_COLOURS["defgan"])
        right.axhline(0, color="#333333", linewidth=0.8)
        right.set_ylabel("cosine with the true direction")
        right.set_ylim(min(0, right.get_ylim()[0]), 1)
        names = rows["group"].str.removeprefix("AU")
        for axes in (left, right):
            axes.set_xticks(places, names)
            if ALL in set(names):
                axes.axvline(len(rows) - 1.5, color="#bbbbbb", linewidth=0.8)
            else:
                axes.set_xlabel("action unit")
    grid[0, 0].set_title("Motion against the rendered truth (lower is better)", loc="left")
    grid[0, 1].set_title("Direction, weighted by length (higher is better)", loc="left")
    figure.supxlabel("over visible skin; lines: 95 % bootstrap intervals over people", **_SMALL)
    return figure


def fidelity(numbers: pd.DataFrame) -> Figure:
    """ICC and mean absolute error between asked-for AUs and those that are read in the edits, per AU and method."""
    methods = list(dict.fromkeys(numbers["method"]))
    figure, panels = plt.subplots(2, 1, figsize=(9.2, 5.6), layout="constrained", sharex=True)
    for axes, key in zip(panels, ("icc", "error"), strict=True):
        for i, method in enumerate(methods):
            own = numbers[numbers["method"] == method].set_index("au")[key].reindex(AU_NAMES)
            style = {"marker": "o" if method in METHOD_COLOURS else "D", "s": 26, "color": _colour(method), "zorder": 3}
            places = np.arange(len(own)) + (i - (len(methods) - 1) / 2) * 0.14
            axes.scatter(places, own, label=method_name(method), **style)
        for place in range(1, len(AU_NAMES)):
            axes.axvline(place - 0.5, color="#eeeeee", linewidth=0.8)
        axes.axhline(0, color="#333333", linewidth=0.8)
    panels[0].set_title("Agreement of asked-for and read action units (higher is better)", loc="left")
    panels[0].set_ylabel("ICC(3,1)")
    panels[1].set_title("Intensity error (lower is better)", loc="left")
    panels[1].set_ylabel("mean |read − asked|")
    panels[1].set_xticks(
        range(len(AU_NAMES)), [f"{name}\n{ACTION_UNITS[name].replace(' ', chr(10))}" for name in AU_NAMES], size=6.5
    )
    panels[1].set_xlabel(f"read by {READER}, not by the critic; ◆: the reader on the true images", **_SMALL)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=len(methods))
    return figure


def cross_talk(numbers: pd.DataFrame) -> Figure:
    """One heat map per method: change of the reading of each AU (columns) per unit of the asked one (rows)."""
    methods = [name for name in (*METHOD_LABELS, "truth") if name in set(numbers["method"])]
    width = 3.0 * len(methods) + 0.9
    figure, grid = plt.subplots(1, len(methods), figsize=(width, 3.7), layout="constrained", squeeze=False)
    short = [name.removeprefix("AU") for name in AU_NAMES]
    for i, (axes, method) in enumerate(zip(grid[0], methods, strict=True)):
        slopes = numbers[numbers["method"] == method].pivot(index="asked", columns="read", values="slope")
        sns.heatmap(
            slopes.reindex(index=AU_NAMES, columns=AU_NAMES),
            ax=axes, cmap="vlag", center=0, vmin=-1, vmax=1, square=True, cbar=i == len(methods) - 1,
            xticklabels=short, yticklabels=short if i == 0 else False, cbar_kws={"shrink": 0.7, "label": "slope"},
        )  # fmt: skip
        axes.grid(False)
        axes.tick_params(labelsize=6.5, length=0, labelrotation=0)
        axes.set_title(method_name(method), loc="left")
        axes.set_xlabel("read AU")
        axes.set_ylabel("asked AU" if i == 0 else "")
    figure.suptitle(f"Which action units move when one is asked for ({READER})", x=0.01, ha="left", size=10)
    return figure
