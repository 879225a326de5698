"""Train a method on its role: `python -m stages.train defgan`."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from defgan import methods
from defgan.errors import UserError
from defgan.files import atomic_directory
from defgan.methods.base import PAIRS
from stages.common import beside, console, is_main_process, select, stage, state_directory


def train(name: Annotated[str, typer.Argument(help="One of those in defgan/methods/registry.py that learn.")]) -> None:
    """Train NAME; its weights go to models/, its curves to metrics/, sample sheets to reports/training/NAME."""
    with stage("train", "training", item=name) as (params, run):
        # Here, not above: they bring torch, and `--help` must not wait for it.
        from defgan.training import material
        from defgan.training.checkpoint import run_key
        from defgan.training.results import own_settings, write_curves, write_model
        from defgan.training.trainer import Trainer

        method = methods.get(name)
        if not method.trained:
            raise UserError(f"{name}: this method has nothing to learn")
        settings = own_settings(method, params)
        run.log_params(beside(name, settings, select(params, "training")))
        learnt = material.read(method)
        digest = learnt.digest()
        run.log_data("data/pairs" if method.role == PAIRS else f"data/prepared/{method.role}", digest)
        state = state_directory("resume") / run_key(name, settings, digest)
        if state.is_dir() and is_main_process():
            console.print(f"{name}: going on from {state}")
        trainer = Trainer(
            name,
            params,
            learnt,
            state,
            lambda step, row: run.log_metrics(row, step),
            lambda path: run.log_artifact(path, "sheets"),
        )
        trained = trainer.fit()
        if not is_main_process():
            return

        write_model("models", method, params, trained)
        final = write_curves("metrics", method, trained)
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
