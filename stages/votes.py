"""The evaluation of the user study's answers (sec. 4.4): `python -m stages.votes`.

Reads the files in the folder `user_study.responses` and the answer key. Writes reports/votes (Fig. 7, tables, tests)
and data/votes (every answer that counts, every problem, comments: personal data, which git ignores).
"""

from pathlib import Path

import pandas as pd
import typer
from rich.markup import escape

from defgan.study.results import evaluate_responses
from defgan.study.typed_text import one_line
from stages.common import console, stage

KEYS = Path("data/user_study")
ANSWERS = Path("data/votes")
REPORTS = Path("reports/votes")
MOST_SHOWN = 20
"""Problems that are printed; the table has all."""


def votes() -> None:
    """Evaluate the responses; without any, say so."""
    with stage("votes", "user_study") as (params, run):
        folder = params.user_study.responses
        responses, numbers = evaluate_responses(folder, KEYS, ANSWERS, REPORTS)
        run.log_metrics({"files": responses.files, "problems": len(responses.problems), **numbers})
        run.log_artifact(REPORTS)
        for problem in responses.problems.head(MOST_SHOWN).itertuples():
            line = "" if pd.isna(problem.line) else f":{problem.line}"
            said = one_line(f"{problem.file}{line}: {problem.problem}; counts: {problem.counts}")
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
