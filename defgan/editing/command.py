"""`defgan edit`: photographs in, edited photographs out."""

import glob
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import track

from defgan.editing import DEFAULT, EDITORS
from defgan.editing.video import EASE
from defgan.errors import UserError
from defgan.facs import PRESETS

console, problems = Console(highlight=False, soft_wrap=True), Console(stderr=True, highlight=False, soft_wrap=True)


def edit(
    paths: Annotated[list[str], typer.Argument(help="Photographs, clips, folders of them, or patterns in quotes.")],
    expression: Annotated[str | None, typer.Option("--expression", "-e", help=f"{', '.join(PRESETS)}.")] = None,
    neutral: Annotated[bool, typer.Option("--neutral", help="Remove the expression: --expression neutral.")] = False,
    strength: Annotated[float, typer.Option(help="From 0 (no change) to 1.")] = 1.0,
    au: Annotated[
        list[str] | None, typer.Option("--au", metavar="NAME=V", help="AU12=0.6 or smile=0.6; repeat it for several.")
    ] = None,
    relative: Annotated[bool, typer.Option("--relative", help="Add the values to the present AUs.")] = False,
    model: Annotated[str, typer.Option(help=f"One of {', '.join(EDITORS)}.")] = DEFAULT,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with NAME.safetensors and NAME.json; default: the project's own.")
    ] = None,
    face: Annotated[
        str, typer.Option(help="largest, all, or a number from the left; without it the photograph must show one face.")
    ] = "only",
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
    output: Annotated[Path | None, typer.Option("--output", "-o", help="A file or a folder.")] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace existing files.")] = False,
) -> None:
    """Edit the expressions of people in photographs and clips. The edit of photo.jpg is photo.happy.jpg beside it.

    Edits have the photograph's own resolution. Outside the face no pixel changes, but JPEG files and clips are encoded
    anew.
    """
    # Torch and the networks take seconds to import, which --help does not need.
    from defgan.editing.editor import Editor
    from defgan.editing.face_finder import parse_choice
    from defgan.editing.jobs import Job
    from defgan.editing.pictures import FILM_SIDE
    from defgan.editing.targets import NEUTRAL, make_target, parse_aus
    from defgan.editing.video.edit import is_moving
    from defgan.editing.video.job import ClipJob
    from defgan.editing.video.timeline import read_keyframes, steady
    from defgan.facs import EXPRESSIONS

    if neutral and expression is not None:
        raise UserError("give --neutral or --expression, not both")
    wanted, aus = NEUTRAL if neutral else expression, parse_aus(au or [])
    columns = tuple(make_target(name, None, strength, relative) for name in EXPRESSIONS) if sheet else ()
    # A sheet shows all expressions and needs no target; a table of keyframes holds its own.
    lone_sheet = sheet and wanted is None and not aus and sweep is None and animate is None
    if keyframes is not None and (wanted is not None or aus or start is not None or end is not None):
        raise UserError("--keyframes holds expressions and times: leave out --expression, --au, --from and --to")
    target = None if lone_sheet or keyframes is not None else make_target(wanted, aus, strength, relative)
    choice, (files, skipped) = parse_choice(face), photographs(paths)
    if animate is not None and animate.suffix.lower() not in FILM_SIDE:
        raise UserError(f"--animate {animate}: unknown format; use .gif or .mp4")
    if animate is not None and len(files) != 1:
        raise UserError(f"--animate needs one photograph, not {len(files)}")
    if output is not None and output.suffix and not output.is_dir() and (len(files) != 1 or (sheet and sweep)):
        raise UserError(f"--output {output} is one file; give a folder for several")
    moving = {path for path in files if is_moving(path)}
    if moving and (sheet or sweep is not None or animate is not None or save_parts):
        raise UserError(f"{min(moving)}: a clip has no --sheet, --sweep, --animate or --save-parts")
    if len(moving) < len(files) and (keyframes is not None or start is not None or end is not None):
        raise UserError("--keyframes, --from and --to are for clips, not for photographs")
    timeline = None
    if moving:
        timeline = steady(target, start, end, ease) if keyframes is None else read_keyframes(keyframes)
    editor = Editor.load(model, weights, device=device)
    job = Job(editor, target, choice, columns, sweep, animate, save_parts, output, overwrite)
    label = target.label if target else keyframes.stem if keyframes else ""
    clip_job = ClipJob(editor, timeline, label, problems, choice, output, overwrite)
    _run(lambda path: clip_job(path) if path in moving else job(path), files, skipped)


def _run(job: Callable[[Path], Iterator[str]], files: list[Path], skipped: int) -> None:
    """Edit every photograph; name those that failed at the end, with exit code 1."""
    failed: list[str] = []
    shown = track(files, "Editing", console=problems, transient=True) if len(files) > 1 else files
    for path in shown:
        try:
            for line in job(path):
                console.print(escape(line))
        except UserError as error:
            failed.append(f"{path}: {error}")
    if skipped:
        console.print(f"{skipped} skipped, which are edits already; name them one by one to edit them again")
    if len(files) > 1:
        console.print(f"{len(files) - len(failed)} of {len(files)} photographs edited")
    for line in failed:
        problems.print(f"[red]edit:[/red] {escape(line)}")
    if failed:
        sys.exit(1)


def photographs(paths: list[str]) -> tuple[list[Path], int]:
    """The photographs in files, folders and patterns, each once, and how many files were left out as edits.

    Edits that are named one by one are not left out. Raises UserError for a path that does not exist, and for a folder
    or a pattern without photographs.
    """
    from defgan.editing.image_file import is_edit
    from defgan.editing.video.clip import is_edited_clip

    files: dict[Path, None] = {}
    skipped = 0
    for text in paths:
        found = list(_listed(text))
        if not found and not Path(text).is_file():
            raise UserError(f"{text}: no photographs here")
        originals = [path for path in found if not (is_edit(path) or is_edited_clip(path))]
        skipped += len(found) - len(originals)
        files |= dict.fromkeys(originals if found else [Path(text)])
    return list(files), skipped


def _listed(text: str) -> Iterator[Path]:
    """Photographs in a folder or of a pattern, sorted by name; nothing for a single file."""
    from PIL import Image

    from defgan.editing.video.clip import READ

    if Path(text).is_file():
        return
    known = {*Image.registered_extensions(), *READ}
    if Path(text).is_dir():
        found = (path for path in Path(text).iterdir() if not path.name.startswith("."))
    elif glob.has_magic(text):
        found = map(Path, glob.glob(text, recursive=True))
    else:
        raise UserError(f"{text}: no such file")
    yield from sorted(path for path in found if path.is_file() and path.suffix.lower() in known)
