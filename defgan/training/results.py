"""What a training leaves on disk: weights, what made them, curves."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from defgan.files import atomic_file
from defgan.methods.model import save_weights

if TYPE_CHECKING:
    from defgan.methods.base import Method
    from defgan.params import Params
    from defgan.training.trainer import Trained

PLACE_KEYS = ("devices", "nodes", "compile", "checkpoint_seconds")
"""Of `training`: where it runs decides nothing, and a run may go on with other devices, with graphs or without."""
FINAL_ROWS = 5
"""Rows of the curves that the final values average."""


def own_settings(method: Method, params: Params) -> dict[str, Any]:
    """The params that decide a method, as plain values: the shared ones and its own coefficients."""
    values = params.model_dump()
    training = method.training(params).model_dump(exclude=set(PLACE_KEYS))
    shared = {"seed": values["seed"], "image_size": values["image_size"], "training": training}
    own = (method.block,) if method.block else method.Coefficients.model_fields
    return {**shared, **{key: values[key] for key in own}}


def write_model(directory: str | Path, method: Method, params: Params, trained: Trained, **more: Any) -> None:
    """NAME.safetensors and NAME.json; `more` is added to what the JSON says of the training."""
    directory, settings = Path(directory), own_settings(method, params)
    description = {"model": method.name, "architecture": method.architecture(params), "params": settings, **more}
    save_weights(trained.model.state_dict(), directory / f"{method.name}.safetensors")
    with atomic_file(directory / f"{method.name}.json") as path:
        path.write_text(json.dumps(description, indent=2) + "\n", encoding="utf-8")


def write_curves(directory: str | Path, method: Method, trained: Trained) -> Mapping[str, float]:
    """train_NAME.csv, and in train_NAME.json the final values, which are returned: means of the last rows."""
    curves = pd.DataFrame(trained.curves)
    final = {key: float(curves[key].tail(FINAL_ROWS).mean()) for key in curves.columns if key != "step"}
    with atomic_file(Path(directory) / f"train_{method.name}.csv") as path:
        curves.to_csv(path, index=False, float_format="%.6g")
    with atomic_file(Path(directory) / f"train_{method.name}.json") as path:
        path.write_text(json.dumps(final, indent=2) + "\n", encoding="utf-8")
    return final
