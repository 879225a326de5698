"""What the page shows, as HTML: a photograph is opened once and edited at every change.

The HTML holds the pictures themselves: no picture of a visitor's photograph is written to disk.
"""

import base64
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from html import escape
from pathlib import Path

import numpy as np
from PIL import Image

from defgan import methods
from defgan.editing import likeness, numbered, pictures
from defgan.editing.editor import Editor, Parts, deform, describe, render
from defgan.editing.face_finder import Face, FaceFinder, FoundFace
from defgan.editing.image_file import FORMATS, Photograph, encode, open_photograph
from defgan.editing.targets import Target, make_target
from defgan.errors import UserError
from defgan.facs import AU_NAMES

SIDE = 384
"""Side of the pictures, pixels."""
GROUP_SIDE = 480
"""Longest side of the picture of numbered faces, pixels."""
MOST_PIXELS = 50_000_000
AS_IT_IS = "as it is"
"""Name of the preset that keeps the present AUs."""


@dataclass(frozen=True)
class Opened:
    """A visitor's photograph with all of its faces, one of which is chosen."""

    photograph: Photograph
    found: Mapping[FaceFinder, Sequence[FoundFace]]  # all faces as each finder crops them
    number: int  # of the chosen face
    faces: Mapping[FaceFinder, Face]  # the chosen face as each finder crops it
    shown: np.ndarray  # uint8 s×s×3, the square around the face, in the photograph's direction
    placed: Mapping[FaceFinder, Face]  # the face within that square
    suffix: str  # of the file

    @property
    def face(self) -> Face:
        """The chosen face as the first finder crops it."""
        return next(iter(self.faces.values()))

    @property
    def x(self) -> np.ndarray:
        """The present AUs, float32 (17,)."""
        return self.face.x

    @property
    def numbers(self) -> list[int]:
        """The numbers of the faces that can be edited."""
        return [face.number for face in next(iter(self.found.values())) if face.face]

    def upright(self, pixels: np.ndarray) -> np.ndarray:
        """A picture in the photograph's direction, turned so that the face is upright."""
        return np.ascontiguousarray(np.rot90(pixels, self.face.quarters))


def read_upload(path: str | Path) -> Photograph:
    """Read a visitor's photograph; raises UserError, whose message leaves out the file's name."""
    try:
        with Image.open(path) as image:
            count = image.width * image.height
    except Exception:  # Pillow's decoders raise nearly anything on broken content
        raise UserError("this file is not a photograph in a known format") from None
    if count > MOST_PIXELS:
        raise UserError(f"{count / 1e6:.0f} megapixels are too many; at most {MOST_PIXELS / 1e6:.0f} are possible here")
    return open_photograph(path)


def open_face(path: str | Path, editors: Mapping[str, Editor]) -> Opened:
    """Open a photograph, find its faces and choose the largest one that can be edited; errors as of `read_upload`."""
    photograph = read_upload(path)
    finders = dict.fromkeys(editor.find for editor in editors.values())
    found = {finder: finder.survey(photograph.pixels) for finder in finders}
    by_size = sorted(next(iter(found.values())), key=lambda face: np.prod(face.box[2:] - face.box[:2]), reverse=True)
    largest = next((face for face in by_size if face.face), None)
    if largest is None:
        raise UserError(by_size[0].problem)
    suffix = Path(path).suffix.lower()
    return _chosen(photograph, found, largest.number, suffix if suffix in FORMATS else ".png")


def choose_face(opened: Opened, number: int) -> Opened:
    """The same photograph with another face chosen; nothing is found anew."""
    return _chosen(opened.photograph, opened.found, number, opened.suffix)


def _chosen(photograph: Photograph, found: Mapping, number: int, suffix: str) -> Opened:
    faces = {finder: survey[number - 1].face for finder, survey in found.items()}
    first = next(iter(faces.values()))
    shown, _ = pictures.portrait(photograph.pixels, first, SIDE)
    corner, _, factor = pictures.framing(photograph.pixels, first, SIDE)
    placed = {finder: face.within(corner, factor) for finder, face in faces.items()}
    return Opened(photograph, found, number, faces, shown, placed, suffix)


def numbered_faces(opened: Opened) -> str:
    """A picture of the photograph with numbers on its faces, as HTML; "" where there is only one."""
    survey = next(iter(opened.found.values()))
    if len(survey) == 1:
        return ""
    picture = numbered.picture(opened.photograph.pixels, survey, GROUP_SIDE)
    cannot = " Grey faces cannot be edited." if len(opened.numbers) < len(survey) else ""
    return _figure(np.asarray(picture.convert("RGB")), f"{len(survey)} faces found.{cannot}", "numbered")


@dataclass(frozen=True)
class Read:
    """A face whose AUs were read: float32 (17,), and the square around it, upright, uint8 s×s×3."""

    aus: np.ndarray
    picture: np.ndarray


def read_face(path: str | Path, editors: Mapping[str, Editor]) -> Read:
    """Read the AUs of the largest face in a photograph; errors as of `read_upload`."""
    pixels = read_upload(path).pixels
    [face] = next(iter(editors.values())).find(pixels, "largest")
    return Read(face.x, np.ascontiguousarray(np.rot90(pictures.portrait(pixels, face, SIDE // 2)[0], face.quarters)))


@dataclass(frozen=True)
class Other:
    """Somebody whose expression is wanted, perhaps with a photograph of the same person without an expression."""

    face: Read | None = None
    neutral: Read | None = None

    @property
    def target(self) -> Target | None:
        """What the other's expression asks for; None as long as it is not given."""
        neutral = self.neutral.aus if self.neutral else None
        return likeness.to_target("other", self.face.aus, neutral) if self.face else None

    @property
    def html(self) -> str:
        """Both photographs with what was read."""
        if self.face is None and self.neutral is None:
            return ""
        words = likeness.in_words(self.target) if self.target else ""
        shown = _figure(self.face.picture, f"their expression: {words}", "other") if self.face else ""
        shown += _figure(self.neutral.picture, "their neutral face", "other-neutral") if self.neutral else ""
        return f'<div class="figures others">{shown}</div>'


def goal(opened: Opened, name: str | None, other: Other) -> np.ndarray:
    """The sliders' values, (17,) in [0, 1], for a preset; None: for somebody else's expression, where it is given."""
    if name is None and other.target is not None:
        return other.target.vector(opened.x)
    return opened.x if name in (None, AS_IT_IS) else make_target(name).vector(opened.x)


def target_of(opened: Opened, values: np.ndarray, strength: float) -> np.ndarray:
    """y = x + α (sliders − x), float32 (17,) in [0, 1]; α in [0, STRONGEST] is the strength."""
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


def show(opened: Opened, editors: Mapping[str, Editor], y: np.ndarray, with_photograph: bool = True) -> Shown:
    """Edit with the given models to target AUs y, float32 (17,), and show the edits.

    The photograph comes before them, and the first edit over it, where they are wanted.
    """
    before = opened.upright(opened.shown)
    results, details = ([_figure(before, "photograph", "input")], []) if with_photograph else ([], [])
    for name, editor in editors.items():
        label = methods.get(name).label
        part = replace(editor.generate(opened.faces[editor.find], y), face=opened.placed[editor.find])
        edited = render(opened.shown, [part])
        results.append(_figure(opened.upright(edited), label, name))
        if with_photograph and not details:
            details.append(_wipe(before, opened.upright(edited), label))
        details.append(_parts(opened, name, label, part, edited))
    columns = f"grid-template-columns: repeat({len(results)}, minmax(0, 1fr))"
    return Shown(
        f'<div class="figures models" style="{columns}">{"".join(results)}</div>',
        f'<div class="figures parts">{"".join(details)}</div>',
    )


def _parts(opened: Opened, name: str, label: str, part: Parts, edited: np.ndarray) -> str:
    """The parts of one model's edit that it has, and the difference to the photograph."""
    shown = {}
    if part.offsets is not None:
        deformed = deform(opened.shown, [part])
        shown["deformed"] = opened.upright(deformed), "deformed, without synthesised texture"
        shown["grid"] = pictures.grid_picture(part, SIDE), "deformation grid"
    if part.mask is not None:
        shown["mask"] = pictures.mask_picture(part.mask, SIDE), "mask, white is synthesised texture"
    scale = f"{pictures.DIFFERENCE_SCALE:.0%}"
    difference = opened.upright(pictures.difference_picture(edited, opened.shown))
    shown["difference"] = difference, f"difference, up to {scale} of full scale"
    return "".join(_figure(pixels, f"{label}: {what}", f"{name}-{kind}") for kind, (pixels, what) in shown.items())


def full_size(opened: Opened, editor: Editor, y: np.ndarray) -> bytes:
    """The edited photograph at its own resolution, as a file's content with its metadata and the note."""
    part = editor.generate(opened.faces[editor.find], y)
    pixels = render(opened.photograph.pixels, [part])
    return encode(opened.photograph, pixels, FORMATS[opened.suffix], editor.note(describe([part]))).content


def describe_face(opened: Opened) -> str:
    """The present AUs in words, and how the photograph lies."""
    seen = [f"{name} {value:.2f}" for name, value in zip(AU_NAMES, opened.x, strict=True) if value >= 0.1]
    words = "Action units of the photograph: " + (", ".join(seen) or "none above 0.1")
    quarters = opened.face.quarters
    if quarters:
        lies = "stands on its head" if quarters == 2 else "lies on its side"
        words += f"\n\nThe photograph {lies}. It is shown upright; the edited file keeps its direction."
    return words
