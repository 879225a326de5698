"""Fig. 7 and the pages of the user study."""

import html
import re
import unicodedata

import matplotlib.pyplot as plt
import pandas as pd
from matplotlib.figure import Figure

from defgan.facs import EXPRESSIONS
from defgan.report.style import METHOD_COLOURS, METHOD_LABELS
from defgan.report.tables import markdown
from defgan.study.analysis import ALL, PLAUSIBLE_MEAN, PLAUSIBLE_RATING
from defgan.study.design import METHODS

MADE_UP = "made-up answers"
_LONGEST_TEXT = 2000
_LABEL_HEIGHT = 8
"""Percent; a lower bar has no room for its number."""


def one_line(text: object) -> str:
    """What somebody typed, on one line and without control characters."""
    plain = "".join(" " if unicodedata.category(sign) in ("Cc", "Cf", "Zl", "Zp") else sign for sign in str(text))
    return re.sub(r"\s+", " ", plain).strip()[:_LONGEST_TEXT]


def for_markdown(text: object) -> str:
    """What somebody typed, as a cell of a Markdown table that shows it and nothing else."""
    return re.sub(r"([\\`*_{}\[\]()#+!|~:/.@-])", r"\\\1", html.escape(one_line(text), quote=False))


def for_csv(text: object) -> str:
    """What somebody typed, as a CSV cell that no spreadsheet takes for a formula."""
    plain = one_line(text)
    return f"'{plain}" if plain.startswith(("=", "+", "-", "@")) else plain


def votes_by_expression(table: pd.DataFrame, participants: int, made_up: bool = False) -> Figure:
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
            color=METHOD_COLOURS[method],
            yerr=[share - 100 * rows["wilson_low"], 100 * rows["wilson_high"] - share],
            error_kw={"elinewidth": 0.9, "ecolor": "#333333"},
            label=METHOD_LABELS[method],
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
    axes.set_title(
        "User study, stage 2: which edit is more plausible" + (f"; {MADE_UP}" if made_up else ""), loc="left"
    )
    axes.set_ylabel("share of the votes (%)")
    axes.set_xlabel(
        f"{participants} participants; lines: 95 % Wilson intervals as if votes were independent; dashed: even",
        size=8,
        color="#555555",
    )
    axes.legend(loc="upper right", ncols=len(METHODS))
    return figure


def _number(value: float, digits: int, percent: bool = False) -> str:
    if pd.isna(value):
        return "–"
    return f"{100 * value:.0f} %" if percent else f"{value:.{digits}f}"


def _p_value(value: float) -> str:
    return "–" if pd.isna(value) else "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _label(method: str) -> str:
    return METHOD_LABELS.get(method, method)


def votes_page(table: pd.DataFrame, participants: int) -> str:
    """Stage 2 as a Markdown page."""
    rows = [
        {
            "expression": row.expression,
            "method": _label(row.method),
            "votes": f"{row.votes} of {row.of}",
            "share": _number(row.share, 0, percent=True),
            "95 % interval (Wilson)": f"{100 * row.wilson_low:.0f} to {100 * row.wilson_high:.0f} %",
            "95 % interval (Clopper–Pearson)": f"{100 * row.clopper_pearson_low:.0f} to"
            f" {100 * row.clopper_pearson_high:.0f} %",
            "p, binomial": _p_value(row.p_value),
            "p, Holm": _p_value(row.p_holm),
        }
        for row in table.itertuples()
    ]
    text = (
        f"{participants} participants. Intervals and binomial tests take all votes as independent, which those of one"
        " participant and on one face are not: read them with the mixed model in tests.csv."
    )
    return markdown(pd.DataFrame(rows), "User study, stage 2: votes (Fig. 7)", text)


def plausibility_page(table: pd.DataFrame, participants: int) -> str:
    """Stage 1 as a Markdown page."""
    rows = [
        {
            "method": _label(row.method),
            "ratings 1 / 2 / 3 / 4": f"{row.rated_1} / {row.rated_2} / {row.rated_3} / {row.rated_4}",
            "mean": _number(row.mean, 2),
            "plausible ratings": _number(row.plausible_ratings, 0, percent=True),
            "mean of plausible, implausible ratings": f"{_number(row.mean_of_plausible_ratings, 2)},"
            f" {_number(row.mean_of_implausible_ratings, 2)}",
            "plausible images": f"{_number(row.plausible_images, 0, percent=True)} of {row.images}",
            "mean of plausible, implausible images": f"{_number(row.mean_of_plausible_images, 2)},"
            f" {_number(row.mean_of_implausible_images, 2)}",
        }
        for row in table.itertuples()
    ]
    text = (
        f"{participants} participants; ratings from 1 (definitely implausible) to 4 (definitely plausible). A plausible"
        f" rating is {PLAUSIBLE_RATING} or 4, a plausible image one whose mean rating is above {PLAUSIBLE_MEAN}."
        " The paper: about 60 % plausible, 3.5 the mean of those, 1.67 of the others."
    )
    return markdown(pd.DataFrame(rows), "User study, stage 1: plausibility", text)


def tests_page(table: pd.DataFrame) -> str:
    """The tests as a Markdown page."""
    rows = [
        {
            "stage": str(row.stage),
            "test": row.test,
            "n": str(row.n),
            "estimate": _number(row.estimate, 3),
            "95 % interval": "–" if pd.isna(row.low) else f"{row.low:.3f} to {row.high:.3f}",
            "p": _p_value(row.p_value),
            "note": "" if pd.isna(row.note) else row.note,
        }
        for row in table.itertuples()
    ]
    return markdown(pd.DataFrame(rows), "User study: tests and agreement", "Two-sided tests.")


def validation_page(problems: pd.DataFrame, comments: pd.DataFrame, files: int, counted: int) -> str:
    """What was wrong with the files, and what participants wrote; free text is escaped."""
    text = f"{files} files, {counted} responses count. Every line names a file, the line in it, and what still counts."
    shown = problems.assign(line=problems["line"].astype("string").fillna("")).map(for_markdown)
    page = markdown(shown, "User study: problems with the files", text)
    if len(comments):
        page += "\n" + markdown(comments.map(for_markdown), "Comments", "As participants wrote them.")
    return page
