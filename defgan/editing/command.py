"""`defgan edit`: photographs in, edited photographs out."""

import glob
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from defgan.errors import UserError

if TYPE_CHECKING:
    from defgan.editing.jobs import Job

console, problems = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def edit(
    paths: Annotated[list[str], typer.Argument(help="Photographs, folders of them, or patterns in quotes.")],
    expression: Annotated[
        str | None, typer.Option("--expression", "-e", help="anger, contempt, disgust, fear, happy, sad, surprise.")
    ] = None,
    neutral: Annotated[bool, typer.Option("--neutral", help="Take the expression away.")] = False,
    strength: Annotated[float, typer.Option(help="From 0, as it is, to 1.")] = 1.0,
    au: Annotated[
        list[str] | None, typer.Option("--au", metavar="NAME=V", help="AU12=0.6 or smile=0.6; repeat for several.")
    ] = None,
    relative: Annotated[bool, typer.Option("--relative", help="Add to what is there.")] = False,
    model: Annotated[str, typer.Option(help="defgan or ganimation.")] = "defgan",
    weights: Annotated[Path | None, typer.Option(help="Folder of NAME.safetensors and NAME.json.")] = None,
    face: Annotated[
        str, typer.Option(help="largest, all, or a number from the left; without it there must be one face.")
    ] = "only",
    sheet: Annotated[bool, typer.Option("--sheet", help="A sheet of the six expressions.")] = False,
    sweep: Annotated[int | None, typer.Option(metavar="N", min=2, help="A strip of N rising strengths.")] = None,
    animate: Annotated[Path | None, typer.Option(help="A film of the expression: out.gif or out.mp4.")] = None,
    save_parts: Annotated[
        bool, typer.Option("--save-parts", help="Also what the edit is made of: deformed, mask, grid, texture.")
    ] = False,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file, or a folder.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace files that are there already.")] = False,
) -> None:
    """Edit the expression of the people in photographs; photo.jpg becomes photo.happy.jpg beside it.

    The edit is made at the photograph's own resolution; outside the face not a pixel changes (JPEG is encoded anew).
    """
    # Torch and the networks take seconds to import: not for --help.
    from defgan.editing.editor import Editor
    from defgan.editing.faces import parse_choice
    from defgan.editing.jobs import Job
    from defgan.editing.pictures import FILM_SIDE
    from defgan.editing.targets import NEUTRAL, make_target, parse_aus
    from defgan.facs import EXPRESSIONS

    if neutral and expression is not None:
        raise UserError("--neutral and --expression exclude each other")
    wanted, aus = NEUTRAL if neutral else expression, parse_aus(au or [])
    columns = tuple(make_target(name, None, strength, relative) for name in EXPRESSIONS) if sheet else ()
    # A sheet needs no target: it shows all expressions.
    lone_sheet = sheet and wanted is None and not aus and sweep is None and animate is None
    target = None if lone_sheet else make_target(wanted, aus, strength, relative)
    choice, (files, skipped) = parse_choice(face), photographs(paths)
    if animate is not None and animate.suffix.lower() not in FILM_SIDE:
        raise UserError(f"--animate {animate}: no such kind of film; end it in .gif or .mp4")
    if animate is not None and len(files) != 1:
        raise UserError(f"--animate makes one film of one photograph, not of {len(files)}")
    if output is not None and output.suffix and not output.is_dir() and (len(files) != 1 or (sheet and sweep)):
        raise UserError(f"--output {output} names one file; give a folder for several")
    editor = Editor.load(model, weights)
    _run(Job(editor, target, choice, columns, sweep, animate, save_parts, output, overwrite), files, skipped)


def _run(job: "Job", files: list[Path], skipped: int) -> None:
    """Every photograph in turn; those that fail are named at the end, and the exit code is 1."""
    failed: list[str] = []
    shown = track(files, "Editing", console=problems, transient=True) if len(files) > 1 else files
    for path in shown:
        try:
            for line in job(path):
                console.print(escape(line))
        except UserError as error:
            failed.append(f"{path}: {error}")
    if skipped:
        console.print(f"{skipped} skipped: they are edits already; name them one by one to edit them again")
    if len(files) > 1:
        console.print(f"{len(files) - len(failed)} of {len(files)} photographs edited")
    for line in failed:
        problems.print(f"[red]edit:[/red] {escape(line)}")
    if failed:
        sys.exit(1)


def photographs(paths: list[str]) -> tuple[list[Path], int]:
    """The files that are meant, each once, and how many edits were left out of folders and patterns.

    Raises UserError for a folder or a pattern without a photograph. A file that does not exist is kept: it is one
    failure among others.
    """
    from defgan.editing.photographs import is_edit

    files: dict[Path, None] = {}
    skipped = 0
    for text in paths:
        found = list(_listed(text))
        if not found and not Path(text).is_file():
            raise UserError(f"{text}: no photographs here")
        originals = [path for path in found if not is_edit(path)]
        skipped += len(found) - len(originals)
        files |= dict.fromkeys(originals if found else [Path(text)])
    return list(files), skipped


def _listed(text: str) -> Iterator[Path]:
    """Photographs in a folder or of a pattern, by name; nothing for a single file."""
    from PIL import Image

    if Path(text).is_file():
        return
    known = Image.registered_extensions()
    if Path(text).is_dir():
        found = (path for path in Path(text).iterdir() if not path.name.startswith("."))
    elif glob.has_magic(text):
        found = map(Path, glob.glob(text, recursive=True))
    else:
        raise UserError(f"{text}: no such file")
    yield from sorted(path for path in found if path.is_file() and path.suffix.lower() in known)
