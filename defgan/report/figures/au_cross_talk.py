"""Cross-talk: how the other AUs change when one AU is edited."""

import matplotlib.figure

from defgan.evaluation.fidelity import ESTIMATOR
from defgan.evaluation.truth import TRUTH
from defgan.facs import AU_NAMES
from defgan.methods.registry import told_aus
from defgan.report.figures.base import Figure
from defgan.report.names import method_name
from defgan.report.results import Results


def draw(results: Results) -> matplotlib.figure.Figure:
    """One heat map per method: the slope of each predicted AU (columns) over each edited AU (rows).

    The supervised methods have a row of their own.
    """
    import seaborn as sns  # takes a second: not for those who only ask for a caption

    numbers = results.numbers("cross_talk")
    rows = [
        [*(method.name for method in told_aus() if not method.supervised), TRUTH],
        [method.name for method in told_aus() if method.supervised],
    ]
    rows = [own for names in rows if (own := [name for name in names if name in set(numbers["method"])])]
    columns = max(map(len, rows))
    figure = matplotlib.figure.Figure(figsize=(3.0 * columns + 0.9, 0.4 + 3.3 * len(rows)), layout="constrained")
    grid = figure.subplots(len(rows), columns, squeeze=False)
    for axes in grid.flat:
        axes.set_axis_off()
    short = [name.removeprefix("AU") for name in AU_NAMES]
    places = [(grid[row, i], i, name) for row, names in enumerate(rows) for i, name in enumerate(names)]
    for axes, i, name in places:
        axes.set_axis_on()
        slopes = numbers[numbers["method"] == name].pivot(index="asked", columns="predicted", values="slope")
        sns.heatmap(
            slopes.reindex(index=AU_NAMES, columns=AU_NAMES),
            ax=axes, cmap="vlag", center=0, vmin=-1, vmax=1, square=True, cbar=False,
            xticklabels=short, yticklabels=short if i == 0 else False,
        )  # fmt: skip
        axes.grid(False)
        axes.tick_params(labelsize=6.5, length=0, labelrotation=0)
        axes.set_title(method_name(name), loc="left", size=9)
        axes.set_xlabel("predicted AU")
        axes.set_ylabel("edited AU" if i == 0 else "")
    figure.colorbar(grid[0, 0].collections[0], ax=grid[:, -1], shrink=0.7, label="slope")
    figure.suptitle(f"Which action units change when one is edited ({ESTIMATOR})", x=0.01, ha="left", size=10)
    return figure


FIGURE = Figure(
    name="au_cross_talk",
    title="Cross-talk between action units",
    shows=(
        "Each row is one AU that is edited alone. Each column is one AU as an independent estimator predicts it for "
        "the edits. The colour shows how much the prediction changes when the edited AU grows by 1. The diagonal "
        "should be 1, the rest 0. The true images show what the estimator itself mixes up."
    ),
    methods=told_aus(),
    params=("plan.au_faces", "plan.au_steps", "seed"),
    draw=draw,
    network=("action_units", "OpenFace 2"),
    available=lambda results: len(results.numbers("cross_talk")) > 0,
)
