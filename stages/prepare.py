"""Detect, align and crop the faces of one role's photographs, and estimate their AUs.

python -m stages.prepare train
"""

import time
from pathlib import Path

import typer

from defgan.datasets import read_dataset
from defgan.datasets.check import few_subjects
from defgan.faces.shards import prepare_faces
from stages.common import Role, console, stage, state_directory

PREPARED = Path("data/prepared")
MUCH_HELD_OUT = 0.2
"""A larger share of held-out faces than this deserves a warning."""


def prepare(role: Role) -> None:
    """Photographs of a role to data/prepared/ROLE."""
    started = time.monotonic()
    with stage("prepare", item=role) as (params, run):
        source = getattr(params.data, role)
        run.log_params({"seed": params.seed, "image_size": params.image_size, "data": {role: source.model_dump()}})
        run.log_params({"prepare": params.prepare.model_dump()})
        dataset = read_dataset(source.layout, source.path, source.views)
        _warn(role, few_subjects(dataset.records))
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
        _say(f"  {count} × {reason}")
    if summary.held_out:
        _say(f"  held out: {summary.held_out.total()} faces of {len(summary.held_out)} subjects")
    if dataset.skipped.counts:
        _say("  skipped, not counted as photographs:")
    for sentence in dataset.skipped.sentences():
        _say(f"    {sentence}")
    share = summary.held_out.total() / summary.faces
    if share > max(MUCH_HELD_OUT, 2 * params.prepare.val_share):
        _warn(role, f"{100 * share:.0f} % of the faces are held out, prepare.val_share is {params.prepare.val_share:g}:"
              " whole subjects are held out, and some have many photographs")  # fmt: skip


def _say(text: str) -> None:
    console.print(text, soft_wrap=True, markup=False, highlight=False)


def _warn(role: Role, text: str) -> None:
    if text:
        _say(f"prepare@{role}: warning: {text}")


def main() -> None:
    """Entry point of `python -m stages.prepare`."""
    typer.run(prepare)


if __name__ == "__main__":
    main()
