"""Detect, align and crop the faces of one role's photographs, and estimate their AUs.

python -m stages.prepare train
"""

import time
from pathlib import Path

import typer

from defgan.datasets import read_dataset
from defgan.faces.shards import prepare_faces
from stages.common import Role, console, stage, state_directory

PREPARED = Path("data/prepared")


def prepare(role: Role) -> None:
    """Photographs of a role to data/prepared/ROLE."""
    started = time.monotonic()
    with stage("prepare", item=role) as (params, run):
        source = getattr(params.data, role)
        run.log_params({"seed": params.seed, "image_size": params.image_size, "data": {role: source.model_dump()}})
        run.log_params({"prepare": params.prepare.model_dump()})
        dataset = read_dataset(source.layout, source.path)
        directory, state = PREPARED / role, state_directory("prepare") / role
        summary = prepare_faces(
            dataset, role, source, params.image_size, params.prepare, params.seed, directory, state
        )  # fmt: skip
        rejects = summary.rejects.total()
        run.log_metrics({"faces": summary.faces, "rejects": rejects, "subjects": summary.subjects})
        run.log_artifact(directory / "contact_sheet.png")
    seconds = time.monotonic() - started
    console.print(
        f"prepare@{role}: {summary.faces} faces of {summary.subjects} subjects, {rejects} rejected"
        f" → {directory} ({seconds:.0f} s)",
        soft_wrap=True,
    )
    for reason, count in summary.rejects.most_common():
        console.print(f"  {count} × {reason}", soft_wrap=True, markup=False, highlight=False)


def main() -> None:
    """Entry point of `python -m stages.prepare`."""
    typer.run(prepare)


if __name__ == "__main__":
    main()
