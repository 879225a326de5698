"""From the options of `defgan edit` to the jobs that edit its photographs and clips."""

import os
from collections.abc import Callable, Collection, Sequence
from pathlib import Path

from rich.console import Console

from defgan.editing.editor import Editor
from defgan.editing.face_finder import parse_choices
from defgan.editing.image_file import FORMATS
from defgan.editing.inputs import Given, find_photographs
from defgan.editing.jobs import Job
from defgan.editing.likeness import in_words, read_likeness
from defgan.editing.pictures import FILM_SIDE
from defgan.editing.request import NOT_FOR_CLIPS, ONLY_FOR_CLIPS, Request
from defgan.editing.targets import NEUTRAL, GroupTarget, Target, make_target, parse_aus, parse_faces
from defgan.editing.video import animation
from defgan.editing.video.clip import ENCODERS
from defgan.editing.video.drive import read_drive
from defgan.editing.video.edit import is_moving
from defgan.editing.video.job import ClipJob, progress_bar
from defgan.editing.video.timeline import read_keyframes, steady
from defgan.editing.words import Expressions, read_expressions
from defgan.errors import UserError
from defgan.facs import EXPRESSIONS, PRESETS
from defgan.records import Skipped


def prepare(
    request: Request, say: Callable[[str], None], bars: Console
) -> tuple[Sequence[Given], Skipped, Callable[[Path], Job | ClipJob]]:
    """The photographs and clips, what lies beside them, and the job of each.

    Args:
        request: options that do not exclude each other.
        say: shows a line, such as the action units that were read.
        bars: where progress is shown.

    Raises:
        UserError: a value that is unknown or out of range, or an option that does not suit the photographs or clips.
    """
    own = read_expressions(request.expressions) if request.expressions else PRESETS
    target = _target(request, own)
    shown = EXPRESSIONS if request.sheet else ()
    columns = tuple(make_target(name, None, request.strength, request.relative) for name in shown)
    choice = tuple(target.targets) if isinstance(target, GroupTarget) else parse_choices(request.face or [])
    photographs, skipped = find_photographs(request.paths)
    moving = {each.path for each in photographs if not each.reject and is_moving(each.path)}
    _check_inputs(request, photographs, moving)
    driven = request.drive is not None
    file = _file(request, len(photographs), clip=driven or len(moving) == len(photographs))
    folder = Path(request.output) if request.output is not None and file is None else None
    signer = None
    if request.credentials is not None:
        from defgan.editing.credentials import load_credentials  # its packages are an extra

        signer = load_credentials(request.credentials)
    course = read_keyframes(request.keyframes, own) if request.keyframes is not None else None
    editor = None
    if not all(each.reject for each in photographs):
        editor = Editor.load(request.model, request.weights, device=request.device)
        if request.like is not None:
            target = read_likeness(editor.find, request.like, request.like_neutral, request.strength)
            say(f"{request.like}: {in_words(target)}")
        if driven:
            course = read_drive(editor.find, request.drive, request.strength, request.relative, progress_bar(bars))
            say(f"{request.drive}: {course}")
    job = Job(
        editor, target, choice, columns, request.sweep, request.animate, request.save_parts,
        folder, file, request.overwrite, signer,
    )  # fmt: skip
    if not moving and course is None:
        return photographs, skipped, lambda path: job
    label = target.label if target else f"drive-{request.drive.stem}" if driven else request.keyframes.stem
    course = course or steady(target, request.start, request.end, request.ease)
    clip_job = ClipJob(editor, course, label, bars, choice, folder, file, request.overwrite)
    return photographs, skipped, lambda path: clip_job if driven or path in moving else job


def _target(request: Request, own: Expressions) -> Target | GroupTarget | None:
    """What words and action units ask for; None where a face, a table or an actor says it, or a sheet shows all."""
    group = parse_faces(request.face or [], request.strength, request.relative, own)
    if group or request.picture == "sheet" or request.given & {"like", "keyframes", "drive"}:
        return group
    expression = NEUTRAL if request.neutral else request.expression
    target = make_target(expression, parse_aus(request.au or []), request.strength, request.relative, own)
    if target.expression == NEUTRAL and request.relative:
        raise UserError("neutral with --relative would add nothing: leave out one of them")
    return target


def _check_inputs(request: Request, photographs: Sequence[Given], moving: Collection[Path]) -> None:
    if moving and request.given & NOT_FOR_CLIPS:
        raise UserError(
            f"{min(moving)}: a clip has no --sheet, --sweep, --animate, --save-parts, --face N=… or --credentials"
        )
    if len(moving) < len(photographs) and request.given & ONLY_FOR_CLIPS:
        raise UserError("--keyframes, --from and --to are for clips, not for photographs")
    if request.animate is not None:
        if request.animate.suffix.lower() not in FILM_SIDE:
            raise UserError(f"--animate {request.animate}: unknown format; use .gif or .mp4")
        if len(photographs) != 1:
            raise UserError(f"--animate needs one photograph, not {len(photographs)}")


def _file(request: Request, count: int, clip: bool) -> Path | None:
    """The file that --output names; None where it names a folder."""
    output = request.output
    path = Path(output or "")
    if not path.suffix or output.endswith(os.sep) or path.is_dir():
        return None
    formats = (*ENCODERS, *animation.FORMATS) if clip else tuple(FORMATS)
    if path.suffix.lower() not in formats:
        known = ", ".join(formats)
        raise UserError(f"{output}: unknown format; use one of {known}; a folder ends with a slash: {output}{os.sep}")
    if count != 1 or (request.sheet and request.sweep):
        raise UserError(f"--output {output} is one file; a folder for several ends with a slash: {output}{os.sep}")
    return path
