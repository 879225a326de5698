"""What the page does with a clip, and how it shows it: a visitor's clip stays in memory between two edits."""

import base64
from dataclasses import dataclass
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory

from defgan.editing.editor import Editor
from defgan.editing.targets import Target
from defgan.editing.video import animation
from defgan.editing.video.edit import Progress, Summary, edit_video, is_moving, open_moving, output_suffix
from defgan.editing.video.timeline import steady
from defgan.errors import UserError

LONGEST = 10
"""Largest length of a clip on the page, seconds: an edit of it takes about a minute on two cores."""
PEOPLE = {"the largest face": "largest", "everybody": "all"}
"""Whose face is edited, in words."""


@dataclass(frozen=True)
class OpenedClip:
    """A visitor's clip or animation."""

    content: bytes
    suffix: str
    frames: int


def open_clip(path: str | Path) -> OpenedClip:
    """Read a clip; raises UserError, without the file's name, where it is none or longer than `LONGEST`."""
    path = Path(path)
    if not is_moving(path):
        raise UserError("this file is neither a clip nor an animation")
    frames = 0
    for frame in open_moving(path).frames():
        if frame.time >= LONGEST:
            raise UserError(
                f"the clip is too long; at most {LONGEST} seconds are possible here, any with `defgan edit`"
            )
        frames += 1
    return OpenedClip(path.read_bytes(), path.suffix.lower(), frames)


def edit_clip(
    clip: OpenedClip, editor: Editor, target: Target, people: str, progress: Progress
) -> tuple[OpenedClip, Summary]:
    """The whole clip edited to one target; `people` is a key of `PEOPLE`. Raises UserError as `edit_video` does."""
    with TemporaryDirectory(prefix="clip-") as folder:
        given = Path(folder, f"clip{clip.suffix}")
        given.write_bytes(clip.content)
        made = Path(folder, f"edited{output_suffix(given)}")
        summary = edit_video(editor, given, made, steady(target), PEOPLE[people], progress)
        return OpenedClip(made.read_bytes(), made.suffix, summary.frames), summary


def show(before: OpenedClip, after: OpenedClip | None = None, words: str = "") -> str:
    """A clip and its edit side by side, as HTML. The edit is played with its sound, and the clip follows it."""
    if after is None:
        place = '<div class="to-come">the edit comes here</div>'
        return f'<div class="figures clips">{_figure(before, "clip", "clip", "controls loop")}{place}</div>'
    follow = "const v = this.closest('.clips').querySelector('video'); v.currentTime = this.currentTime;"
    actions = {"play": " v.play()", "pause": " v.pause()", "seeked": ""}
    handlers = "".join(f' on{event}="{follow}{action}"' for event, action in actions.items())
    return (
        f'<div class="figures clips">{_figure(before, "clip", "clip", "muted")}'
        f"{_figure(after, words, 'edited-clip', f'controls loop{handlers}')}</div>"
    )


def _figure(clip: OpenedClip, caption: str, name: str, attributes: str) -> str:
    content, text = base64.b64encode(clip.content).decode(), escape(caption)
    if clip.suffix in animation.FORMATS or clip.suffix == ".png":
        kind = animation.FORMATS.get(clip.suffix, "PNG").lower()
        picture = f'<img src="data:image/{kind};base64,{content}" alt="{text}">'
    else:
        kind = "webm" if clip.suffix == ".webm" else "mp4"  # browsers look into a file of another kind
        picture = f'<video src="data:video/{kind};base64,{content}" playsinline {attributes}></video>'
    return f'<figure data-name="{name}">{picture}<figcaption>{text}</figcaption></figure>'
