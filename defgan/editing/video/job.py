"""What `defgan edit` does where a clip comes out: it names the output, makes it and shows how far it is."""

import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.image_file import refuse_existing
from defgan.editing.inputs import Given
from defgan.editing.plan import Outputs
from defgan.editing.video.drive import Drive, drive_photograph
from defgan.editing.video.edit import edit_video, is_moving, output_suffix
from defgan.editing.video.timeline import Course

NEW = ".mp4"
"""Suffix of the clip that is made of a photograph."""


class _Rate(TextColumn):
    """Frames per second."""

    def __init__(self) -> None:
        super().__init__("")

    def render(self, task: Task) -> Text:
        return Text(f"{task.speed:.1f} frames/s" if task.speed else "")


def progress_bar(console: Console):
    """The `Progress` of `edit_video` that draws a bar with frames per second."""

    def show(items: Iterable, total: int, word: str) -> Iterator:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _Rate(), TimeRemainingColumn())
        with Progress(*columns, console=console, transient=True) as bar:
            yield from bar.track(items, total or None, description=word)

    return show


@dataclass(frozen=True)
class ClipJob:
    """The command's options for clips, and for photographs where an actor drives them; a call edits one."""

    editor: Editor
    timeline: Course
    label: str  # of the target, for the names of outputs
    console: Console  # of the progress bar
    face: str | int | tuple[int, ...] = "only"
    folder: Path | None = None  # for all edits; None: beside each clip
    file: Path | None = None  # for the one edit
    overwrite: bool = False

    def outputs(self, given: Given, whole_name: bool = False) -> Outputs:
        """The file that will be written; `plan` says when its whole name is kept."""
        if self.file is not None:
            return {"clip": self.file}
        path, model = given.path, "" if self.editor.name == DEFAULT else f".{self.editor.name}"
        folder = path.parent if self.folder is None else self.folder / given.below
        suffix = output_suffix(path) if is_moving(path) else NEW
        return {"clip": folder / f"{path.name if whole_name else path.stem}.{self.label}{model}{suffix}"}

    def __call__(self, path: Path, outputs: Outputs) -> list[str]:
        """Edit a clip or a photograph; a line for the file that is written.

        Raises UserError where that cannot be done.
        """
        output = outputs["clip"]
        refuse_existing(output, self.overwrite)
        started, show = time.perf_counter(), progress_bar(self.console)
        if isinstance(self.timeline, Drive) and not is_moving(path):
            summary = drive_photograph(self.editor, path, output, self.timeline, self.face, show)
        else:
            summary = edit_video(self.editor, path, output, self.timeline, self.face, show)
        return [f"{output}: {self.label}, {summary}, {time.perf_counter() - started:.1f} s"]
