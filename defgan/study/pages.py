"""The user study's results as Markdown pages."""

import pandas as pd

from defgan import methods
from defgan.report.markup import markdown
from defgan.study.analysis import ALL, PLAUSIBLE_MEAN, PLAUSIBLE_RATING
from defgan.study.typed_text import for_markdown


def _number(value: float, digits: int, percent: bool = False) -> str:
    if pd.isna(value):
        return "–"
    return f"{100 * value:.0f} %" if percent else f"{value:.{digits}f}"


def _p_value(value: float) -> str:
    return "–" if pd.isna(value) else "< 0.0001" if value < 1e-4 else f"{value:.4f}"


def _label(method: str) -> str:
    return method if method == ALL else methods.get(method).label


def votes_page(table: pd.DataFrame, participants: int) -> str:
    """Stage 2 as a Markdown page; `table` is as of `defgan.study.analysis.votes`."""
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
        f"{participants} participants. Intervals and binomial tests take all votes as independent. Votes of one"
        " participant, and votes on one face, are not independent: see also the mixed model in tests.csv."
    )
    return markdown(pd.DataFrame(rows), "User study, stage 2: votes (Fig. 7)", text)


def plausibility_page(table: pd.DataFrame, participants: int) -> str:
    """Stage 1 as a Markdown page; `table` is as of `defgan.study.analysis.plausibility`."""
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
    """The tests as a Markdown page; `table` is as of `defgan.study.analysis.tests`."""
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
    """Problems with the files, and participants' comments, as a Markdown page; typed text is escaped."""
    text = f"{files} files, {counted} responses count. Every row names a file, a line of it, and what still counts."
    shown = problems.assign(line=problems["line"].astype("string").fillna("")).map(for_markdown)
    page = markdown(shown, "User study: problems with the files", text)
    if len(comments):
        page += "\n" + markdown(comments.map(for_markdown), "Comments", "As participants wrote them.")
    return page
