"""`defgan edit`: photographs and clips in, edited ones out."""

import os
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
    # Torch and the networks take seconds to import, which --help does not need.
    from defgan.editing.editor import Editor
    from defgan.editing.face_finder import parse_choices
    from defgan.editing.inputs import find_photographs
    from defgan.editing.jobs import Job
    from defgan.editing.likeness import in_words, read_likeness
    from defgan.editing.pictures import FILM_SIDE
    from defgan.editing.plan import plan
    from defgan.editing.targets import NEUTRAL, make_target, parse_aus, parse_faces
    from defgan.editing.video.drive import read_drive
    from defgan.editing.video.edit import is_moving
    from defgan.editing.video.job import ClipJob, progress_bar
    from defgan.editing.video.timeline import read_keyframes, steady
    from defgan.editing.words import read_expressions
    from defgan.facs import EXPRESSIONS

    if neutral and expression is not None:
        raise UserError("give --neutral or --expression, not both")
    wanted, aus = NEUTRAL if neutral else expression, parse_aus(au or [])
    own = read_expressions(expressions) if expressions else PRESETS
    group = parse_faces(face or [], strength, relative, own)
    if sum((like is not None, group is not None, wanted is not None or bool(aus))) > 1:
        raise UserError("give one of --like, --face N=EXPRESSION, and --expression with --au")
    if keyframes is not None and (wanted or aus or group or like or start is not None or end is not None):
        raise UserError("--keyframes holds expressions and times: leave out other expressions, --from and --to")
    timed = keyframes is not None or start is not None or end is not None
    if drive is not None and (timed or wanted or aus or group or like is not None):
        raise UserError("--drive has expressions and times: leave out other expressions, --keyframes, --from and --to")
    if drive is not None and (sheet or sweep or animate or save_parts or credentials):
        raise UserError("--drive makes clips: leave out --sheet, --sweep, --animate, --save-parts and --credentials")
    if like_neutral is not None and like is None:
        raise UserError("--like-neutral needs --like")
    if like is not None and relative:
        raise UserError("--like stands without --relative; --like-neutral makes it relative to that person")
    pictured = [name for name, given in (("--sheet", sheet), ("--sweep", sweep), ("--animate", animate)) if given]
    if pictured == ["--sheet"] and (wanted is not None or aus or group or like):
        raise UserError(
            "--sheet shows all six expressions: leave out --expression, --neutral, --au, --like, --face N=…, or --sheet"
        )
    if pictured and save_parts:
        raise UserError(f"--save-parts belongs to a single edit: leave it out, or {pictured[0]}")
    if animate is not None and credentials is not None:
        raise UserError("--credentials are for photographs, not for films: leave out --animate")
    if pictured == ["--animate"] and output is not None:
        raise UserError("--animate names the film's file: leave out --output")
    if animate is not None and animate.suffix.lower() not in FILM_SIDE:
        raise UserError(f"--animate {animate}: unknown format; use .gif or .mp4")
    columns = tuple(make_target(name, None, strength, relative) for name in EXPRESSIONS) if sheet else ()
    untold = like is not None or keyframes is not None or drive is not None or pictured == ["--sheet"]
    target = group or (None if untold else make_target(wanted, aus, strength, relative, own))
    if not group and target is not None and target.expression == NEUTRAL and relative:
        raise UserError("neutral with --relative would add nothing: leave out one of them")
    choice = tuple(group.targets) if group else parse_choices(face or [])
    photographs, skipped = find_photographs(paths)
    moving = {each.path for each in photographs if not each.reject and is_moving(each.path)}
    if moving and (pictured or save_parts or group or credentials):
        raise UserError(
            f"{min(moving)}: a clip has no --sheet, --sweep, --animate, --save-parts, --face N=… or --credentials"
        )
    if len(moving) < len(photographs) and timed:
        raise UserError("--keyframes, --from and --to are for clips, not for photographs")
    file = _file(output, clip=drive is not None or len(moving) == len(photographs))
    if animate is not None and len(photographs) != 1:
        raise UserError(f"--animate needs one photograph, not {len(photographs)}")
    if file is not None and (len(photographs) != 1 or (sheet and sweep)):
        raise UserError(f"--output {output} is one file; a folder for several ends with a slash: {output}{os.sep}")
    signer = None
    if credentials is not None:
        from defgan.editing.credentials import load_credentials

        signer = load_credentials(credentials)
    course = read_keyframes(keyframes, own) if keyframes is not None else None
    editor = None if all(each.reject for each in photographs) else Editor.load(model, weights, device=device)
    if like is not None and editor is not None:
        target = read_likeness(editor.find, like, like_neutral, strength)
        console.print(escape(one_line(f"{like}: {in_words(target)}")))
    if drive is not None and editor is not None:
        course = read_drive(editor.find, drive, strength, relative, progress_bar(problems))
        console.print(escape(one_line(f"{drive}: {course}")))
    folder = Path(output) if output is not None and file is None else None
    job = Job(editor, target, choice, columns, sweep, animate, save_parts, folder, file, overwrite, signer)
    clip_job = None
    if moving or course is not None:
        label = target.label if target else f"drive-{drive.stem}" if drive is not None else keyframes.stem
        clip_job = ClipJob(
            editor, course or steady(target, start, end, ease), label, problems, choice, folder, file, overwrite
        )

    def job_of(path: Path) -> Job | ClipJob:
        return clip_job if path in moving or drive is not None else job

    planned = plan(photographs, lambda given, whole_name: job_of(given.path).outputs(given, whole_name), overwrite)
    _run(lambda path, outputs: job_of(path)(path, outputs), photographs, planned, skipped, debug)


def _file(output: str | None, clip: bool) -> Path | None:
    """The file that --output names; None where it names a folder. Raises UserError for a format that is not written."""
    from defgan.editing.image_file import FORMATS
    from defgan.editing.video import animation
    from defgan.editing.video.clip import ENCODERS

    path = Path(output or "")
    if not path.suffix or output.endswith(os.sep) or path.is_dir():
        return None
    formats = (*ENCODERS, *animation.FORMATS) if clip else tuple(FORMATS)
    if path.suffix.lower() not in formats:
        known = ", ".join(formats)
        raise UserError(f"{output}: unknown format; use one of {known}; a folder ends with a slash: {output}{os.sep}")
    return path


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
                console.print(escape(one_line(line)))
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
        console.print(escape(one_line(f"{number} skipped, {reason}{': ' if number == 1 else ', such as '}{example}")))
    if count != 1:
        console.print(f"{count - len(failed)} of {count} photographs edited")
    for line in failed:
        problems.print(f"[red]edit:[/red] {escape(one_line(line))}")
    if failed:
        sys.exit(1)
