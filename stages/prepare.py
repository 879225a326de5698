"""Detect, align and crop the faces of one role's photographs and read their action units.

python -m stages.prepare train
"""

import time
from enum import StrEnum
from pathlib import Path

import typer
from PIL import Image

from defgan.datasets import read_dataset
from defgan.faces.preparation import contact_sheet, prepare_faces
from defgan.faces.table import write_faces
from defgan.files import atomic_file
from stages.common import console, stage

PREPARED = Path("data/prepared")


class Role(StrEnum):
    train = "train"
    wild = "wild"
    mug = "mug"
    rafd = "rafd"


def prepare(role: Role) -> None:
    """Photographs of a role to data/prepared/ROLE."""
    started = time.monotonic()
    with stage(f"prepare@{role}") as (params, run):
        source = getattr(params.data, role)
        run.log_params({"seed": params.seed, "image_size": params.image_size, "data": {role: source.model_dump()}})
        run.log_params({"prepare": params.prepare.model_dump()})
        dataset = read_dataset(source.dataset, source.path)
        prepared = prepare_faces(dataset, role, source, params.image_size, params.prepare, params.seed)
        directory = PREPARED / role
        write_faces(directory, prepared.frame, prepared.pixels, prepared.rejects)
        sheet = directory / "contact_sheet.png"
        with atomic_file(sheet) as temporary:
            Image.fromarray(contact_sheet(prepared.pixels)).save(temporary)
        faces, rejects = len(prepared.frame), len(prepared.rejects)
        subjects = prepared.frame["subject"].nunique()
        run.log_metrics({"faces": faces, "rejects": rejects, "subjects": subjects})
        run.log_artifact(sheet)
    console.print(
        f"prepare@{role}: {faces} faces of {subjects} subjects, {rejects} rejected"
        f" → {directory} ({time.monotonic() - started:.0f} s)",
        soft_wrap=True,
    )


def main() -> None:
    """Entry point of `python -m stages.prepare`."""
    typer.run(prepare)


if __name__ == "__main__":
    main()
