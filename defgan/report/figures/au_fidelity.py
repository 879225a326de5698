"""AU fidelity: target AUs and the AUs that are predicted for the edits."""

import matplotlib.figure
import numpy as np

from defgan.evaluation.fidelity import ESTIMATOR
from defgan.evaluation.truth import TRUTH
from defgan.facs import ACTION_UNITS, AU_NAMES
from defgan.methods.registry import every
from defgan.report.figures.base import Figure
from defgan.report.names import colour, method_name
from defgan.report.results import Results
from defgan.report.style import DARK, SMALL_PRINT

_SPREAD = 0.7  # width of the points of one AU


def draw(results: Results) -> matplotlib.figure.Figure:
    """ICC (top) and mean absolute error (bottom) per AU and method."""
    numbers = results.numbers("au_fidelity")
    names = list(dict.fromkeys(numbers["method"]))
    figure = matplotlib.figure.Figure(figsize=(11.5, 5.8), layout="constrained")
    panels = figure.subplots(2, 1, sharex=True)
    for axes, key in zip(panels, ("icc", "error"), strict=True):
        for i, name in enumerate(names):
            own = numbers[numbers["method"] == name].set_index("au")[key].reindex(AU_NAMES)
            places = np.arange(len(own)) + (i - (len(names) - 1) / 2) * _SPREAD / len(names)
            marker = "D" if name == TRUTH else "o"
            axes.scatter(places, own, label=method_name(name), marker=marker, s=20, color=colour(name), zorder=3)
        for place in range(1, len(AU_NAMES)):
            axes.axvline(place - 0.5, color="#eeeeee", linewidth=0.8)
        axes.axhline(0, color=DARK, linewidth=0.8)
    panels[0].set_title("Agreement of target and predicted action units (higher is better)", loc="left")
    panels[0].set_ylabel("ICC(3,1)")
    panels[1].set_title("Intensity error (lower is better)", loc="left")
    panels[1].set_ylabel("mean |prediction − target|")
    panels[1].set_xticks(
        range(len(AU_NAMES)), [f"{name}\n{ACTION_UNITS[name].replace(' ', chr(10))}" for name in AU_NAMES], size=6.5
    )
    note = f"predicted by {ESTIMATOR}, not by the discriminator; ◆: the predictions for the true images"
    panels[1].set_xlabel(note, **SMALL_PRINT)
    figure.legend(*panels[0].get_legend_handles_labels(), loc="outside upper right", ncols=min(len(names), 4))
    return figure


FIGURE = Figure(
    name="au_fidelity",
    title="AU fidelity",
    shows=(
        "The target AUs, compared with the AUs that an independent estimator predicts for the edits: agreement, "
        "ICC(3,1), and mean absolute difference. The diamonds are the true images. They show how well the estimator "
        "does on perfect edits."
    ),
    methods=every(),
    params=("plan.instances", "plan.target_role"),
    draw=draw,
    network=("action_units", "OpenFace 2"),
)
