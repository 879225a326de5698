"""`defgan faces`: who is who in a photograph of several people."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from defgan.errors import UserError

console = Console(highlight=False, soft_wrap=True, markup=False)


def faces(
    path: Annotated[Path, typer.Argument(help="A photograph.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="The picture; default: PHOTO.faces.png.")
    ] = None,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Replace an existing file.")] = False,
) -> None:
    """Number the faces of a photograph: a picture and a list. `defgan edit --face 1=happy --face 3` takes the numbers.

    Faces are numbered from left to right; where people stand above one another, row by row from the top.
    """
    # Torch and the networks take seconds to import, which --help does not need.
    from defgan.editing import numbered
    from defgan.editing.face_finder import FaceFinder
    from defgan.editing.image_file import encode_picture, open_photograph, refuse_existing, write_files

    target = output or path.with_name(f"{path.stem}.faces.png")
    if target.suffix.lower() != ".png":
        raise UserError(f"--output {target}: the picture is a PNG; give it a name that ends in .png")
    refuse_existing(target, overwrite)
    try:
        photograph = open_photograph(path)
        found = FaceFinder(crop_size=128).survey(photograph.pixels)
    except UserError as error:
        raise UserError(f"{path}: {error}") from None
    content = encode_picture(numbered.picture(photograph.pixels, found), "the numbered faces of a photograph")
    write_files({target: content}, overwrite)
    for face in found:
        console.print(numbered.line(face))
    able = sum(face.face is not None for face in found)
    console.print(f"{target}: {len(found)} faces, {able} of which can be edited")
