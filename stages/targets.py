"""The target expressions: one AU vector per role, subject and expression (sec. 4.2, App. A).

python -m stages.targets
"""

from pathlib import Path

import typer

from defgan.faces.table import read_faces
from defgan.files import atomic_file
from defgan.plan import expression_targets
from stages.common import console, stage

PREPARED = Path("data/prepared")
TARGETS = Path("data/targets.parquet")
ACTED = ("mug", "rafd")
"""The roles whose people show every expression."""


def targets() -> None:
    """Prepared mug and rafd to data/targets.parquet."""
    with stage("targets") as (_, run):
        acted = {role: read_faces(PREPARED / role).frontal() for role in ACTED}
        table = expression_targets(acted)
        with atomic_file(TARGETS) as temporary:
            table.to_parquet(temporary, index=False)
        unlabelled = sum(int((faces.frame["expression"] == "").sum()) for faces in acted.values())
        subjects = table.groupby("role")["subject"].nunique().to_dict()
        run.log_metrics({"targets": len(table), "unlabelled": unlabelled, "subjects": subjects})
        run.log_artifact(TARGETS)
    people = ", ".join(f"{count} people of {name}" for name, count in subjects.items())
    console.print(
        f"targets: {len(table)} AU vectors, {people};"
        f" {unlabelled} photographs without an expression left out → {TARGETS}",
        soft_wrap=True,
    )


def main() -> None:
    """Entry point of `python -m stages.targets`."""
    typer.run(targets)


if __name__ == "__main__":
    main()
