"""Train the paper's methods on packed faces for a given time, on a machine without DVC or the corpus' renderer.

    python -m tools.train_on_faces FOLDER --preset presets/gpu.yaml --seconds 240 --seconds 200 -o trained

FOLDER holds what `python -m tools.pack_faces` made. A killed run goes on, with the whole time, when it is started
again; methods that it had finished are not trained again.
"""

from pathlib import Path
from typing import Annotated

import typer

from defgan.errors import plain_errors
from defgan.methods import registry
from tools.training import check_size, timed, train_methods

SELF_SUPERVISED = tuple(method.name for method in registry.told_aus() if method.role == "train")


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of the packed faces.")],
    method: Annotated[list[str] | None, typer.Option(help="By default all: " + ", ".join(SELF_SUPERVISED))] = None,
    seconds: Annotated[list[float] | None, typer.Option(help="For each --method; else params decide.")] = None,
    preset: Annotated[Path | None, typer.Option(help="Values that replace those of params.yaml.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Weights, curves, sample sheets.")] = Path("trained"),
) -> None:
    """Train methods one after the other."""
    with plain_errors("train_on_faces"):
        from defgan import presets
        from defgan.params import load_params
        from defgan.training.material import FacesMaterial
        from tools.pack_faces import read_packed

        chosen = timed(method, seconds, SELF_SUPERVISED)
        params = presets.preview(preset) if preset else load_params()
        faces = read_packed(folder)
        check_size(folder, faces.pixels.shape[1], params)
        train_methods(chosen, params, lambda method: FacesMaterial(faces, method), output)


if __name__ == "__main__":
    typer.run(main)
