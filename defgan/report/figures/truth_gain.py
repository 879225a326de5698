"""Gain over copying by expression."""

import matplotlib.figure
import numpy as np
import pandas as pd

from defgan.facs import EXPRESSIONS
from defgan.methods import get
from defgan.methods.registry import told_aus
from defgan.report.bars import bars, offsets
from defgan.report.figures.base import Figure
from defgan.report.results import Results
from defgan.report.significance import ALL
from defgan.report.style import DARK, PALE, SMALL_PRINT, lighter


def draw(results: Results) -> matplotlib.figure.Figure:
    """The gain of final and deformed images, by expression and over all."""
    numbers = results.numbers("truth").set_index(["method", "image"])
    shown = [
        (method.name, image)
        for method in told_aus()
        for image in ("final", "deformed")
        if (method.name, image) in numbers.index
    ]
    groups = [name for name in (*EXPRESSIONS, ALL) if f"gain_{name}" in numbers]
    figure = matplotlib.figure.Figure(figsize=(9.2, 3.6), layout="constrained")
    axes = figure.subplots()
    for offset, (name, image) in zip(offsets(len(shown)), shown, strict=True):
        row, method = numbers.loc[(name, image)], get(name)
        values = {f"gain{end}": [row[f"gain_{group}{end}"] for group in groups] for end in ("", "_low", "_high")}
        style = {"color": method.colour, "label": method.label}
        if image == "deformed":
            style = {"color": lighter(method.colour), "label": f"{method.label}, deformed image"}
        bars(axes, np.arange(len(groups)) + offset, pd.DataFrame(values), "gain", 0.736 / len(shown), **style)
    axes.axhline(0, color=DARK, linewidth=0.8)
    axes.axvline(len(groups) - 1.5, color=PALE, linewidth=0.8)
    axes.set_xticks(range(len(groups)), groups)
    axes.set_title("Gain over copying the input, against the true image", loc="left")
    axes.set_ylabel("1 − err(edit) / err(input)   (higher is better)")
    axes.set_xlabel("0: as good as the untouched input; lines: 95 % bootstrap intervals over people", **SMALL_PRINT)
    figure.legend(loc="outside upper right", ncols=min(len(shown), 3))
    return figure


FIGURE = Figure(
    name="truth_gain",
    title="Gain over copying by expression",
    shows=(
        "1 − err(edit, true image) / err(input, true image), over the pixels that truly change. 1 is a perfect edit, 0 "
        "is as good as the untouched input. Lines: 95 % bootstrap intervals over people. The paper has no such figure, "
        "as it has no true images."
    ),
    methods=told_aus(),
    params=("plan.instances", "plan.target_role"),
    draw=draw,
    available=lambda results: bool(results.numbers("truth")[f"gain_{ALL}"].notna().any()),
)
