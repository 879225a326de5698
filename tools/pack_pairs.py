"""Render a set of pairs for a training elsewhere: `python -m tools.pack_pairs --scenes 1200 -o FOLDER`.

Writes FOLDER/pairs.parquet with its data card and contact sheet. After a kill the same command goes on where it
stopped. It is no stage of the pipeline: nothing there depends on the set.
"""

import os
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track

from defgan.errors import plain_errors
from stages.common import console, state_directory


def pack_pairs(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the set; made where it is missing.")],
    scenes: Annotated[int, typer.Option(help="People, each in one light, pose and camera.")] = 1200,
    images: Annotated[int, typer.Option(help="AU vectors that each scene is rendered under.")] = 8,
    held_out: Annotated[int, typer.Option(help="Scenes at the end that methods do not learn from.")] = 60,
    image_size: Annotated[int, typer.Option(help="Side of the images, pixels.")] = 128,
    supersample: Annotated[int, typer.Option(help="Rays per pixel and axis.")] = 2,
    seed: Annotated[int, typer.Option(help="Another seed, other people.")] = 0,
) -> None:
    """Render pairs of images with the true motion between them."""
    started = time.monotonic()
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with plain_errors("pack_pairs"):
        from defgan.corpus.pairs import make_pairs
        from defgan.corpus.roles import Studio
        from defgan.corpus.scenes import available_cores, crew
        from defgan.pairs import read_pairs
        from defgan.report.pairs_card import write_card

        with console.status("the head model (its first use on a machine takes about a minute)"):
            studio = Studio()
        with crew(studio.head, available_cores()) as render:
            path = make_pairs(
                output, studio, render, scenes, images, held_out, seed, image_size, supersample, _bar,
                state_directory("pairs"),
            )  # fmt: skip
        made = (
            f"Rendered by `python -m tools.pack_pairs --scenes {scenes} --images {images} --held-out {held_out}"
            f" --image-size {image_size} --supersample {supersample} --seed {seed}`."
        )
        write_card(output, read_pairs(output), made)
    console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB ({time.monotonic() - started:.0f} s)", highlight=False)


def _bar(items: Iterable, total: int) -> Iterable:
    return track(items, description="pairs: scenes", total=total, console=console)


if __name__ == "__main__":
    typer.run(pack_pairs)
