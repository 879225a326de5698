"""Plots of numbers: identity distance by expression (Fig. 3), gain over copying, training curves."""

from collections.abc import Mapping
from types import MappingProxyType

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
import seaborn as sns
from matplotlib.figure import Figure
from matplotlib.ticker import LogLocator, NullLocator

from defgan.facs import EXPRESSIONS
from defgan.report.style import DEFORMED_COLOUR, METHOD_COLOURS, METHOD_LABELS

BOOTSTRAP_SEED = 0
BOOTSTRAP_SAMPLES = 1000
_PANELS = 4
"""Training curves beside each other."""
_EQUATIONS = MappingProxyType(
    {
        "critic_d": "eq. 7",
        "gp": "eq. 7",
        "critic_g": "eq. 8",
        "exp_comp": "eq. 9",
        "exp_def": "eq. 9",
        "exp_d": "eq. 10",
        "cyc": "eq. 11",
        "id": "eq. 12",
        "id_comp": "eq. 12",
        "comp": "eq. 13",
        "eye_g": "eq. 14",
        "tv_g": "eq. 14",
        "eye_m": "eq. 15",
        "tv_m": "eq. 15",
        "loss_g": "eq. 16",
        "loss_d": "eq. 18",
    }
)


def identity_by_expression(tables: Mapping[str, pd.DataFrame], distance: str) -> Figure:
    """Fig. 3, by expression and method: boxes, whiskers at 5 and 95 %, and means with 95 % bootstrap intervals.

    `tables` maps methods to rows with `expression` and `identity`; `distance` names the distance and its network.
    """
    data = pd.concat([table.assign(method=METHOD_LABELS[name]) for name, table in tables.items()], ignore_index=True)
    palette = {METHOD_LABELS[name]: METHOD_COLOURS[name] for name in tables}
    figure, axes = plt.subplots(figsize=(7.2, 3.8), layout="constrained")
    common = {"data": data, "x": "expression", "y": "identity", "hue": "method", "order": EXPRESSIONS}
    common |= {"palette": palette, "ax": axes}
    sns.boxplot(**common, whis=(5, 95), showfliers=False, width=0.7, gap=0.15, fill=False, linewidth=0.9)
    sns.pointplot(
        **common,
        dodge=0.35,
        linestyle="none",
        marker="D",
        markersize=4,
        err_kws={"linewidth": 2},
        errorbar=("ci", 95),
        n_boot=BOOTSTRAP_SAMPLES,
        seed=BOOTSTRAP_SEED,
        legend=False,
    )
    axes.set_title("Identity distance between edit and input, by target expression", loc="left")
    axes.set_ylabel(f"{distance}   (lower is better)")
    axes.set_ylim(0, axes.get_ylim()[1] * 1.1)
    axes.legend(title=None, loc="upper right", ncols=len(tables))
    each = " and ".join(dict.fromkeys(str(len(table)) for table in tables.values()))
    axes.set_xlabel(
        f"{each} edits per method; boxes: quartiles, whiskers: 5 and 95 %; ◆: mean with 95 % bootstrap interval",
        size=8,
        color="#555555",
    )
    return figure


def _gain_interval(errors: np.ndarray, copy_errors: np.ndarray) -> tuple[float, float, float]:
    """Gain over copying (a ratio of means) and its 95 % interval by resampling images."""
    draws = np.random.default_rng([BOOTSTRAP_SEED]).integers(len(errors), size=(BOOTSTRAP_SAMPLES, len(errors)))
    low, high = np.percentile(1 - errors[draws].mean(axis=1) / copy_errors[draws].mean(axis=1), [2.5, 97.5])
    return 1 - errors.mean() / copy_errors.mean(), low, high


def gain_by_expression(tables: Mapping[str, pd.DataFrame]) -> Figure:
    """Gain over copying by expression and over all, of final and deformed images, with 95 % bootstrap intervals.

    `tables` maps methods to rows with `expression`, `err_final`, `err_deformed`, `err_copy`.
    """
    bars = []
    for name, table in tables.items():
        bars.append((METHOD_LABELS[name], METHOD_COLOURS[name], table, "err_final"))
        if table["err_deformed"].notna().any():
            bars.append((f"{METHOD_LABELS[name]}, deformed image", DEFORMED_COLOUR, table, "err_deformed"))
    groups = [*EXPRESSIONS, "all"]
    width = 0.8 / len(bars)
    figure, axes = plt.subplots(figsize=(7.2, 3.4), layout="constrained")
    for i, (label, colour, table, column) in enumerate(bars):
        for j, group in enumerate(groups):
            rows = table if group == "all" else table[table["expression"] == group]
            rows = rows[rows["err_copy"].notna()]
            if rows.empty:
                continue
            value, low, high = _gain_interval(rows[column].to_numpy(), rows["err_copy"].to_numpy())
            axes.bar(
                j + (i - (len(bars) - 1) / 2) * width,
                value,
                width * 0.92,
                color=colour,
                yerr=[[value - low], [high - value]],
                error_kw={"elinewidth": 0.9, "ecolor": "#333333"},
                label=label if j == len(groups) - 1 else None,
            )
    axes.axhline(0, color="#333333", linewidth=0.8)
    axes.axvline(len(groups) - 1.5, ymax=0.86, color="#bbbbbb", linewidth=0.8)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_title("Gain over copying the input, against the true image", loc="left")
    axes.set_ylabel("1 − err(edit) / err(input)   (higher is better)")
    axes.set_xlabel("0: as good as the untouched input; lines: 95 % bootstrap intervals", size=8, color="#555555")
    low, high = axes.get_ylim()
    axes.set_ylim(low, high + 0.16 * (high - low))
    axes.legend(loc="upper right", ncols=len(bars))
    return figure


def training_curves(curves: Mapping[str, pd.DataFrame]) -> Figure:
    """One panel per logged loss or statistic over generator steps; `curves` maps methods to tables with `step`.

    Unweighted values, as logged. A panel is logarithmic where all values are positive and span more than a decade.
    """
    names = list(dict.fromkeys(column for table in curves.values() for column in table.columns if column != "step"))
    rows = -(-len(names) // _PANELS)
    figure, grid = plt.subplots(
        rows, _PANELS, figsize=(2.3 * _PANELS, 1.6 * rows + 0.5), layout="constrained", sharex=True, squeeze=False
    )
    for axes, name in zip(grid.flat, names, strict=False):
        values = []
        for method, table in curves.items():
            if name in table:
                axes.plot(table["step"], table[name], color=METHOD_COLOURS[method], linewidth=1.1)
                values.append(table[name].dropna().to_numpy())
        values = np.concatenate(values)
        if len(values) and values.min() > 0 and values.max() > 10 * values.min():
            axes.set_yscale("log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter("{x:g}")
            axes.yaxis.set_minor_locator(NullLocator())
        axes.set_title(f"{name}  ({_EQUATIONS[name]})" if name in _EQUATIONS else name, size=8.5)
        axes.tick_params(labelsize=7)
    for axes in grid.flat[len(names) :]:
        axes.set_axis_off()
    # Below the last panel of every column stands its step axis.
    for column in range(_PANELS):
        last = (len(names) - 1 - column) // _PANELS
        if 0 <= last < rows:
            grid[last, column].set_xlabel("generator step", size=8)
            grid[last, column].tick_params(labelbottom=True)
    handles = [plt.Line2D([], [], color=METHOD_COLOURS[method], label=METHOD_LABELS[method]) for method in curves]
    figure.legend(handles=handles, loc="outside upper center", ncols=len(handles))
    return figure
