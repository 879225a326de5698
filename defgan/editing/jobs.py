"""What `defgan edit` does with one photograph: it finds the faces, edits them and writes the files."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from defgan.editing import DEFAULT, pictures
from defgan.editing.editor import Editor, deform, describe
from defgan.editing.face_finder import Face
from defgan.editing.image_file import FORMATS, Photograph, encode, encode_picture, open_photograph, write_file
from defgan.editing.targets import GroupTarget, Target
from defgan.errors import UserError

PART_SIDE = 512
"""Side of the pictures of grid, mask and texture, pixels."""


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
    output: Path | None = None
    overwrite: bool = False

    def __call__(self, path: Path) -> Iterator[str]:
        """Edit a photograph; yield a line for each file that is written.

        Raises UserError where the photograph cannot be edited or a file cannot be written; no file is then overwritten.
        """
        started = time.perf_counter()
        outputs = self._outputs(path)
        for output in outputs.values():
            if output.is_dir():
                raise UserError(f"{output} is a folder")
            if output.exists() and not self.overwrite:
                raise UserError(f"{output} exists already; --overwrite replaces it, --output names another file")
        photograph = open_photograph(path)
        faces = self.editor.find(photograph.pixels, self.face)
        yield from self._pictures(photograph, faces, outputs)
        if "edit" in outputs:
            yield f"{self._edit(photograph, faces, outputs['edit'])}, {time.perf_counter() - started:.1f} s"

    def _outputs(self, path: Path) -> dict[str, Path]:
        """The files that will be written, by kind: edit, sheet, sweep, film."""
        label = self.target.label if self.target else ""
        names = {"sheet": "sheet"} if self.sheet else {}
        names |= {"sweep": f"{label}.sweep"} if self.sweep is not None else {}
        outputs = {kind: self._place(path, name, ".png") for kind, name in names.items()}
        if self.animate is not None:
            outputs["film"] = self.animate
        if not outputs:
            suffix = path.suffix if path.suffix.lower() in FORMATS else ".png"
            outputs["edit"] = self._place(path, label, suffix)
            if outputs["edit"].suffix.lower() not in FORMATS:
                raise UserError(f"{outputs['edit']}: unknown format; use one of {', '.join(FORMATS)}")
        return outputs

    def _place(self, path: Path, label: str, suffix: str) -> Path:
        if self.output is not None and self.output.suffix and not self.output.is_dir():
            return self.output
        model = "" if self.editor.name == DEFAULT else f".{self.editor.name}"
        folder = path.parent if self.output is None else self.output
        return folder / f"{path.stem}.{label}{model}{suffix}"

    def _pictures(self, photograph: Photograph, faces: list[Face], outputs: dict[str, Path]) -> Iterator[str]:
        pixels = photograph.pixels
        if "sheet" in outputs:
            picture = pictures.sheet(self.editor, pixels, faces, self.sheet)
            write_file(outputs["sheet"], encode_picture(picture, self.editor.note("the six expressions")))
            yield f"{outputs['sheet']}: the six expressions"
        if not self.target:
            return
        label, note = self.target.label, self.editor.note(f"{self.target.label} at rising strength")
        if self.sweep is not None:
            picture = pictures.sweep(self.editor, pixels, faces, self.target, self.sweep)
            write_file(outputs["sweep"], encode_picture(picture, note))
            yield f"{outputs['sweep']}: {label} at {self.sweep} strengths"
        if self.animate is not None:
            suffix = self.animate.suffix.lower()
            frames = pictures.film(self.editor, pixels, faces, self.target, pictures.FILM_SIDE[suffix])
            content = pictures.encode_gif(frames, note) if suffix == ".gif" else pictures.encode_mp4(frames, note)
            write_file(self.animate, content)
            yield f"{self.animate}: {label} and back, {len(frames)} frames"

    def _edit(self, photograph: Photograph, faces: list[Face], path: Path) -> str:
        edited = self.editor.apply(photograph, faces, self.target)
        note, file_format = self.editor.note(describe(edited.parts)), FORMATS[path.suffix.lower()]
        write_file(path, encode(photograph, edited.pixels, file_format, note))
        if self.save_parts:
            deformed = deform(photograph.pixels, edited.parts)
            write_file(path.with_suffix(".deformed.png"), encode(photograph, deformed, "PNG", note))
            for part in edited.parts:
                which = f".{part.face.number}" if len(edited.parts) > 1 else ""
                for name, picture in pictures.parts_pictures(part, PART_SIDE).items():
                    own = path.with_suffix(f".{name}{which}.png")
                    write_file(own, encode_picture(picture, note))
        count = f", {len(faces)} faces" if len(faces) > 1 else ""
        return f"{path}: {self.target.label}{count}"
