"""Render pairs of images with the true motion between them, for supervised methods: `python -m stages.pairs`.

Writes data/pairs/pairs.parquet, and the data card and contact sheet reports/data/corpus/pairs.md and pairs.png. After a
kill only the scenes that are missing are rendered.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path

import typer
from rich.progress import track

from stages.common import console, stage, state_directory

PAIRS = Path("data/pairs")
CARDS = Path("reports/data/corpus")


def pairs() -> None:
    """params.corpus.pairs to data/pairs."""
    started = time.monotonic()
    # There is one process for each core: none may start threads of its own.
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with stage("pairs", "seed", "image_size", "corpus.supersample", "corpus.pairs") as (params, run):
        from defgan.corpus.pairs import make_pairs
        from defgan.corpus.roles import Studio
        from defgan.corpus.scenes import available_cores, crew
        from defgan.files import atomic_directory
        from defgan.pairs import read_pairs
        from defgan.report.pairs_card import write_card, write_empty_card

        wanted = params.corpus.pairs
        if not wanted.scenes:
            with atomic_directory(PAIRS):
                write_empty_card(CARDS, "None were rendered: `corpus.pairs.scenes` is 0.")
            console.print("pairs: none, since corpus.pairs.scenes is 0")
            return
        with console.status("pairs: the head model (its first use on a machine takes about a minute)"):
            studio = Studio()
        with crew(studio.head, available_cores()) as render:
            path = make_pairs(
                PAIRS, studio, render, wanted.scenes, wanted.images_per_scene, wanted.held_out, params.seed,
                params.image_size, params.corpus.supersample, _bar, state_directory("pairs"),
            )  # fmt: skip
        made = f"`{PAIRS}`, rendered by the stage `pairs`: seed {params.seed}, crops of {params.image_size} pixels."
        for written in write_card(CARDS, read_pairs(PAIRS), made):
            run.log_artifact(written)
        run.log_metrics({"scenes": wanted.scenes, "megabytes": path.stat().st_size / 1e6})
    console.print(
        f"pairs: {wanted.scenes} scenes of {wanted.images_per_scene} images → {path}"
        f" ({path.stat().st_size / 1e6:.1f} MB, {time.monotonic() - started:.0f} s)"
    )


def _bar(items: Iterable, total: int) -> Iterable:
    return track(items, description="pairs: scenes", total=total, console=console)


def main() -> None:
    """Entry point of `python -m stages.pairs`."""
    typer.run(pairs)


if __name__ == "__main__":
    main()
