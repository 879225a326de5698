"""What the page shows: a photograph opened once, edited by both models at every change, as HTML.

Pictures are put into the HTML itself: nothing of a visitor's photograph is written to disk.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from defgan.editing import pictures
from defgan.editing.editor import Editor, Parts, describe, render
from defgan.editing.faces import Face, FaceFinder
from defgan.editing.photographs import FORMATS, Photograph, encode, open_photograph
from defgan.editing.targets import make_target
from defgan.errors import UserError
from defgan.facs import AU_NAMES
from defgan.report.style import METHOD_LABELS

SIDE = 384
"""Side of the pictures, pixels."""
MOST_PIXELS = 50_000_000
AS_IT_IS = "as it is"
"""The preset of the present AUs."""


@dataclass(frozen=True)
class Opened:
    """A visitor's photograph with its largest face."""

    photograph: Photograph
    faces: Mapping[FaceFinder, Face]  # the face as each finder crops it
    shown: np.ndarray  # uint8 h×w×3, the square around the face
    placed: Mapping[FaceFinder, Face]  # the same face there
    suffix: str  # of the file

    @property
    def x(self) -> np.ndarray:
        return next(iter(self.faces.values())).x


def open_face(path: str | Path, editors: Mapping[str, Editor]) -> Opened:
    """Open a photograph and find its largest face; raises UserError, in words that do not name the file."""
    try:
        with Image.open(path) as image:
            count = image.width * image.height
    except Exception:  # Pillow's decoders raise nearly anything on broken content
        raise UserError("this file is not a photograph in a format known here") from None
    if count > MOST_PIXELS:
        raise UserError(f"{count / 1e6:.0f} megapixels are too many; this page takes {MOST_PIXELS / 1e6:.0f}")
    photograph = open_photograph(path)
    faces = {}
    for finder in {editor.find for editor in editors.values()}:
        [faces[finder]] = finder(photograph.pixels, "largest")
    first = next(iter(faces.values()))
    shown, _ = pictures.portrait(photograph.pixels, first, SIDE)
    corner, _, factor = pictures.framing(photograph.pixels, first, SIDE)
    placed = {finder: face.within(corner, factor) for finder, face in faces.items()}
    suffix = Path(path).suffix.lower()
    return Opened(photograph, faces, shown, placed, suffix if suffix in FORMATS else ".png")


def preset_values(opened: Opened, name: str) -> np.ndarray:
    """The sliders' values for a preset, (17,) in [0, 1]."""
    return opened.x if name == AS_IT_IS else make_target(name).vector(opened.x)


def target_of(opened: Opened, values: np.ndarray, strength: float) -> np.ndarray:
    """y: from the present AUs towards the sliders' values."""
    y = opened.x + strength * (np.asarray(values, np.float32) - opened.x)
    return np.clip(y, 0, 1).astype(np.float32)


def _uri(pixels: np.ndarray, file_format: str = "JPEG") -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, quality=90)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _figure(pixels: np.ndarray, caption: str, name: str) -> str:
    text = escape(caption)
    return f'<figure data-name="{name}"><img src="{_uri(pixels)}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _wipe(before: np.ndarray, after: np.ndarray) -> str:
    """Both pictures over each other; a handle moves the border between them."""
    move = "this.parentNode.style.setProperty('--cut', this.value + '%')"
    return (
        '<figure data-name="wipe"><div class="wipe">'
        f'<img src="{_uri(after)}" alt="after"><img class="before" src="{_uri(before)}" alt="before">'
        f'<input type="range" min="0" max="100" value="50" aria-label="before and after" oninput="{move}"></div>'
        "<figcaption>before | after (DefGAN)</figcaption></figure>"
    )


@dataclass(frozen=True)
class Shown:
    """The page after a change: the results, and what they are made of, as HTML."""

    results: str
    details: str


def show(opened: Opened, editors: Mapping[str, Editor], y: np.ndarray) -> Shown:
    """Run both models for target AUs y, float32 (17,), and show everything."""
    edits: dict[str, tuple[Parts, np.ndarray]] = {}
    for name, editor in editors.items():
        part = replace(editor.generate(opened.faces[editor.find], y), face=opened.placed[editor.find])
        edits[name] = part, render(opened.shown, [part])
    finals = {name: edited for name, (_, edited) in edits.items()}
    results = _figure(opened.shown, "photograph", "input")
    results += "".join(_figure(edited, METHOD_LABELS[name], name) for name, edited in finals.items())
    details = _wipe(opened.shown, finals["defgan"])
    part, _ = edits["defgan"]
    details += _figure(pictures.deformed(opened.shown, [part]), "DefGAN: deformed, nothing painted", "deformed")
    details += _figure(pictures.grid_picture(part, SIDE), "DefGAN: deformation grid", "grid")
    for name, (part, edited) in edits.items():
        label = METHOD_LABELS[name]
        details += _figure(pictures.mask_picture(part.mask, SIDE), f"{label}: mask, white is painted", f"{name}-mask")
        difference = pictures.difference_picture(edited, opened.shown)
        scale = f"{pictures.DIFFERENCE_SCALE:.0%}"
        details += _figure(difference, f"{label}: difference, up to {scale} of full scale", f"{name}-difference")
    return Shown(f'<div class="figures three">{results}</div>', f'<div class="figures four">{details}</div>')


def full_size(opened: Opened, editor: Editor, y: np.ndarray) -> bytes:
    """The edited photograph at its own resolution, as a file's content with its metadata and the note."""
    part = editor.generate(opened.faces[editor.find], y)
    pixels = render(opened.photograph.pixels, [part])
    return encode(opened.photograph, pixels, FORMATS[opened.suffix], editor.note(describe([part])))


def reading(x: np.ndarray) -> str:
    """The AUs that were read, in words."""
    seen = [f"{name} {value:.2f}" for name, value in zip(AU_NAMES, x, strict=True) if value >= 0.1]
    return "Action units read: " + (", ".join(seen) or "none above 0.1")
