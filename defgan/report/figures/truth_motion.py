"""The motion of the deformation grids against the true motion."""

import matplotlib.figure
import numpy as np

from defgan.methods import get
from defgan.report.bars import bars, offsets
from defgan.report.figures.base import Figure, deforming
from defgan.report.results import Results
from defgan.report.significance import ALL
from defgan.report.style import DARK, PALE, SMALL_PRINT


def draw(results: Results) -> matplotlib.figure.Figure:
    """End-point errors beside that of no motion (left), cosines with the true direction (right); a row per set."""
    numbers = results.numbers("motion")
    sets = [rows for _, rows in numbers.groupby("set", sort=False)]
    sets.sort(key=lambda rows: ALL not in set(rows["group"]))  # expressions first
    figure = matplotlib.figure.Figure(figsize=(9.2, 3.1 * len(sets)), layout="constrained")
    grid = figure.subplots(len(sets), 2, squeeze=False)
    shown, count = deforming(), len(deforming())
    for (left, right), rows in zip(grid, sets, strict=True):
        own = {method.name: rows[rows["method"] == method.name].reset_index(drop=True) for method in shown}
        first = own[shown[0].name]
        places = np.arange(len(first))
        still, *sides = offsets(1 + count)
        width = 0.74 / (1 + count)
        bars(left, places + still, first, "epe_still", width, color=get("copy").colour, label="no motion")
        for method, side, offset in zip(shown, sides, offsets(count), strict=True):
            style = {"color": method.colour, "label": f"{method.label}'s grid"}
            bars(left, places + side, own[method.name], "epe", width, **style)
            bars(right, places + offset, own[method.name], "motion_cosine", 0.6 / count, color=method.colour)
        left.set_ylabel("end-point error, px at 128 px")
        left.set_ylim(0)
        right.axhline(0, color=DARK, linewidth=0.8)
        right.set_ylabel("cosine with the true direction")
        right.set_ylim(min(0, right.get_ylim()[0]), 1)
        names = first["group"].str.removeprefix("AU")
        for axes in (left, right):
            axes.set_xticks(places, names)
            if ALL in set(names):
                axes.axvline(len(first) - 1.5, color=PALE, linewidth=0.8)
            else:
                axes.set_xlabel("action unit")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside upper right", ncols=min(1 + count, 4))
    grid[0, 0].set_title("Motion against the rendered truth (lower is better)", loc="left")
    grid[0, 1].set_title("Direction, weighted by length (higher is better)", loc="left")
    figure.supxlabel("over visible skin; lines: 95 % bootstrap intervals over people", **SMALL_PRINT)
    return figure


FIGURE = Figure(
    name="truth_motion",
    title="Motion of the deformation grid against the true motion",
    shows=(
        "Left: end-point error of the deformation grid, beside the error of a grid that moves nothing. It is measured "
        "on the skin that is visible in both the input and the true image. Right: cosine between the two directions, "
        "weighted by the true length. By expression, and by AU for single-AU edits. Lines: 95 % bootstrap intervals "
        "over people. The paper has no such figure, as it does not know the true motion."
    ),
    methods=deforming(),
    params=("plan.instances", "plan.target_role", "plan.au_faces"),
    draw=draw,
    available=lambda results: bool(results.numbers("motion")["epe"].notna().any()),
)
