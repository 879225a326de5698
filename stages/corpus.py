"""Render the embedded corpus: `python -m stages.corpus`.

Writes data/corpus/{train,wild,mug,rafd}: images, annotations.parquet (points, exact AUs) and the scenes. From a scene
the true image of its face under any other AUs can be rendered.
"""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import typer
from rich.progress import track

from defgan.files import atomic_directory, atomic_file
from stages.common import Role, console, stage

if TYPE_CHECKING:
    from defgan.params import Params
    from defgan.tracking import Run

CORPUS = Path("data/corpus")


def corpus() -> None:
    """params.corpus to data/corpus."""
    started = time.monotonic()
    # There is one process for each core: none may start threads of its own.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with stage("corpus") as (params, run):
        run.log_params({"seed": params.seed, "corpus": params.corpus.model_dump(exclude={"pairs"})})
        rendered = [role.value for role in Role if getattr(params.corpus, role).subjects]
        counts = {role.value: 0 for role in Role}
        for role in counts.keys() - {*rendered}:
            with atomic_directory(CORPUS / role):
                pass
        if rendered:  # else not even the head model is needed, which takes a minute to make
            counts |= _render(rendered, params, run)
        run.log_metrics({"images": counts})
    console.print(
        f"corpus: {', '.join(f'{count} {role}' for role, count in counts.items())} images"
        f" → {CORPUS} ({time.monotonic() - started:.0f} s)"
    )


def _render(roles: Sequence[str], params: Params, run: Run) -> dict[str, int]:
    """Render some roles; returns the number of images of each."""
    from defgan.corpus.roles import Studio, make_role
    from defgan.corpus.scenes import available_cores, contact_sheet, crew

    with console.status("corpus: the head model (its first use on a machine takes about a minute)"):
        studio = Studio()
    counts = {}
    with crew(studio.head, available_cores()) as render:
        for role in roles:
            wanted = getattr(params.corpus, role)
            counts[role] = make_role(
                CORPUS / role, role, studio, render, wanted.subjects, getattr(wanted, "images_per_subject", 1),
                params.seed, params.corpus.image_size, params.corpus.supersample, partial(_bar, role),
            )  # fmt: skip
            sheet = CORPUS / role / "contact_sheet.png"
            with atomic_file(sheet) as path:
                contact_sheet(CORPUS / role).save(path)
            run.log_artifact(sheet, role)
    return counts


def _bar(role: str, items: Iterable, total: int) -> Iterable:
    return track(items, description=f"corpus: {role}", total=total, console=console)


def main() -> None:
    """Entry point of `python -m stages.corpus`."""
    typer.run(corpus)


if __name__ == "__main__":
    main()
