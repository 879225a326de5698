"""What the page shows, as HTML: a photograph is opened once and edited by all models at every change.

The HTML holds the pictures themselves: no picture of a visitor's photograph is written to disk.
"""

import base64
import io
from collections.abc import Mapping
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from defgan import methods
from defgan.editing import pictures
from defgan.editing.editor import Editor, Parts, deform, describe, render
from defgan.editing.face_finder import Face, FaceFinder
from defgan.editing.image_file import FORMATS, Photograph, encode, open_photograph
from defgan.editing.targets import make_target
from defgan.errors import UserError
from defgan.facs import AU_NAMES

SIDE = 384
"""Side of the pictures, pixels."""
MOST_PIXELS = 50_000_000
AS_IT_IS = "as it is"
"""Name of the preset that keeps the present AUs."""


@dataclass(frozen=True)
class Opened:
    """A visitor's photograph with its largest face."""

    photograph: Photograph
    faces: Mapping[FaceFinder, Face]  # the face as each finder crops it
    shown: np.ndarray  # uint8 s×s×3, the square around the face
    placed: Mapping[FaceFinder, Face]  # the face within that square
    suffix: str  # of the file

    @property
    def x(self) -> np.ndarray:
        """The present AUs, float32 (17,)."""
        return next(iter(self.faces.values())).x


def open_face(path: str | Path, editors: Mapping[str, Editor]) -> Opened:
    """Open a photograph and find its largest face; raises UserError, whose message leaves out the file's name."""
    try:
        with Image.open(path) as image:
            count = image.width * image.height
    except Exception:  # Pillow's decoders raise nearly anything on broken content
        raise UserError("this file is not a photograph in a known format") from None
    if count > MOST_PIXELS:
        raise UserError(f"{count / 1e6:.0f} megapixels are too many; at most {MOST_PIXELS / 1e6:.0f} are possible here")
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
    """y = x + α (sliders − x), float32 (17,) in [0, 1]; α is the strength."""
    y = opened.x + strength * (np.asarray(values, np.float32) - opened.x)
    return np.clip(y, 0, 1).astype(np.float32)


def _uri(pixels: np.ndarray, file_format: str = "JPEG") -> str:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, file_format, quality=90)
    return f"data:image/{file_format.lower()};base64,{base64.b64encode(buffer.getvalue()).decode()}"


def _figure(pixels: np.ndarray, caption: str, name: str) -> str:
    text = escape(caption)
    return f'<figure data-name="{name}"><img src="{_uri(pixels)}" alt="{text}"><figcaption>{text}</figcaption></figure>'


def _wipe(before: np.ndarray, after: np.ndarray, label: str) -> str:
    """One picture over the other; a handle moves the border between them."""
    move = "this.parentNode.style.setProperty('--cut', this.value + '%')"
    return (
        '<figure data-name="wipe"><div class="wipe">'
        f'<img src="{_uri(after)}" alt="after"><img class="before" src="{_uri(before)}" alt="before">'
        f'<input type="range" min="0" max="100" value="50" aria-label="before and after" oninput="{move}"></div>'
        f"<figcaption>before | after ({escape(label)})</figcaption></figure>"
    )


@dataclass(frozen=True)
class Shown:
    """The page after a change, as HTML: the results, and the parts of the edits."""

    results: str
    details: str


def show(opened: Opened, editors: Mapping[str, Editor], y: np.ndarray) -> Shown:
    """Edit with every model to target AUs y, float32 (17,), and show everything."""
    edits: dict[str, tuple[Parts, np.ndarray]] = {}
    for name, editor in editors.items():
        part = replace(editor.generate(opened.faces[editor.find], y), face=opened.placed[editor.find])
        edits[name] = part, render(opened.shown, [part])
    labels = {name: methods.get(name).label for name in editors}
    results = _figure(opened.shown, "photograph", "input")
    results += "".join(_figure(edited, labels[name], name) for name, (_, edited) in edits.items())
    first = next(iter(edits))
    details = _wipe(opened.shown, edits[first][1], labels[first])
    details += "".join(_parts(opened, name, labels[name], part, edited) for name, (part, edited) in edits.items())
    columns = f"grid-template-columns: repeat({1 + len(edits)}, minmax(0, 1fr))"
    return Shown(
        f'<div class="figures models" style="{columns}">{results}</div>', f'<div class="figures parts">{details}</div>'
    )


def _parts(opened: Opened, name: str, label: str, part: Parts, edited: np.ndarray) -> str:
    """The parts of one model's edit that it has, and the difference to the photograph."""
    shown = {}
    if part.offsets is not None:
        deformed = deform(opened.shown, [part])
        shown["deformed"] = deformed, "deformed, without synthesised texture"
        shown["grid"] = pictures.grid_picture(part, SIDE), "deformation grid"
    if part.mask is not None:
        shown["mask"] = pictures.mask_picture(part.mask, SIDE), "mask, white is synthesised texture"
    scale = f"{pictures.DIFFERENCE_SCALE:.0%}"
    difference = pictures.difference_picture(edited, opened.shown)
    shown["difference"] = difference, f"difference, up to {scale} of full scale"
    return "".join(_figure(pixels, f"{label}: {what}", f"{name}-{kind}") for kind, (pixels, what) in shown.items())


def full_size(opened: Opened, editor: Editor, y: np.ndarray) -> bytes:
    """The edited photograph at its own resolution, as a file's content with its metadata and the note."""
    part = editor.generate(opened.faces[editor.find], y)
    pixels = render(opened.photograph.pixels, [part])
    return encode(opened.photograph, pixels, FORMATS[opened.suffix], editor.note(describe([part]))).content


def present_aus(x: np.ndarray) -> str:
    """The present AUs in words."""
    seen = [f"{name} {value:.2f}" for name, value in zip(AU_NAMES, x, strict=True) if value >= 0.1]
    return "Action units of the photograph: " + (", ".join(seen) or "none above 0.1")
