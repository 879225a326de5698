"""`defgan edit`: photographs and clips in, edited ones out."""

import sys
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from defgan.editing import DEFAULT, EDITORS
from defgan.editing.request import Request
from defgan.editing.video import EASE
from defgan.errors import UserError, one_line
from defgan.facs import PRESETS

if TYPE_CHECKING:
    from defgan.editing.inputs import Given
    from defgan.editing.plan import Outputs
    from defgan.records import Skipped

console, problems = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def edit(
    paths: Annotated[list[str], typer.Argument(help="Photographs, clips, folders with all below, or patterns.")],
    expression: Annotated[str | None, typer.Option("--expression", "-e", help=f"{', '.join(PRESETS)}.")] = None,
    neutral: Annotated[bool, typer.Option("--neutral", help="Remove the expression: --expression neutral.")] = False,
    strength: Annotated[float, typer.Option(help="From 0 (no change) to 1, or to 1.5 to exaggerate.")] = 1.0,
    au: Annotated[
        list[str] | None, typer.Option("--au", metavar="NAME=V", help="AU12=0.6 or smile=0.6; repeat it for several.")
    ] = None,
    relative: Annotated[bool, typer.Option("--relative", help="Add the values to the present AUs.")] = False,
    model: Annotated[str, typer.Option(help=f"One of {', '.join(EDITORS)}.")] = DEFAULT,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with NAME.safetensors and NAME.json; default: the project's own.")
    ] = None,
    face: Annotated[
        list[str] | None,
        typer.Option(
            help="largest, all, or a number from the left (`defgan faces` shows them), 2=happy for an expression of its"
            " own; repeat it for several; without it the photograph must show one face."
        ),
    ] = None,
    expressions: Annotated[Path | None, typer.Option(help="YAML file of your own; see `defgan expressions`.")] = None,
    like: Annotated[Path | None, typer.Option(help="Take the expression of the face in this photograph.")] = None,
    like_neutral: Annotated[
        Path | None, typer.Option(help="The same person without an expression: take what changes in that face.")
    ] = None,
    drive: Annotated[
        Path | None,
        typer.Option(
            help="Take an actor's expressions over time, from a clip or from a table (.csv) by OpenFace 2 or Py-Feat; a"
            " photograph becomes a clip. With --relative what changes in the actor's face is added."
        ),
    ] = None,
    sheet: Annotated[bool, typer.Option("--sheet", help="Make a sheet of the six expressions.")] = False,
    sweep: Annotated[int | None, typer.Option(metavar="N", min=2, help="Make a strip of N rising strengths.")] = None,
    animate: Annotated[Path | None, typer.Option(help="Make a film of the expression: out.gif or out.mp4.")] = None,
    save_parts: Annotated[
        bool, typer.Option("--save-parts", help="Also write the edit's parts: deformed image, grid, mask, texture.")
    ] = False,
    start: Annotated[float | None, typer.Option("--from", metavar="S", help="Clips: edit from this second on.")] = None,
    end: Annotated[float | None, typer.Option("--to", metavar="S", help="Clips: edit up to this second.")] = None,
    ease: Annotated[float, typer.Option(metavar="S", help="Clips: seconds in which the edit comes and goes.")] = EASE,
    keyframes: Annotated[
        Path | None, typer.Option(help="Clips: a CSV table of time and expression, strength or action units.")
    ] = None,
    device: Annotated[str, typer.Option(help="auto (a GPU if there is one), cpu or cuda.")] = "auto",
    output: Annotated[
        str | None,
        typer.Option("--output", "-o", help="A file, or a folder, which keeps the folders of the photographs."),
    ] = None,
    credentials: Annotated[
        str | None,
        typer.Option(
            metavar="PEM", help="Sign Content Credentials (C2PA) with the key and certificates in this file, or `test`."
        ),
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Show where in the program an unexpected error arose.")
    ] = False,
) -> None:
    """Edit the expressions of people in photographs and clips. The edit of photo.jpg is photo.happy.jpg beside it.

    Edits have the photograph's own resolution. Outside the face no pixel changes, but JPEG files and clips are
    encoded anew. No two photographs of a run share a file: where p.bmp and p.gif would, theirs are p.bmp.happy.png and
    p.gif.happy.png.
    """
    request = Request(**locals())
    request.check()
    # Torch and the networks take seconds to import, which --help does not need.
    from defgan.editing.plan import plan
    from defgan.editing.prepare import prepare

    photographs, skipped, job_of = prepare(request, _say, problems)
    planned = plan(photographs, lambda given, whole_name: job_of(given.path).outputs(given, whole_name), overwrite)
    _run(lambda path, outputs: job_of(path)(path, outputs), photographs, planned, skipped, debug)


def _say(line: str) -> None:
    console.print(escape(one_line(line)))


def _run(
    job: "Callable[[Path, Outputs], list[str]]",
    photographs: "Sequence[Given]",
    planned: "Sequence[Outputs | UserError]",
    skipped: "Skipped",
    debug: bool,
) -> None:
    """Edit every photograph and clip; name those that failed at the end, with exit code 1."""
    failed: list[str] = []
    pairs, count = zip(photographs, planned, strict=True), len(photographs)
    for given, outputs in track(pairs, "Editing", count, console=problems, transient=True) if count > 1 else pairs:
        try:
            if isinstance(outputs, UserError):
                raise outputs
            for line in job(given.path, outputs):
                _say(line)
        except UserError as error:
            failed.append(f"{given.path}: {error}")
        except MemoryError:
            failed.append(f"{given.path}: there is not enough memory for this photograph")
        except Exception as error:  # whatever it is, the other photographs are edited
            failed.append(f"{given.path}: an error in DefGAN, {type(error).__name__}: {error}; --debug shows where")
            if debug:
                problems.print(escape(traceback.format_exc()))
    for reason, number in skipped.counts.items():
        example = skipped.examples[reason]
        _say(f"{number} skipped, {reason}{': ' if number == 1 else ', such as '}{example}")
    if count != 1:
        console.print(f"{count - len(failed)} of {count} photographs edited")
    for line in failed:
        problems.print(f"[red]edit:[/red] {escape(one_line(line))}")
    if failed:
        sys.exit(1)
