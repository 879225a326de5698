"""Decide which face is edited to which expression: `python -m stages.plan`."""

from pathlib import Path

import pandas as pd
import typer

from defgan.errors import MissingInputError
from defgan.faces.table import read_faces
from defgan.files import atomic_file
from defgan.plan import plan_edits
from stages.common import console, stage

PREPARED = Path("data/prepared")
TARGETS = Path("data/targets.parquet")
PLAN = Path("data/plan.parquet")


def plan() -> None:
    """Prepared wild and rafd faces and targets to data/plan.parquet."""
    with stage("plan") as (params, run):
        run.log_params({"seed": params.seed, "plan": params.plan.model_dump()})
        if not TARGETS.is_file():
            raise MissingInputError(f"{TARGETS}: no such file")
        wild, rafd = read_faces(PREPARED / "wild"), read_faces(PREPARED / "rafd").frontal()
        edits = plan_edits(wild, rafd, pd.read_parquet(TARGETS), params.plan, params.seed)
        with atomic_file(PLAN) as temporary:
            edits.to_parquet(temporary, index=False)
        counts = edits["set"].value_counts(sort=False).to_dict()
        run.log_metrics({"edits": counts})
        run.log_artifact(PLAN)
    console.print(
        f"plan: {', '.join(f'{count} {name}' for name, count in counts.items())} edits → {PLAN}", soft_wrap=True
    )


def main() -> None:
    """Entry point of `python -m stages.plan`."""
    typer.run(plan)


if __name__ == "__main__":
    main()
