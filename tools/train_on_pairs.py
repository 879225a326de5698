"""Train supervised methods on rendered pairs for a given time, on a machine without DVC or the corpus' renderer.

    python -m tools.train_on_pairs FOLDER --preset presets/supervised.yaml --seconds 400 -o trained

FOLDER holds what `python -m tools.pack_pairs` made. A killed run goes on, with the whole time, when it is started
again.
"""

from pathlib import Path
from typing import Annotated

import typer

from defgan.errors import plain_errors
from defgan.methods import registry
from tools.training import check_size, timed, train_methods

SUPERVISED = tuple(method.name for method in registry.shown_pairs())


def main(
    folder: Annotated[Path, typer.Argument(help="Folder of the rendered pairs.")],
    method: Annotated[list[str] | None, typer.Option(help="By default all: " + ", ".join(SUPERVISED))] = None,
    seconds: Annotated[list[float] | None, typer.Option(help="For each --method; else params decide.")] = None,
    preset: Annotated[Path | None, typer.Option(help="Values that replace those of params.yaml.")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="Weights, curves, sample sheets.")] = Path("trained"),
) -> None:
    """Train methods one after the other."""
    with plain_errors("train_on_pairs"):
        from defgan import presets
        from defgan.pairs import read_pairs
        from defgan.params import load_params
        from defgan.training.material import PairsMaterial

        chosen = timed(method, seconds, SUPERVISED)
        params = presets.preview(preset) if preset else load_params()
        pairs = read_pairs(folder)
        check_size(folder, pairs.images.shape[2], params)
        learnt = PairsMaterial(pairs)
        train_methods(chosen, params, lambda _: learnt, output)


if __name__ == "__main__":
    typer.run(main)
