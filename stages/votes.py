"""What the participants say (sec. 4.4): `python -m stages.votes`.

Reads the files in the folder `user_study.responses` and the answer key; writes reports/votes (Fig. 7, tables, tests)
and data/votes (every answer that counts, every problem, comments: personal data, which git ignores).
"""

import json
from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from defgan.errors import UserError
from defgan.files import atomic_directory
from defgan.report import votes as report
from defgan.report.style import figure_style, save
from defgan.study import analysis
from defgan.study.responses import Responses, Study, read_responses
from stages.common import console, stage

KEYS = Path("data/user_study")
ANSWERS = Path("data/votes")
REPORTS = Path("reports/votes")
MOST_SHOWN = 20
"""Problems that are printed; the table has all."""
NO_RESPONSES = "# User study\n\nNo responses yet, so no figure. docs/user_study.md says how to run the study.\n"


def read_studies() -> dict[str, Study]:
    """The two stages as they were handed out, by bundle id."""
    if not (KEYS / "study.json").is_file():
        raise UserError(f"{KEYS}: no study.json here; run `dvc repro user_study` first")
    bundles = json.loads((KEYS / "study.json").read_text(encoding="utf-8"))["bundles"]
    return {
        bundle: Study(number, pd.read_csv(KEYS / f"stage{number}.csv", keep_default_na=False, dtype=str))
        for bundle, number in bundles.items()
    }


def write_answers(responses: Responses) -> None:
    """Every answer that counts, every problem and comment to data/votes."""
    with atomic_directory(ANSWERS) as directory:
        for name in ("answers", "problems", "comments"):
            table = getattr(responses, name)
            typed = [
                column for column in table.columns if table[column].map(lambda value: isinstance(value, str)).any()
            ]
            table.assign(**{column: table[column].map(report.for_csv) for column in typed}).to_csv(
                directory / f"{name}.csv", index=False
            )
        counted = responses.answers["file"].nunique()
        page = report.validation_page(responses.problems, responses.comments, responses.files, counted)
        (directory / "validation.md").write_text(page, encoding="utf-8")


def write_report(responses: Responses) -> dict[str, float]:
    """Figure, tables and tests to reports/votes; return the numbers worth a record."""
    rated, compared = responses.stage(1), responses.stage(2)
    made_up = bool(responses.answers["made_up"].any())
    numbers, tests = {}, []
    with atomic_directory(REPORTS) as directory, figure_style():

        def write(name: str, page: str, table: pd.DataFrame) -> None:
            table.to_csv(directory / f"{name}.csv", index=False)
            (directory / f"{name}.md").write_text(page, encoding="utf-8")

        if responses.answers.empty:
            (directory / "votes.md").write_text(NO_RESPONSES, encoding="utf-8")
            return numbers
        if len(rated):
            participants = rated["participant"].nunique()
            table = analysis.plausibility(rated)
            write("plausibility", report.plausibility_page(table, participants), table)
            tests += analysis.rated_tests(rated)
            numbers |= {"stage1.participants": participants, "stage1.mean": float(table["mean"].iloc[-1])}
        if len(compared):
            participants = compared["participant"].nunique()
            table = analysis.votes(compared)
            write("votes", report.votes_page(table, participants), table)
            tests += analysis.compared_tests(compared)
            figure = report.votes_by_expression(table, participants, made_up)
            save(figure, directory, "fig_07_user_study", photographs=False)
            numbers |= {"stage2.participants": participants, "stage2.share_defgan": overall_share(table)}
        table = analysis.tests(tests)
        write("tests", report.tests_page(table), table)
        analysis.by_question(responses.answers).to_csv(directory / "questions.csv", index=False)
    return numbers


def overall_share(table: pd.DataFrame) -> float:
    """DefGAN's share of all votes."""
    return float(table[(table["expression"] == analysis.ALL) & (table["method"] == "defgan")]["share"].iloc[0])


def evaluate_responses(directory: str, made_up: bool = False) -> tuple[Responses, dict[str, float]]:
    """Read the responses below a folder and write everything that follows from them.

    Made-up responses count only where `made_up` says so.
    """
    if not Path(directory).is_dir():
        raise UserError(
            f"user_study.responses: {directory} is not a folder; make it, or name the one with the responses"
        )
    responses = read_responses(directory, read_studies(), made_up)
    write_answers(responses)
    return responses, write_report(responses)


def votes() -> None:
    """Evaluate what came back; without responses, say so."""
    with stage("votes", "user_study") as (params, run):
        folder = params.user_study.responses
        responses, numbers = evaluate_responses(folder)
        run.log_metrics({"files": responses.files, "problems": len(responses.problems), **numbers})
        run.log_artifact(REPORTS)
        for problem in responses.problems.head(MOST_SHOWN).itertuples():
            line = "" if pd.isna(problem.line) else f":{problem.line}"
            said = report.one_line(f"{problem.file}{line}: {problem.problem}; counts: {problem.counts}")
            console.print(f"  [yellow]{escape(said)}[/yellow]", highlight=False, soft_wrap=True)
        if responses.answers.empty:
            console.print(
                f"votes: no responses in {escape(folder)} count ({responses.files} files), so no figure",
                highlight=False,
            )
            return
        counted = responses.answers.groupby("stage")["participant"].nunique()
        said = ", ".join(f"stage {number}: {count} participants" for number, count in counted.items())
        console.print(
            f"votes: {said}; {responses.files} files, {len(responses.problems)} problems ({ANSWERS}/validation.md)"
            f" → {REPORTS}",
            highlight=False,
        )


def main() -> None:
    typer.run(votes)


if __name__ == "__main__":
    main()
