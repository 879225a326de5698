"""Pack the prepared faces of the role train for a training elsewhere: `python -m tools.pack_faces -o FOLDER`.

Writes FOLDER/packed_faces.parquet: the faces table with the images as a further column. Only this module knows it.
Reading needs neither DVC nor the renderer.
"""

from __future__ import annotations

import io
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.progress import track

from defgan.errors import MissingInputError, UserError, plain_errors
from defgan.files import atomic_file
from stages.common import console

if TYPE_CHECKING:
    import numpy as np

    from defgan.faces.table import Faces

FILE = "packed_faces.parquet"
IMAGE = "image"
"""The column of the images, WebP as in rendered pairs; lossless they would take six times the space."""


def write_packed(directory: Path, faces: Faces) -> Path:
    """Write faces into `directory`, whole or not at all; returns the file's path."""
    from defgan.pairs import encode

    rows = faces.frame["row"]
    images = [encode(faces.pixels[row]) for row in track(rows, "pack_faces: images", console=console)]
    with atomic_file(directory / FILE) as path:
        faces.frame.assign(row=range(len(rows)), **{IMAGE: images}).to_parquet(path, index=False, compression="zstd")
    return directory / FILE


def read_packed(directory: Path) -> Faces:
    """The packed faces of a directory, decoded into memory.

    Raises MissingInputError where they are not there, UserError where the file is none of packed faces.
    """
    import numpy as np
    import pandas as pd
    import pyarrow as pa

    from defgan.faces.table import Faces

    path = directory / FILE
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; `python -m tools.pack_faces -o {directory}` makes it")
    try:
        frame = pd.read_parquet(path)
        with ThreadPoolExecutor() as readers:
            pixels = np.stack(list(readers.map(_decode, frame.pop(IMAGE))))
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a table of packed faces ({error}); pack the faces again") from None
    return Faces(frame, pixels)


def _decode(file: bytes) -> np.ndarray:
    import numpy as np
    from PIL import Image

    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))


def pack_faces(
    output: Annotated[Path, typer.Option("--output", "-o", help="Folder of the packed faces; made where missing.")],
    role: Annotated[Path, typer.Option(help="The prepared faces.")] = Path("data/prepared/train"),
) -> None:
    """Pack prepared faces into one small file."""
    started = time.monotonic()
    with plain_errors("pack_faces"):
        from defgan.faces.table import read_faces

        try:
            faces = read_faces(role)
        except MissingInputError as error:
            raise UserError(f"{error}; `dvc repro prepare@{role.name}` makes it first") from None
        path = write_packed(output, faces)
    console.print(
        f"{path}: {len(faces.frame)} faces of {faces.pixels.shape[1]} pixels, {path.stat().st_size / 2**20:.1f} MiB"
        f" ({time.monotonic() - started:.0f} s)",
        highlight=False,
    )


if __name__ == "__main__":
    typer.run(pack_faces)
