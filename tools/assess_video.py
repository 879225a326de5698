"""Measure how clips are edited over time: `python -m tools.assess_video`. It takes minutes.

Rendered people turn, speak and blink; the truth of each frame is known. The clips are edited as `defgan edit clip.mp4`
does, and frame by frame, as if each were a photograph: the face found anew, nothing smoothed. Writes to reports/video:
video.csv, a contact sheet of each clip, and a slice of each, one row of the mouth over time.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from PIL import Image
from rich.progress import track

from defgan import alignment
from defgan.corpus.roles import Studio
from defgan.editing import DEFAULT
from defgan.editing.editor import Editor, render
from defgan.editing.image_file import encode_picture, write_files
from defgan.editing.native import motion
from defgan.editing.targets import Target, make_target
from defgan.editing.video import edit as video
from defgan.editing.video.timeline import steady, vector
from defgan.errors import UserError, plain_errors
from defgan.evaluation.motion import compare_motion
from defgan.evaluation.temporal import measure
from defgan.files import atomic_file
from defgan.pixels import tile
from defgan.warp import REFERENCE_SIZE
from stages.common import console
from tools.rendered_clips import RATE, RenderedClip, RenderedFrame, render_clip

REPORTS = Path("reports/video")
EXPRESSIONS = ("happy", "surprise", "anger")
SIDE = 160
"""Side of the aligned crops that are measured, pixels."""
MOUTH = 0.74
"""Height of the row of the slices in an aligned crop, in shares of its side: between the corners of the mouth."""
SHOWN = 10
"""Frames on a contact sheet, evenly spread."""


@dataclass(frozen=True)
class Edited:
    """An edited clip: its frames, uint8 N×S×S×3, and how they moved, N×S×S×2 as `RenderedClip.flow`."""

    images: np.ndarray
    flow: np.ndarray


def _flow(transform: np.ndarray, offsets: np.ndarray | None, image: np.ndarray) -> np.ndarray | float:
    """How an edited frame moved, H×W×2; 0 by a model without a grid."""
    return 0.0 if offsets is None else motion(transform, offsets, *image.shape[:2])


def by_frame(editor: Editor, clip: RenderedClip, target: Target) -> Edited:
    """Every frame edited as a photograph is; where no face is found it stays as it is."""
    found = []
    for image in track(clip.images, "Frame by frame", transient=True):
        try:
            found.append(editor.find(image, "largest")[0])
        except UserError:
            found.append(None)
    rest = np.median([face.x for face in found if face is not None], axis=0).astype(np.float32)
    edits, flows = [], np.zeros_like(clip.flow)
    for number, face in enumerate(track(found, "Frame by frame", transient=True)):
        parts = [] if face is None else [editor.generate(face, vector(target, face.x, rest))]
        edits.append(render(clip.images[number], parts))
        for part in parts:
            flows[number] = _flow(part.face.transform, part.offsets, edits[-1])
    return Edited(np.stack(edits), flows)


def over_time(editor: Editor, clip: RenderedClip, target: Target) -> Edited:
    """The clip as `defgan edit` edits it, without encoding."""
    plan = video.make_plan(editor, clip, steady(target), "largest")
    edits, flows = [], np.zeros_like(clip.flow)

    def write(frame: RenderedFrame) -> None:
        number = len(edits)
        edits.append(frame.image)
        for edit in plan.edits:
            if edit.shows(number):
                transform, offsets, _ = edit.fields(number, clip.images[number])
                flows[number] = _flow(transform, offsets, frame.image)

    video.render(editor, clip, plan, write, lambda items, n, word: track(items, word, n, transient=True))
    return Edited(np.stack(edits), flows)


def end_point_error(flow: np.ndarray, clip: RenderedClip) -> float:
    """`compare_motion`'s end-point error of a motion, as `RenderedClip.flow`; the mean over the frames.

    In pixels of aligned crops of 128 px.
    """
    transforms = [alignment.similarity_transform(points, REFERENCE_SIZE) for points in clip.points]
    scales = np.sqrt(np.abs(np.linalg.det(np.stack(transforms)[:, :, :2])))[:, None, None, None]
    return float(compare_motion(flow * scales, clip.flow * scales)["epe"].mean())


def crops(images: Sequence[np.ndarray], clip: RenderedClip) -> np.ndarray:
    """The faces of a clip, aligned by their true points, uint8 N×SIDE×SIDE×3."""
    transforms = [alignment.similarity_transform(points, SIDE) for points in clip.points]
    return np.stack([alignment.crop(image, t, SIDE) for image, t in zip(images, transforms, strict=True)])


def sheet(rows: Sequence[np.ndarray]) -> Image.Image:
    """Frames of aligned clips, evenly spread, one clip a row."""
    shown = np.linspace(0, len(rows[0]) - 1, SHOWN).round().astype(int)
    return Image.fromarray(tile([row[index] for row in rows for index in shown], SHOWN))


def slices(rows: Sequence[np.ndarray]) -> Image.Image:
    """The row of the mouth over time, from top to bottom, of aligned clips side by side."""
    column = round(MOUTH * SIDE)
    pictures = [row[:, column].repeat(4, axis=0).repeat(2, axis=1) for row in rows]
    return Image.fromarray(tile(pictures, len(pictures)))


def assess(
    model: Annotated[str, typer.Option(help="Whose weights.")] = DEFAULT,
    seed: Annotated[int, typer.Option(help="Of people and motion.")] = 0,
    reports: Annotated[Path, typer.Option(help="Where the table and the pictures go.")] = REPORTS,
) -> None:
    """Write video.csv, contact sheets and slices."""
    studio, editor, table = Studio(), Editor.load(model), []
    for number, expression in enumerate(EXPRESSIONS):
        target = make_target(expression)
        rendered = partial(track, description=f"Rendering {expression}", transient=True)
        clip = render_clip(studio, seed, number, partial(vector, target), progress=rendered)
        inputs, truth = crops(clip.images, clip), crops(clip.truth, clip)
        edits = {
            "none": Edited(clip.images, np.zeros_like(clip.flow)),
            "frame by frame": by_frame(editor, clip, target),
            "over time": over_time(editor, clip, target),
        }
        aligned = {name: crops(edit.images, clip) for name, edit in edits.items()}
        for name, edit in edits.items():
            measured = measure(aligned[name], inputs, truth, RATE) | {"epe": end_point_error(edit.flow, clip)}
            table.append({"expression": expression, "editing": name, **measured})
        rows = [*aligned.values(), truth]
        note = editor.note(f"{expression} over time", "clip")
        pictures = {f"{expression}_sheet.png": sheet(rows), f"{expression}_slice.png": slices(rows)}
        write_files({reports / name: encode_picture(drawn, note) for name, drawn in pictures.items()}, overwrite=True)
    frame = pd.DataFrame(table)
    with atomic_file(reports / "video.csv") as temporary:
        frame.to_csv(temporary, index=False, float_format="%.4f")
    console.print(frame.groupby("editing", sort=False).mean(numeric_only=True).to_string(), highlight=False)
    console.print(f"{reports}/video.csv, with contact sheets and slices beside it", highlight=False)


if __name__ == "__main__":
    with plain_errors("assess_video"):
        typer.run(assess)
