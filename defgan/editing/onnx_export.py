"""A trained model as an ONNX graph: the generators with the warp between them, for programs without torch.

The graph takes what the networks take, an aligned crop and two AU vectors, and gives the parts of the edit. Finding the
face, estimating its AUs, aligning the crop and bringing the edit back into the photograph remain with the program that
runs it: `METADATA` names what it needs to know.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from defgan.editing.trained_weights import read_weights
from defgan.errors import UserError
from defgan.facs import AU_NAMES
from defgan.files import atomic_file
from defgan.methods.model import Model

OPSET = 18
INPUTS = ("image", "x", "y")
"""ℐ_x, float32 N×3×S×S in [-1, 1], red first; its AUs and the target AUs, float32 N×17 in [0, 1]."""
OUTPUTS = ("edited", "deformed", "grid", "mask", "texture")
"""ℐ_y, ℐ*_y, 𝒢, ℳ and 𝒯 as in `defgan.methods.base.Edit`; a model without a part lacks that output."""
TOLERANCE = 1e-3
"""Largest difference between the graph's outputs and torch's."""
METADATA = ("model", "image_size", "action_units", "points", "weights_sha256")
"""Keys of the graph's metadata: JSON values, of which `points` are the five points of a crop as shares of its side."""


class _Graph(nn.Module):
    """An edit whose inputs and outputs are tensors alone; outputs that are None are left out."""

    def __init__(self, model: Model):
        super().__init__()
        self.model = model

    def forward(self, image: Tensor, x: Tensor, y: Tensor) -> tuple[Tensor, ...]:
        return tuple(part for part in self.model.edit(image, x, y) if part is not None)


def export_onnx(name: str, directory: str | Path, weights: str | Path | None = None) -> tuple[Path, float]:
    """Write NAME.onnx into a folder; return its path and the largest difference from torch on random input.

    Args:
        name: one of `defgan.editing.EDITORS`.
        directory: made where it is not there.
        weights: folder of NAME.safetensors and NAME.json; None: the project's own.

    Raises:
        UserError: unknown or missing weights, packages that are not installed, or a graph that differs from torch by
            more than `TOLERANCE`, of which nothing is written.
    """
    try:
        import onnx
        import onnxruntime
        import onnxscript  # noqa: F401 - torch's exporter is built on it
    except ModuleNotFoundError as error:
        raise UserError(f"the package {error.name} is missing; the extra `onnx` installs it") from None
    model, content = read_weights(name, weights)
    model.bf16 = False
    size = content["params"]["image_size"]
    graph = _Graph(model).eval()
    inputs = _random_inputs(size)
    with torch.inference_mode():
        edit = model.edit(*inputs)
    outputs = [label for label, part in zip(OUTPUTS, edit, strict=True) if part is not None]
    exported = torch.onnx.export(
        graph,
        inputs,
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS),
        output_names=outputs,
        dynamic_shapes=[{0: torch.export.Dim.DYNAMIC}] * len(INPUTS),
        verbose=False,
    )
    proto = exported.model_proto
    onnx.helper.set_model_props(proto, _metadata(name, content))
    onnx.checker.check_model(proto)
    serialised = proto.SerializeToString()
    session = onnxruntime.InferenceSession(serialised, providers=["CPUExecutionProvider"])
    got = session.run(outputs, {key: value.numpy() for key, value in zip(INPUTS, inputs, strict=True)})
    wanted = [part.numpy() for part in edit if part is not None]
    worst = max(float(np.abs(a - b).max()) for a, b in zip(got, wanted, strict=True))
    if not worst <= TOLERANCE:
        raise UserError(f"{name}: the ONNX graph differs from torch by {worst:.2g}, more than {TOLERANCE:g}")
    path = Path(directory, f"{name}.onnx")
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_file(path) as temporary:
        temporary.write_bytes(serialised)
    return path, worst


def _random_inputs(size: int) -> tuple[Tensor, Tensor, Tensor]:
    """Two images with smooth content and random AUs, as the graph takes them."""
    generator = torch.Generator().manual_seed(0)
    coarse = torch.rand(2, 3, 8, 8, generator=generator) * 2 - 1
    image = nn.functional.interpolate(coarse, (size, size), mode="bilinear")
    return image, torch.rand(2, len(AU_NAMES), generator=generator), torch.rand(2, len(AU_NAMES), generator=generator)


def _metadata(name: str, content: Mapping[str, Any]) -> dict[str, str]:
    values = {
        "model": name,
        "image_size": content["params"]["image_size"],
        "action_units": list(AU_NAMES),
        "points": content.get("points"),
        "weights_sha256": content["sha256"],
    }
    return {key: json.dumps(value) for key, value in values.items()}
