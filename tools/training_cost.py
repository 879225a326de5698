"""What a training would cost on this machine, told before it starts: `python -m tools.training_cost defgan`.

Runs a few real iterations and keeps nothing of them. It is no stage: it makes no output.
"""

from pathlib import Path
from typing import Annotated

import typer
from rich.table import Table

from defgan import methods
from defgan.errors import plain_errors
from defgan.methods import registry
from defgan.params import load_params
from stages.common import console

TRAINED = tuple(method.name for method in registry.shown_faces())


def training_cost(
    name: Annotated[str, typer.Argument(help=" | ".join(TRAINED))],
    preset: Annotated[Path | None, typer.Option(help="A preset to plan with, in place of params.yaml alone.")] = None,
    faces: Annotated[int | None, typer.Option(help="Faces to learn from; without it, those that are prepared.")] = None,
) -> None:
    """Print sizes of the networks, FLOPs, memory and time of training NAME."""
    if name not in TRAINED:
        raise typer.BadParameter(f"unknown method {name!r}; known: {', '.join(TRAINED)}")
    with plain_errors(f"cost of {name}"):
        from benchmarks.cost import make_plan, summary
        from defgan.faces.table import read_faces
        from defgan.presets import preview

        params = load_params() if preset is None else preview(preset)
        prepared = Path("data/prepared", methods.get(name).role)
        with console.status(f"{name}: a few iterations, to measure them …"):
            plan = make_plan(name, params, read_faces(prepared) if prepared.is_dir() else None, faces)
    table = Table(show_header=False, title=f"{name} by {preset or 'params.yaml'}")
    for row in summary(plan):
        table.add_row(*row)
    console.print(table)


def main() -> None:
    """Entry point of `python -m tools.training_cost`."""
    typer.run(training_cost)


if __name__ == "__main__":
    main()
