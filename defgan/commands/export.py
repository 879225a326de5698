"""`defgan export`: a trained model in a form that other programs read."""

from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from defgan.editing import DEFAULT, EDITORS

app = typer.Typer(no_args_is_help=True, help="Write a trained model for other programs.")
console = Console(highlight=False, soft_wrap=True)


@app.callback()
def export() -> None:
    """Write a trained model for other programs."""


@app.command()
def onnx(
    directory: Annotated[Path, typer.Argument(help="Folder for NAME.onnx.")],
    model: Annotated[str, typer.Option(help=f"One of {', '.join(EDITORS)}.")] = DEFAULT,
    weights: Annotated[
        Path | None, typer.Option(help="Folder with NAME.safetensors and NAME.json; default: the project's own.")
    ] = None,
) -> None:
    """Write the generators with the warp between them as one ONNX graph, and check it against torch."""
    from defgan.editing.onnx_export import INPUTS, export_onnx

    path, worst = export_onnx(model, directory, weights)
    console.print(f"{path}: inputs {', '.join(INPUTS)}; differs from torch by at most {worst:.1g}")
