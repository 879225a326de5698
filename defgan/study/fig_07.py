"""Fig. 7: the votes of stage 2 by expression."""

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from defgan import methods
from defgan.facs import EXPRESSIONS
from defgan.report.captions import Caption
from defgan.study.analysis import ALL
from defgan.study.design import METHODS

_LABEL_HEIGHT = 8
"""Percent; a lower bar has no space for its number."""


CAPTION = Caption(
    title="Fig. 7: The user study, stage 2",
    shows=(
        "Each method's share of the votes for the more plausible edit, by target expression and over all, with 95 % "
        "Wilson intervals, as if the votes were independent."
    ),
    data="role wild; what participants handed in",
    methods=tuple(methods.get(name).label for name in METHODS),
    substitutes=(),
    params=("user_study.questions", "user_study.seed"),
)


def votes_by_expression(table: pd.DataFrame, participants: int) -> Figure:
    """Fig. 7: each method's share of the votes by target expression and over all, with 95 % Wilson intervals.

    `table` is as of `defgan.study.analysis.votes`.
    """
    groups = [name for name in (*EXPRESSIONS, ALL) if (table["expression"] == name).any()]
    width = 0.8 / len(METHODS)
    figure, axes = plt.subplots(figsize=(7.2, 3.6), layout="constrained")
    for i, method in enumerate(METHODS):
        rows = table[table["method"] == method].set_index("expression").loc[groups]
        share = 100 * rows["share"]
        places = [j + (i - (len(METHODS) - 1) / 2) * width for j in range(len(groups))]
        axes.bar(
            places,
            share,
            width * 0.92,
            color=methods.get(method).colour,
            yerr=[share - 100 * rows["wilson_low"], 100 * rows["wilson_high"] - share],
            error_kw={"elinewidth": 0.9, "ecolor": "#333333"},
            label=methods.get(method).label,
        )
        for place, value in zip(places, share, strict=True):
            inside = value > _LABEL_HEIGHT
            colour = "white" if inside else "#333333"
            y = 1.5 if inside else _LABEL_HEIGHT
            axes.text(place, y, f"{value:.0f}", ha="center", va="bottom", size=7.5, color=colour)
    axes.axhline(50, color="#333333", linewidth=0.8, linestyle="--")
    if len(groups) > 1:
        axes.axvline(len(groups) - 1.5, ymax=0.86, color="#bbbbbb", linewidth=0.8)
    counts = table.drop_duplicates("expression").set_index("expression")["of"]
    axes.set_xticks(range(len(groups)), [f"{name}\n{counts[name]} votes" for name in groups])
    axes.set_ylim(0, 118)
    axes.set_yticks(range(0, 101, 25))
    axes.set_title("User study, stage 2: which edit is more plausible", loc="left")
    axes.set_ylabel("share of the votes (%)")
    axes.set_xlabel(
        f"{participants} participants; lines: 95 % Wilson intervals as if votes were independent; dashed: even",
        size=8,
        color="#555555",
    )
    axes.legend(loc="upper right", ncols=len(METHODS))
    return figure
