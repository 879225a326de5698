"""Train supervised methods on rendered pairs for a given time, on a machine without DVC or the corpus' renderer.

    python -m tools.train_on_pairs FOLDER --preset presets/supervised.yaml --seconds 400 -o trained

FOLDER holds what `python -m tools.pack_pairs` made. A killed run goes on, with the whole time, when it is started
again.
"""

import shutil
import time
from pathlib import Path
from statistics import median
from typing import Annotated

import typer

from defgan import methods
from defgan.errors import UserError, plain_errors
from defgan.methods import registry
from stages.common import console

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
        from defgan.training.checkpoint import run_key
        from defgan.training.material import PairsMaterial
        from defgan.training.results import own_settings, write_curves, write_model
        from defgan.training.trainer import Trainer

        method = method or list(SUPERVISED)
        if unknown := sorted(set(method) - set(SUPERVISED)):
            raise UserError(f"--method {unknown[0]}: not supervised by pairs; known: {', '.join(SUPERVISED)}")
        if seconds and len(seconds) != len(method):
            raise UserError(f"--seconds is given {len(seconds)} times for {len(method)} methods; give one for each")
        params = presets.preview(preset) if preset else load_params()
        pairs = read_pairs(folder)
        size = pairs.images.shape[2]
        if size != params.image_size:
            raise UserError(f"{folder}: the pairs have {size} pixels, but image_size is {params.image_size}")
        learnt = PairsMaterial(pairs)
        for name, allowed in zip(method, seconds or [None] * len(method), strict=True):
            chosen, started = methods.get(name), time.monotonic()
            state = output / "resume" / run_key(name, own_settings(chosen, params), learnt.digest())
            speeds: list[float] = []
            trainer = Trainer(
                name,
                params,
                learnt,
                state,
                lambda _, row, speeds=speeds: speeds.append(row["images_per_s"]),
                lambda _: None,
                allowed,
            )
            trained = trainer.fit()
            steps = {
                "iterations": trainer.iterations,
                "seconds": round(time.monotonic() - started),
                "pairs_per_s": round(median(speeds)),
                "pairs": learnt.digest(),
            }
            write_model(output, chosen, params, trained, made=steps)
            final = write_curves(output, chosen, trained)
            shutil.copytree(trainer.sheets, output / "sheets" / name, dirs_exist_ok=True)
            shutil.rmtree(state)
            shown = ", ".join(f"{key} {value:.3f}" for key, value in final.items() if key.startswith("held_out"))
            console.print(f"{name}: {steps['iterations']} iterations in {steps['seconds']} s, {shown}", highlight=False)


if __name__ == "__main__":
    typer.run(main)
