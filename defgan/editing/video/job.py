"""What `defgan edit` does with a clip or an animation: it names the output, edits it and shows how far it is."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from defgan.editing import DEFAULT
from defgan.editing.editor import Editor
from defgan.editing.video.edit import edit_video, output_suffix
from defgan.editing.video.timeline import Timeline
from defgan.errors import UserError


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
    """The command's options for clips, checked; a call edits one."""

    editor: Editor
    timeline: Timeline
    label: str  # of the target, for the names of outputs
    console: Console  # of the progress bar
    face: str | int = "only"
    output: Path | None = None
    overwrite: bool = False

    def __call__(self, path: Path) -> Iterator[str]:
        """Edit a clip; yield a line for the file that is written. Raises UserError where that cannot be done."""
        output = self._place(path)
        if output.is_dir():
            raise UserError(f"{output} is a folder")
        if output.exists() and not self.overwrite:
            raise UserError(f"{output} exists already; --overwrite replaces it, --output names another file")
        summary = edit_video(self.editor, path, output, self.timeline, self.face, progress_bar(self.console))
        yield f"{output}: {self.label}, {summary}, {summary.seconds:.1f} s"

    def _place(self, path: Path) -> Path:
        if self.output is not None and self.output.suffix and not self.output.is_dir():
            return self.output
        model = "" if self.editor.name == DEFAULT else f".{self.editor.name}"
        folder = path.parent if self.output is None else self.output
        return folder / f"{path.stem}.{self.label}{model}{output_suffix(path)}"
