"""A trained method as a model of MLflow's: its signature, what it was taught, and how MLflow loads it.

The file `MLmodel` beside the weights names this module, and `mlflow.pyfunc.load_model` calls `_load_pyfunc`. Weights
are safetensors and their description is JSON: nothing is pickled.
"""

import hashlib
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from defgan import methods
from defgan.editing.onnx_export import INPUTS, OUTPUTS
from defgan.methods.base import PAIRS
from defgan.methods.model import load


class LoadedModel:
    """What `mlflow.pyfunc.load_model` wraps: the model whose weights lie alone in a folder."""

    def __init__(self, folder: Path) -> None:
        [weights] = folder.glob("*.safetensors")
        self._model = load(weights.stem, folder)

    def predict(self, data: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The parts of the edit by `OUTPUTS`, float32, for `INPUTS`; shapes and ranges are those of `Model.edit`."""
        inputs = (torch.from_numpy(np.array(data[name], np.float32)) for name in INPUTS)
        with torch.inference_mode():
            edit = self._model.edit(*inputs)
        return {name: part.float().numpy() for name, part in zip(OUTPUTS, edit, strict=True) if part is not None}


def _load_pyfunc(path: str) -> LoadedModel:
    """MLflow's name for what loads a model."""
    return LoadedModel(Path(path))


def describe(folder: Path) -> dict[str, Any]:
    """What MLflow is told of the model whose weights and description lie in a folder, as plain values.

    `inputs` and `outputs`: its signature in MLflow's JSON, of what it gives for an image; `about`: by name, as text;
    `params`: those that it was trained with.
    """
    [described] = folder.glob("*.json")
    content = json.loads(described.read_text(encoding="utf-8"))
    method, size = methods.get(content["model"]), content["params"]["image_size"]
    vector = np.zeros((1, len(method.condition.names)), np.float32)
    inputs = dict(zip(INPUTS, (np.zeros((1, 3, size, size), np.float32), vector, vector), strict=True))
    told = "intensities of action units in [0, 1]" if method.told_aus else "labels in [0, 1]"
    settings = json.dumps(content["params"], sort_keys=True)
    return {
        "inputs": _tensors(inputs),
        "outputs": _tensors(LoadedModel(folder).predict(inputs)),
        "about": {
            "method": method.title,
            "image": "aligned faces in [-1, 1], red first",
            "x": f"of the image: {told}: {', '.join(method.condition.names)}",
            "y": "of the edit, as x",
            "taught": "rendered pairs: the true edits were shown" if method.role == PAIRS else "single images",
            "params_sha256": hashlib.sha256(settings.encode()).hexdigest(),
            "weights_sha256": hashlib.sha256(described.with_suffix(".safetensors").read_bytes()).hexdigest(),
        },
        "params": content["params"],
    }


def _tensors(arrays: Mapping[str, np.ndarray]) -> list[dict[str, Any]]:
    """MLflow's JSON for named tensors of any number of images."""
    return [
        {
            "name": name,
            "type": "tensor",
            "tensor-spec": {"dtype": str(array.dtype), "shape": [-1, *array.shape[1:]]},
        }
        for name, array in arrays.items()
    ]
