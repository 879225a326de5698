"""Train a model on the train role: `python -m stages.train defgan`."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import numpy as np
import pandas as pd
import typer
from safetensors.torch import save_file

from defgan.faces.table import read_faces
from defgan.files import atomic_directory, atomic_file
from defgan.models import TRAINABLE, architecture
from defgan.training.checkpoint import resume_root, run_key
from defgan.training.trainer import Trainer
from stages.common import console, stage

FINAL_ROWS = 5
"""Rows of the curves that the final values average."""


def own_settings(name: str, params: dict) -> dict:
    """The params that decide model `name`: the shared ones and its own coefficients."""
    shared = {key: params[key] for key in ("seed", "image_size", "training")}
    if name != "defgan":
        return {**shared, name: params[name]}
    return {**shared, **{k: v for k, v in params.items() if not isinstance(v, dict)}}


def train(name: Annotated[str, typer.Argument(help=f"{' | '.join(TRAINABLE)}")]) -> None:
    """Train NAME; its weights go to models/, its curves to metrics/, sample sheets to reports/training/NAME."""
    with stage(f"train@{name}") as (params, run):
        if name not in TRAINABLE:
            raise typer.BadParameter(f"unknown model {name!r}; known: {', '.join(TRAINABLE)}")
        settings = own_settings(name, params.model_dump())
        run.log_params(settings)
        faces = read_faces("data/prepared/train")
        state = resume_root() / run_key(name, settings, faces)
        if state.is_dir():
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

        curves = pd.DataFrame(trained.curves)
        final = {key: float(np.mean(curves[key].tail(FINAL_ROWS))) for key in curves.columns if key != "step"}
        final["au_error_d_held_out"] = trainer.held_out_au_error()
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
            f"AU error of D on held-out faces {final['au_error_d_held_out']:.3f}"
        )


def main() -> None:
    typer.run(train)


if __name__ == "__main__":
    main()
