"""Make the weights that come with the project from trained models: `python -m stages.publish` (all that edit by AUs).

Reads models/NAME.safetensors and NAME.json; writes weights/ in half precision, each with the SHA-256 of its file and
with where a face's five points lay in the crops that it learnt from.
"""

from pathlib import Path
from typing import Annotated

import typer

from defgan.editing.weights import EDITORS, mean_points, publish
from defgan.errors import plain_errors
from defgan.faces.table import read_faces
from stages.common import console


def main(
    names: Annotated[list[str] | None, typer.Argument(help="trained models; without it defgan and ganimation")] = None,
    models: Annotated[Path, typer.Option(help="Where the trained models lie.")] = Path("models"),
    data: Annotated[Path, typer.Option(help="The prepared faces that they learnt from.")] = Path("data/prepared/train"),
    photographs: Annotated[Path, typer.Option(help="What those were prepared from.")] = Path("data/corpus/train"),
    output: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("weights"),
) -> None:
    with plain_errors("publish"):
        points = mean_points(read_faces(data), photographs)
        for name in names or EDITORS:
            path = publish(name, models, output, points)
            console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", highlight=False)


if __name__ == "__main__":
    typer.run(main)
