"""Pictures of edits: sheets of expressions, strips of rising strength, animations, and the parts of an edit."""

import io
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import cv2
import numpy as np
from PIL import Image, ImageDraw, ImageFont

from defgan.editing.editor import Editor, Parts, render
from defgan.editing.face_finder import Face
from defgan.editing.targets import GroupTarget, Target
from defgan.editing.video.clip import fresh_clip
from defgan.pixels import difference, heat
from defgan.warp import REFERENCE_SIZE

TILE = 320
"""Largest side of a picture on a sheet or strip, pixels; pictures are never enlarged."""
FRAME = 1.35
"""Side of the square around a face, in sides of its crop."""
DIFFERENCE_SCALE = 0.25
"""Difference that has the brightest colour, as a share of the range of values."""
GRID_STEP = 8
"""Distance between the lines of a pictured grid, pixels at 128 px."""
FILM_SIDE = {".gif": 480, ".mp4": 720}
"""Longest side of an animation, pixels."""
RATE = 16
"""Frames per second of an animation."""
PARTS = ("grid", "mask", "texture")
"""Parts of an edit of which there are pictures; see `parts_pictures`."""
_RISE, _REST = 16, 6  # frames up to the full strength, and at rest
_LABEL, _GAP = 26, 4


def framing(pixels: np.ndarray, face: Face, side: int = TILE) -> tuple[tuple[int, int], int, float]:
    """The square around a face: its corner (x, y) and side in the photograph, and a factor that makes it ≤ `side`."""
    crop_side = face.crop.shape[0] / np.sqrt(abs(np.linalg.det(face.transform[:, :2])))
    length = int(min(FRAME * crop_side, *pixels.shape[:2]))
    x, y = (
        int(np.clip(centre - length / 2, 0, limit - length))
        for centre, limit in zip(face.points.mean(0), pixels.shape[1::-1], strict=True)
    )
    return (x, y), length, min(1.0, side / length)


def portrait(pixels: np.ndarray, face: Face, side: int = TILE) -> tuple[np.ndarray, Face]:
    """The square around a face, at most side×side, and the face within it; never enlarged."""
    corner, length, factor = framing(pixels, face, side)
    x, y = corner
    return resized(pixels[y : y + length, x : x + length], factor), face.within(corner, factor)


def resized(pixels: np.ndarray, factor: float) -> np.ndarray:
    """A photograph shrunk by a factor ≤ 1."""
    if factor == 1:
        return np.ascontiguousarray(pixels)
    height, width = (max(1, round(n * factor)) for n in pixels.shape[:2])
    return cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA)


def table(rows: Sequence[Sequence[np.ndarray]], labels: Sequence[str]) -> Image.Image:
    """Rows of square pictures, with a label over each column, on white."""
    side = max(picture.shape[0] for pictures in rows for picture in pictures)
    step = side + _GAP
    canvas = Image.new("RGB", (len(labels) * step - _GAP, _LABEL + len(rows) * step - _GAP), "white")
    draw, font = ImageDraw.Draw(canvas), ImageFont.load_default(16)
    for column, label in enumerate(labels):
        draw.text((column * step + side / 2, _LABEL / 2), label, "black", font, anchor="mm")
        for index, pictures in enumerate(rows):
            picture = Image.fromarray(pictures[column]).resize((side, side), Image.Resampling.LANCZOS)
            canvas.paste(picture, (column * step, _LABEL + index * step))
    return canvas


def _edits(editor: Editor, pixels: np.ndarray, face: Face, targets: Sequence[Target | GroupTarget]) -> list[np.ndarray]:
    shown, placed = portrait(pixels, face)
    parts = [replace(editor.generate(face, target.of(face)), face=placed) for target in targets]
    return [np.rot90(render(shown, [part]), face.quarters) for part in parts]


def row(editor: Editor, pixels: np.ndarray, face: Face, targets: Sequence[Target]) -> list[np.ndarray]:
    """A face without an edit, and edited to each target: square, upright pictures, uint8 s×s×3."""
    return [np.rot90(portrait(pixels, face)[0], face.quarters), *_edits(editor, pixels, face, targets)]


def sheet(editor: Editor, pixels: np.ndarray, faces: Sequence[Face], targets: Sequence[Target]) -> Image.Image:
    """One row per face: the input and its edits to several expressions."""
    rows = [row(editor, pixels, face, targets) for face in faces]
    return table(rows, ["input", *(target.label for target in targets)])


def sweep(
    editor: Editor, pixels: np.ndarray, faces: Sequence[Face], target: Target | GroupTarget, steps: int
) -> Image.Image:
    """One row per face: its edits at `steps` strengths from 0 to the target's."""
    alphas = np.linspace(0, target.strength, steps)
    targets = [replace(target, strength=float(alpha)) for alpha in alphas]
    return table(
        [_edits(editor, pixels, face, targets) for face in faces], [f"strength {alpha:.2f}" for alpha in alphas]
    )


def film(
    editor: Editor, pixels: np.ndarray, faces: Sequence[Face], target: Target | GroupTarget, side: int
) -> list[np.ndarray]:
    """Frames of the whole photograph, uint8 h×w×3, sides even and at most `side`: the expression comes and goes."""
    factor = min(1.0, side / max(pixels.shape[:2]))
    shrunk = resized(pixels, factor)
    shrunk = shrunk[: shrunk.shape[0] // 2 * 2, : shrunk.shape[1] // 2 * 2]  # H.264 stores one colour for 2×2 pixels
    rising = []
    for alpha in (1 - np.cos(np.pi * np.arange(_RISE + 1) / _RISE)) / 2:
        own = replace(target, strength=float(alpha) * target.strength)
        parts = [editor.generate(face, own.of(face)) for face in faces]
        rising.append(render(shrunk, [replace(part, face=part.face.within((0, 0), factor)) for part in parts]))
    return [*rising, *[rising[-1]] * _REST, *rising[::-1], *[rising[0]] * _REST]


def encode_gif(frames: Sequence[np.ndarray], note: str) -> bytes:
    """An endless GIF; all frames share a palette, so that still parts do not flicker."""
    images = [Image.fromarray(frame) for frame in frames]
    ends = Image.fromarray(np.concatenate([frames[0], frames[len(frames) // 2]]))
    palette = ends.quantize(256, method=Image.Quantize.MEDIANCUT)
    first, *rest = (image.quantize(palette=palette, dither=Image.Dither.FLOYDSTEINBERG) for image in images)
    buffer = io.BytesIO()
    duration = round(1000 / RATE)
    first.save(buffer, "GIF", save_all=True, append_images=rest, duration=duration, loop=0, comment=note.encode()[:255])
    return buffer.getvalue()


def encode_mp4(frames: Sequence[np.ndarray], note: str) -> bytes:
    """H.264 with yuv420p colours, which every player shows."""
    height, width = frames[0].shape[:2]
    with TemporaryDirectory() as directory:
        path = Path(directory, "film.mp4")
        with fresh_clip(path, (width, height), RATE, note) as write:
            for number, frame in enumerate(frames):
                write(frame, number / RATE)
        return path.read_bytes()


def mask_picture(mask: np.ndarray, side: int) -> np.ndarray:
    """ℳ, float S×S in [0, 1], as grey values: white is synthesised texture; uint8 side×side×3."""
    grey = np.clip(cv2.resize(mask, (side, side), interpolation=cv2.INTER_LINEAR) * 255, 0, 255).round()
    return np.repeat(grey.astype(np.uint8)[..., None], 3, axis=2)


def grid_picture(part: Parts, side: int) -> np.ndarray:
    """The deformation grid 𝒢 as warped lines over the pale deformed crop; uint8 side×side×3."""
    fine = 2 * side  # lines are drawn at twice the size and shrunk: they are smooth
    step, period = fine / REFERENCE_SIZE, round(GRID_STEP * fine / REFERENCE_SIZE)
    lines = np.full((fine, fine), 255, np.uint8)
    for start in range(period // 2, fine, period):
        lines[start : start + 2], lines[:, start : start + 2] = 40, 40
    offsets = cv2.resize(part.offsets, (fine, fine), interpolation=cv2.INTER_CUBIC) * step
    xs = np.arange(fine, dtype=np.float32)
    warped = cv2.remap(
        lines, xs + offsets[..., 0], xs[:, None] + offsets[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    warped = cv2.resize(warped, (side, side), interpolation=cv2.INTER_AREA).astype(np.float32)[..., None] / 255
    pale = 0.5 * 255 + 0.5 * cv2.resize(part.deformed, (side, side), interpolation=cv2.INTER_CUBIC).astype(np.float32)
    return (warped * pale).round().astype(np.uint8)


def difference_picture(edited: np.ndarray, original: np.ndarray) -> np.ndarray:
    """|edited − original|, the mean of the channels, as colours up to `DIFFERENCE_SCALE`; uint8 H×W×3."""
    return heat(difference(edited, original), DIFFERENCE_SCALE)


def parts_pictures(part: Parts, side: int) -> dict[str, np.ndarray]:
    """Pictures of the parts of an edit by name, uint8 side×side×3; parts that the model does not have are left out."""
    pictures = {}
    if part.offsets is not None:
        pictures["grid"] = grid_picture(part, side)
    if part.mask is not None:
        pictures["mask"] = mask_picture(part.mask, side)
    if part.texture is not None:
        pictures["texture"] = cv2.resize(part.texture, (side, side), interpolation=cv2.INTER_CUBIC)
    return pictures
