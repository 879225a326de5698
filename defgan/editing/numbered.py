"""The faces of a photograph with their numbers, as a picture and in words."""

from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from defgan.editing.face_finder import FoundFace
from defgan.faces.turns import turn_points
from defgan.facs import AU_NAMES

SIDE = 1600
"""Longest side of the picture, pixels; photographs are never enlarged."""
_CAN, _CANNOT = (255, 214, 0), (160, 160, 160)  # colours of faces that can and cannot be edited


def picture(pixels: np.ndarray, faces: Sequence[FoundFace], side: int = SIDE) -> Image.Image:
    """A photograph, uint8 H×W×3, turned so that its faces are upright, with boxes and numbers.

    Faces that cannot be edited are grey. The longest side is `side` pixels at most.
    """
    quarters = faces[0].quarters if faces else 0
    image = Image.fromarray(np.rot90(pixels, quarters))
    full = image.width
    image.thumbnail((side, side))
    factor = image.width / full
    draw = ImageDraw.Draw(image)
    width = max(2, round(max(image.size) / 400))
    for face in faces:
        corners = turn_points(face.box.reshape(2, 2), quarters, *pixels.shape[:2]) * factor
        (x0, y0), (x1, y1) = corners.min(0), corners.max(0)
        colour = _CAN if face.face else _CANNOT
        draw.rectangle((x0, y0, x1, y1), outline=colour, width=width)
        font = ImageFont.load_default(float(np.clip((y1 - y0) / 3, 14, 64)))
        # Within the picture and on a ground of its own, so that it can be read on any photograph.
        x, y = max(x0, 0), max(y0, 0)
        _, _, right, bottom = draw.textbbox((x + 2 * width, y + width), str(face.number), font)
        draw.rectangle((x, y, right + 2 * width, bottom + width), fill=colour)
        draw.text((x + 2 * width, y + width), str(face.number), "black", font)
    return image


def line(face: FoundFace) -> str:
    """A face in words: its number, size, and the AUs that stand out, or why it cannot be edited."""
    width, height = face.box[2:] - face.box[:2]
    start = f"{face.number}: {width:.0f}×{height:.0f} pixels"
    if face.face is None:
        return f"{start}, cannot be edited: {face.problem}"
    seen = [(value, name) for name, value in zip(AU_NAMES, face.face.x, strict=True) if value >= 0.2]
    return f"{start}, {', '.join(f'{name} {value:.2f}' for value, name in sorted(seen, reverse=True)) or 'neutral'}"
