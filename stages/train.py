"""Train a method on its role's faces: `python -m stages.train defgan`."""

import json
import shutil
from pathlib import Path
from typing import Annotated

import typer

from defgan import methods
from defgan.faces.table import read_faces
from defgan.files import atomic_directory, atomic_file
from stages.common import console, is_main_process, stage, state_directory

PLACE_KEYS = ("devices", "nodes", "checkpoint_seconds")
FINAL_ROWS = 5
"""Rows of the curves that the final values average."""
TRAINED = tuple(method.name for method in methods.trained())


def own_settings(method: methods.Method, params: dict) -> dict:
    """The params that decide a method: the shared ones and its own coefficients."""
    shared = {key: params[key] for key in ("seed", "image_size", "training")}
    # Where it runs decides nothing: a run may go on with other devices.
    shared["training"] = {k: v for k, v in shared["training"].items() if k not in PLACE_KEYS}
    own = (method.block,) if method.block else method.Coefficients.model_fields
    return {**shared, **{key: params[key] for key in own}}


def train(name: Annotated[str, typer.Argument(help=" | ".join(TRAINED))]) -> None:
    """Train NAME; its weights go to models/, its curves to metrics/, sample sheets to reports/training/NAME."""
    if name not in TRAINED:
        raise typer.BadParameter(f"unknown method {name!r}; known: {', '.join(TRAINED)}")
    with stage("train", "training", item=name) as (params, run):
        # Here, not above: they bring torch, and `--help` must not wait for it.
        import pandas as pd
        from safetensors.torch import save_file

        from defgan.training.checkpoint import run_key
        from defgan.training.trainer import Trainer

        method = methods.get(name)
        settings = own_settings(method, params.model_dump())
        run.log_params(settings)
        faces = read_faces(f"data/prepared/{method.role}")
        state = state_directory("resume") / run_key(name, settings, faces)
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
        final = {key: float(curves[key].tail(FINAL_ROWS).mean()) for key in curves.columns if key != "step"}
        description = {"model": name, "architecture": method.architecture(params), "params": settings}
        with atomic_file(f"models/{name}.safetensors") as path:
            # In memory the weights are channels-last; a file holds them in the usual order.
            save_file({key: value.contiguous() for key, value in trained.model.state_dict().items()}, path)
        with atomic_file(f"models/{name}.json") as path:
            path.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")
        with atomic_file(f"metrics/train_{name}.csv") as path:
            curves.to_csv(path, index=False, float_format="%.6g")
        with atomic_file(f"metrics/train_{name}.json") as path:
            path.write_text(json.dumps(final, indent=2) + "\n", encoding="utf-8")
        with atomic_directory(Path("reports/training", name)) as directory:
            shutil.copytree(state / "sheets", directory, dirs_exist_ok=True)
        shutil.rmtree(state)
        run.log_metrics({"final": final})
        run.log_artifact(f"models/{name}.safetensors")
        run.log_artifact(f"models/{name}.json")
        shown = {key: value for key, value in final.items() if key.startswith(("loss", "held_out"))}
        errors = ", ".join(f"{key} {value:.3f}" for key, value in shown.items())
        console.print(f"{name}: {trainer.iterations} iterations, {errors}", highlight=False)


def main() -> None:
    typer.run(train)


if __name__ == "__main__":
    main()
