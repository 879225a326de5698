"""From the files that participants hand in to Fig. 7, tables and tests."""

import json
from pathlib import Path

import pandas as pd

from defgan.errors import MissingInputError
from defgan.files import atomic_directory
from defgan.report.captions import CAPTIONS, as_text
from defgan.report.style import figure_style, save
from defgan.study import analysis, pages
from defgan.study.design import METHODS, STUDY
from defgan.study.fig_07 import CAPTION, votes_by_expression
from defgan.study.responses import Responses, Study, read_responses
from defgan.study.typed_text import for_csv

FIGURE = "fig_07_user_study"
NO_RESPONSES = "# User study\n\nNo responses yet, so no figure. docs/user_study.md says how to run the study.\n"


def read_studies(keys: Path) -> dict[str, Study]:
    """Both stages as they were handed out, by bundle id; raises MissingInputError where there is no answer key."""
    path = keys / STUDY
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; the study is not handed out yet")
    bundles = json.loads(path.read_text(encoding="utf-8"))["bundles"]
    return {
        bundle: Study(number, pd.read_csv(keys / f"stage{number}.csv", keep_default_na=False, dtype=str))
        for bundle, number in bundles.items()
    }


def _write_answers(responses: Responses, answers: Path) -> None:
    """Every answer that counts, every problem and every comment."""
    with atomic_directory(answers) as directory:
        for name in ("answers", "problems", "comments"):
            table = getattr(responses, name)
            typed = [
                column for column in table.columns if table[column].map(lambda value: isinstance(value, str)).any()
            ]
            table.assign(**{column: table[column].map(for_csv) for column in typed}).to_csv(
                directory / f"{name}.csv", index=False
            )
        counted = responses.answers["file"].nunique()
        page = pages.validation_page(responses.problems, responses.comments, responses.files, counted)
        (directory / "validation.md").write_text(page, encoding="utf-8")


def _write_report(responses: Responses, reports: Path) -> dict[str, float]:
    """Figure, tables and tests; return the numbers for the record of the run."""
    rated, compared = responses.stage(1), responses.stage(2)
    numbers, tests = {}, []
    with atomic_directory(reports) as directory, figure_style():

        def write(name: str, page: str, table: pd.DataFrame) -> None:
            table.to_csv(directory / f"{name}.csv", index=False)
            (directory / f"{name}.md").write_text(page, encoding="utf-8")

        if responses.answers.empty:
            (directory / "votes.md").write_text(NO_RESPONSES, encoding="utf-8")
            return numbers
        if len(rated):
            participants = rated["participant"].nunique()
            table = analysis.plausibility(rated)
            write("plausibility", pages.plausibility_page(table, participants), table)
            tests += analysis.rated_tests(rated)
            numbers |= {"stage1.participants": participants, "stage1.mean": float(table["mean"].iloc[-1])}
        if len(compared):
            participants = compared["participant"].nunique()
            table = analysis.votes(compared)
            write("votes", pages.votes_page(table, participants), table)
            tests += analysis.compared_tests(compared)
            save(votes_by_expression(table, participants), directory, FIGURE, photographs=False)
            (directory / CAPTIONS).write_text(as_text({FIGURE: CAPTION}), encoding="utf-8")
            of_first = table[(table["expression"] == analysis.ALL) & (table["method"] == METHODS[0])]
            share = float(of_first["share"].iloc[0])
            numbers |= {"stage2.participants": participants, f"stage2.share_{METHODS[0]}": share}
        table = analysis.tests(tests)
        write("tests", pages.tests_page(table), table)
        analysis.by_question(responses.answers).to_csv(directory / "questions.csv", index=False)
    return numbers


def evaluate_responses(
    directory: str | Path, keys: Path, answers: Path, reports: Path
) -> tuple[Responses, dict[str, float]]:
    """Read all responses and write the results; return the responses and the numbers for the record of the run.

    Args:
        directory: folder of the files that participants handed in.
        keys: folder of the answer keys.
        answers: where every answer, problem and comment goes: personal data.
        reports: where Fig. 7, tables and tests go; without responses a page that says so.

    Raises:
        UserError: the folder of the responses or the answer key is missing.
    """
    responses = read_responses(directory, read_studies(keys))
    _write_answers(responses, answers)
    return responses, _write_report(responses, reports)
