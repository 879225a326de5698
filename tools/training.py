"""Train methods one after the other where only files come and go: no DVC, no MLflow, no renderer, no network.

`tools.train_on_faces` and `tools.train_on_pairs` are the commands.
"""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median
from typing import TYPE_CHECKING, Any

from defgan import methods
from defgan.errors import UserError
from defgan.files import atomic_directory
from stages.common import console

if TYPE_CHECKING:
    from defgan.methods.base import Method
    from defgan.params import Params
    from defgan.training.material import Material

_ENDLESS = 10**9
_LOG_EVERY = 50
"""Iterations between two rows of the curves: on a GPU the held-out errors of a row take as long as an iteration."""


def timed(
    names: Sequence[str] | None, seconds: Sequence[float] | None, known: Sequence[str]
) -> list[tuple[Method, float | None]]:
    """The methods, by default all that are known, each with its seconds; None: as long as the params say.

    Raises UserError where a method is not known, or the seconds are not one positive number for each method.
    """
    names = names or known
    if unknown := [name for name in names if name not in known]:
        raise UserError(f"--method {unknown[0]}: does not learn from this folder; those that do: {', '.join(known)}")
    if seconds and len(seconds) != len(names):
        raise UserError(f"--seconds is given {len(seconds)} times for {len(names)} methods; give one for each")
    if short := [value for value in seconds or () if not value > 0]:
        raise UserError(f"--seconds {short[0]:g}: give more than 0")
    return [(methods.get(name), allowed) for name, allowed in zip(names, seconds or [None] * len(names), strict=True)]


def check_size(folder: Path, size: int, params: Params) -> None:
    """Raises UserError where the images of a folder have another side, `size`, than the params ask for."""
    if size != params.image_size:
        raise UserError(
            f"{folder}: the images have {size} pixels, but image_size is {params.image_size}; "
            "--preset names the preset that they were made with"
        )


def train_methods(
    chosen: Sequence[tuple[Method, float | None]],
    params: Params,
    material_of: Callable[[Method], Material],
    output: Path,
) -> None:
    """Train each method for its seconds; into `output` go NAME.safetensors, NAME.json, train_NAME.* and sheets/NAME.

    A killed run goes on from the state in `output`/resume, with the whole time. A method whose results are there, of
    the same params, data and seconds, is not trained again. NAME.json says under "made" what a run did.
    """
    for method, allowed in chosen:
        _train(method, allowed, params, material_of(method), output)


def _train(method: Method, allowed: float | None, params: Params, learnt: Material, output: Path) -> None:
    # Here, not above: they bring torch, and `--help` must not wait for it.
    from defgan.training.checkpoint import run_key
    from defgan.training.results import own_settings, write_curves, write_model
    from defgan.training.trainer import Trainer

    name, started = method.name, time.monotonic()
    settings, asked = own_settings(method, params), {"data": learnt.digest(), "seconds_allowed": allowed}
    if _is_done(output, name, settings, asked):
        console.print(f"{name}: {output / name}.safetensors is already trained so", highlight=False)
        return
    state, speeds = output / "resume" / run_key(name, settings, asked["data"]), []
    trainer = Trainer(
        name,
        params,
        learnt,
        state,
        lambda _, row: speeds.append(row["images_per_s"]),
        lambda _: None,
        allowed,
        _LOG_EVERY,
    )
    if allowed is not None and trainer.state_path.is_file():
        # The clock alone ends the run: what a killed one had made may be more than the params ask for.
        trainer.iterations = _ENDLESS
    trained = trainer.fit()
    made = {
        "iterations": trainer.iterations,
        "seconds": round(time.monotonic() - started),
        "images_per_s": round(median(speeds)) if speeds else None,  # none: killed after the last iteration
        **asked,
    }
    final = write_curves(output, method, trained)
    with atomic_directory(output / "sheets" / name) as directory:
        shutil.copytree(trainer.sheets, directory, dirs_exist_ok=True)
    # The last to be written is the JSON: where it is, all is.
    write_model(output, method, params, trained, made=made)
    shutil.rmtree(state)
    shown = ", ".join(f"{key} {value:.3f}" for key, value in final.items() if key.startswith("held_out"))
    console.print(f"{name}: {made['iterations']} iterations in {made['seconds']} s, {shown}", highlight=False)


def _is_done(output: Path, name: str, settings: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether the results of the same run are there."""
    described = output / f"{name}.json"
    if not described.is_file() or not (output / f"{name}.safetensors").is_file():
        return False
    found = json.loads(described.read_text(encoding="utf-8"))
    same = found["params"] == json.loads(json.dumps(settings))
    return same and asked.items() <= found.get("made", {}).items()
