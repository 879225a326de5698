"""Edit the faces as planned: `python -m stages.edit defgan`."""

from pathlib import Path
from typing import Annotated

import pandas as pd
import typer

from defgan.evaluation.edits import write_edits
from defgan.faces.table import read_inputs
from defgan.files import atomic_directory, existing
from defgan.methods.model import load
from stages.common import console, stage


def edit(name: Annotated[str, typer.Argument(help="a trained method, or copy: the input unchanged")]) -> None:
    """Apply method NAME to data/plan.parquet and write edits/NAME."""
    with stage("edit", "edit", item=name) as (params, run):
        plan = pd.read_parquet(existing("data/plan.parquet"))
        inputs = read_inputs(plan, "data/prepared")
        with atomic_directory(Path("edits", name)) as directory:
            write_edits(directory, load(name), inputs, plan, params.edit.batch_size)
        run.log_metrics({"edits": len(plan)})
        console.print(f"{name}: {len(plan)} edits of {plan['image_id'].nunique()} faces in edits/{name}")


def main() -> None:
    """Entry point of `python -m stages.edit`."""
    typer.run(edit)


if __name__ == "__main__":
    main()
