"""Train a model on the train role: `python -m stages.train defgan`.

With `--plan` nothing is trained: it prints what the training would cost on this machine.
"""

import json
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from rich.table import Table
from safetensors.torch import save_file

from defgan.errors import plain_errors
from defgan.faces.table import read_faces
from defgan.files import atomic_directory, atomic_file
from defgan.models import MODELS, architecture
from defgan.params import load_params
from defgan.planning import make_plan, summary
from defgan.presets import preview
from defgan.training.checkpoint import resume_root, run_key
from defgan.training.trainer import Trainer
from stages.common import console, is_main_process, stage

PLACE_KEYS = ("devices", "nodes", "checkpoint_seconds")
FINAL_ROWS = 5
"""Rows of the curves that the final values average."""


def own_settings(name: str, params: dict) -> dict:
    """The params that decide model `name`: the shared ones and its own coefficients."""
    shared = {key: params[key] for key in ("seed", "image_size", "training")}
    # Where it runs decides nothing: a run may go on with other devices.
    shared["training"] = {k: v for k, v in shared["training"].items() if k not in PLACE_KEYS}
    if name != "defgan":
        return {**shared, name: params[name]}
    return {**shared, **{k: v for k, v in params.items() if not isinstance(v, dict)}}


def show_plan(name: str, preset: Path | None) -> None:
    """Measure and print what training NAME would cost; touches no output and no record."""
    with plain_errors(f"plan of {name}"):
        params = load_params() if preset is None else preview(preset)
        prepared = Path("data/prepared", MODELS[name].ROLE)
        with console.status(f"{name}: a few iterations, to measure them …"):
            plan = make_plan(name, params, read_faces(prepared) if prepared.is_dir() else None)
    table = Table(show_header=False, title=f"{name} by {preset or 'params.yaml'}")
    for row in summary(plan):
        table.add_row(*row)
    console.print(table)


def train(
    name: Annotated[str, typer.Argument(help=f"{' | '.join(MODELS)}")],
    plan: Annotated[bool, typer.Option("--plan", help="Only print what it would cost: sizes, FLOPs, time.")] = False,
    preset: Annotated[Path | None, typer.Option(help="With --plan: a preset to plan with.")] = None,
) -> None:
    """Train NAME; its weights go to models/, its curves to metrics/, sample sheets to reports/training/NAME."""
    if name not in MODELS:
        raise typer.BadParameter(f"unknown model {name!r}; known: {', '.join(MODELS)}")
    if plan:
        return show_plan(name, preset)
    if preset is not None:
        raise typer.BadParameter(f"--preset only goes with --plan; to train with it: python -m defgan.presets {preset}")
    with stage(f"train@{name}", "training") as (params, run):
        settings = own_settings(name, params.model_dump())
        run.log_params(settings)
        faces = read_faces(f"data/prepared/{MODELS[name].ROLE}")
        state = resume_root() / run_key(name, settings, faces)
        if state.is_dir() and is_main_process():
            console.print(f"{name}: going on from {state}")
        trainer = Trainer(
            name,
            params,
            faces,
            state,
            lambda step, row: run.log_metrics(row, step),
            lambda path: run.log_artifact(path, "sheets"),
        )
        trained = trainer.fit()
        if not is_main_process():
            return

        curves = pd.DataFrame(trained.curves)
        final = {key: float(np.mean(curves[key].tail(FINAL_ROWS))) for key in curves.columns if key != "step"}
        description = {"model": name, "architecture": architecture(name, params), "params": settings}
        with atomic_file(f"models/{name}.safetensors") as path:
            # In memory the weights are channels-last; a file holds them in the usual order.
            save_file({key: value.contiguous() for key, value in trained.model.state_dict().items()}, path)
        with atomic_file(f"models/{name}.json") as path:
            path.write_text(json.dumps(description, indent=2) + "\n")
        with atomic_file(f"metrics/train_{name}.csv") as path:
            curves.to_csv(path, index=False, float_format="%.6g")
        with atomic_file(f"metrics/train_{name}.json") as path:
            path.write_text(json.dumps(final, indent=2) + "\n")
        with atomic_directory(Path("reports/training", name)) as directory:
            shutil.copytree(state / "sheets", directory, dirs_exist_ok=True)
        shutil.rmtree(state)
        run.log_metrics({"final": final})
        run.log_artifact(f"models/{name}.safetensors")
        run.log_artifact(f"models/{name}.json")
        console.print(
            f"{name}: {trainer.iterations} iterations, loss_g {final['loss_g']:.3f}, "
            f"error of D on held-out faces {final['held_out_d']:.3f}, of their edits {final['held_out_g']:.3f}"
        )


def main() -> None:
    typer.run(train)


if __name__ == "__main__":
    main()
