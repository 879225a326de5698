"""Make the weights that come with the project from trained models: `python -m stages.publish` (all that edit by AUs).

Reads models/NAME.safetensors and NAME.json; writes weights/ in half precision, each with the SHA-256 of its file.
"""

from pathlib import Path
from typing import Annotated

import typer

from defgan.editing.weights import EDITORS, publish
from stages.common import console, plain_errors


def main(
    names: Annotated[list[str] | None, typer.Argument(help="trained models; without it defgan and ganimation")] = None,
    models: Annotated[Path, typer.Option(help="Where the trained models lie.")] = Path("models"),
    output: Annotated[Path, typer.Option(help="Where the weights go.")] = Path("weights"),
) -> None:
    with plain_errors("publish"):
        for name in names or EDITORS:
            path = publish(name, models, output)
            console.print(f"{path}: {path.stat().st_size / 1e6:.1f} MB", highlight=False)


if __name__ == "__main__":
    typer.run(main)
