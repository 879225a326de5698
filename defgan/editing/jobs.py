"""What `defgan edit` does with one photograph: it finds the faces, edits them and writes the files."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from defgan.editing import DEFAULT, pictures
from defgan.editing.editor import Editor, deform, describe
from defgan.editing.face_finder import Face
from defgan.editing.image_file import FORMATS, PRODUCT, Photograph, encode, encode_picture, open_photograph, write_files
from defgan.editing.inputs import Given
from defgan.editing.plan import Outputs
from defgan.editing.targets import GroupTarget, Target
from defgan.facs import AU_NAMES

if TYPE_CHECKING:
    from defgan.editing.credentials import Credentials

PART_SIDE = 512
"""Side of the pictures of grid, mask and texture, pixels."""
_DEFORMED = "deformed"


@dataclass(frozen=True)
class Job:
    """The command's options, checked; a call edits one photograph."""

    editor: Editor
    target: Target | GroupTarget | None  # None: only a sheet of all expressions is wanted
    face: str | int | tuple[int, ...] = "only"
    sheet: tuple[Target, ...] = ()  # one column each; (): no sheet
    sweep: int | None = None  # number of strengths on a strip
    animate: Path | None = None
    save_parts: bool = False
    folder: Path | None = None  # for all edits; None: beside each photograph
    file: Path | None = None  # for the one edit; its suffix is in FORMATS
    overwrite: bool = False
    credentials: "Credentials | None" = None  # sign the files

    def outputs(self, given: Given, whole_name: bool = False) -> Outputs:
        """The files that will be written for a photograph, by kind; `plan` says when its whole name is kept.

        Of several faces each part has the face's number before its suffix.
        """
        label = self.target.label if self.target else ""
        pictured = {"sheet": "sheet"} if self.sheet else {}
        pictured |= {"sweep": f"{label}.sweep"} if self.sweep is not None else {}
        outputs = {kind: self._place(given, name, ".png", whole_name) for kind, name in pictured.items()}
        if self.animate is not None:
            outputs["film"] = self.animate
        if not outputs:
            suffix = given.path.suffix
            edit = self._place(given, label, suffix if suffix.lower() in FORMATS else ".png", whole_name)
            outputs["edit"] = edit
            if self.save_parts:
                outputs |= {part: edit.with_suffix(f".{part}.png") for part in (_DEFORMED, *pictures.PARTS)}
        return outputs

    def _place(self, given: Given, label: str, suffix: str, whole_name: bool) -> Path:
        if self.file is not None:
            return self.file
        model = "" if self.editor.name == DEFAULT else f".{self.editor.name}"
        folder = given.path.parent if self.folder is None else self.folder / given.below
        return folder / f"{given.path.name if whole_name else given.path.stem}.{label}{model}{suffix}"

    def __call__(self, path: Path, outputs: Outputs) -> list[str]:
        """Edit a photograph and write all of its outputs, or none; a line for each that the user asked for.

        Raises UserError where the photograph cannot be edited or a file cannot be written.
        """
        started = time.perf_counter()
        photograph = open_photograph(path)
        faces = self.editor.find(photograph.pixels, self.face)
        contents: dict[Path, bytes] = {}
        makers = {"sheet": self._sheet, "sweep": self._sweep, "film": self._film, "edit": self._edit}
        lines = [
            f"{outputs[kind]}: {make(photograph, faces, outputs, contents)}"
            for kind, make in makers.items()
            if kind in outputs
        ]
        if self.credentials is not None:
            original, said = path.read_bytes(), self._said(faces)
            contents = {
                output: self.credentials.sign(
                    content, FORMATS[output.suffix.lower()], output.name, said, PRODUCT, original
                )
                for output, content in contents.items()
            }
        write_files(contents, self.overwrite)
        lines[-1] += f", {time.perf_counter() - started:.1f} s"
        return lines

    def _said(self, faces: Sequence[Face]) -> dict[str, Any]:
        """What Content Credentials say of the edit: the model, and the target AUs of each face."""
        targets = {
            f"face {face.number}": {
                name: round(float(value), 3)
                for name, value in zip(AU_NAMES, self.target.of(face), strict=True)
                if value >= 0.005
            }
            for face in (faces if self.target else ())
        }
        return {"model": self.editor.name, "weights_sha256": self.editor.digest, "action_units": targets}

    # Each of these adds the content of its files and returns what to say of them.

    def _sheet(self, photograph: Photograph, faces: list[Face], outputs: Outputs, contents: dict[Path, bytes]) -> str:
        path, picture = outputs["sheet"], pictures.sheet(self.editor, photograph.pixels, faces, self.sheet)
        note = self.editor.note("the six expressions")
        contents[path] = encode_picture(picture, note, FORMATS[path.suffix.lower()])
        return "the six expressions"

    def _rising(self) -> str:
        return self.editor.note(f"{self.target.label} at rising strength")

    def _sweep(self, photograph: Photograph, faces: list[Face], outputs: Outputs, contents: dict[Path, bytes]) -> str:
        path = outputs["sweep"]
        picture = pictures.sweep(self.editor, photograph.pixels, faces, self.target, self.sweep)
        contents[path] = encode_picture(picture, self._rising(), FORMATS[path.suffix.lower()])
        return f"{self.target.label} at {self.sweep} strengths"

    def _film(self, photograph: Photograph, faces: list[Face], outputs: Outputs, contents: dict[Path, bytes]) -> str:
        path = outputs["film"]
        suffix = path.suffix.lower()
        frames = pictures.film(self.editor, photograph.pixels, faces, self.target, pictures.FILM_SIDE[suffix])
        make = pictures.encode_gif if suffix == ".gif" else pictures.encode_mp4
        contents[path] = make(frames, self._rising())
        return f"{self.target.label} and back, {len(frames)} frames"

    def _edit(self, photograph: Photograph, faces: list[Face], outputs: Outputs, contents: dict[Path, bytes]) -> str:
        path = outputs["edit"]
        edited = self.editor.apply(photograph, faces, self.target)
        note = self.editor.note(describe(edited.parts))
        encoded = encode(photograph, edited.pixels, FORMATS[path.suffix.lower()], note)
        contents[path] = encoded.content
        if self.save_parts:
            if any(part.offsets is not None for part in edited.parts):
                deformed = deform(photograph.pixels, edited.parts)
                contents[outputs[_DEFORMED]] = encode(photograph, deformed, "PNG", note).content
            for part in edited.parts:
                number = f".{part.face.number}" if len(edited.parts) > 1 else ""
                for name, picture in pictures.parts_pictures(part, PART_SIDE).items():
                    contents[outputs[name].with_suffix(f"{number}.png")] = encode_picture(picture, note)
        count = f", {len(faces)} faces" if len(faces) > 1 else ""
        lost = f"; left out: {', '.join(encoded.lost)}" if encoded.lost else ""
        return f"{self.target.label}{count}{lost}"
