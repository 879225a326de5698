"""`defgan expressions`: the named expressions, as a file that can be changed."""

from pathlib import Path
from typing import Annotated

import typer

from defgan.editing.words import read_expressions, write_expressions
from defgan.facs import PRESETS


def expressions(
    path: Annotated[Path | None, typer.Argument(help="A file of your own; it is checked and added.")] = None,
) -> None:
    """Print the named expressions as YAML: action units with intensities in [0, 1]; units not named are 0.

    `defgan expressions > mine.yaml` is a start for a file of your own, `defgan edit --expressions mine.yaml`.
    """
    typer.echo(write_expressions(PRESETS if path is None else read_expressions(path)), nl=False)
