"""Make the weights that come with the project from trained methods: `python -m tools.publish`.

Reads models/NAME.safetensors and NAME.json. Writes defgan/weights: the same in half precision; the JSON also holds the
SHA-256 of the weights and the mean five points of the faces in the crops that the method learnt from.
"""

from pathlib import Path
from typing import Annotated

import typer

from defgan.editing.trained_weights import DIRECTORY, mean_points, publish
from defgan.errors import plain_errors
from defgan.faces.table import read_faces
from defgan.methods import registry
from stages.common import console


def main(
    names: Annotated[list[str] | None, typer.Argument(help="Trained methods; by default all that edit by AUs.")] = None,
    models: Annotated[Path, typer.Option(help="Folder of the trained weights.")] = Path("models"),
    data: Annotated[Path, typer.Option(help="The prepared faces that they learnt from.")] = Path("data/prepared/train"),
    photographs: Annotated[Path, typer.Option(help="What those were prepared from.")] = Path("data/corpus/train"),
    output: Annotated[Path, typer.Option(help="Where the weights go.")] = DIRECTORY,
) -> None:
    """Write trained weights as those that come with the project."""
    with plain_errors("publish"):
        points = mean_points(read_faces(data), photographs)
        for name in names or [method.name for method in registry.told_aus()]:
            path = publish(name, models, output, points)
            console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", highlight=False)


if __name__ == "__main__":
    typer.run(main)
