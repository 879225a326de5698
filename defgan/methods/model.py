"""A method's networks: freshly made, or loaded from safetensors."""

import json
import platform
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import load_file, save
from torch import Tensor, nn

from defgan import methods
from defgan.errors import MissingInputError
from defgan.files import atomic_file
from defgan.methods.base import Edit, Method


def computes_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16; elsewhere its convolutions are emulated, many times slower."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    if device.type != "cpu":
        return True
    if platform.machine().lower() in ("x86_64", "amd64"):
        # oneDNN says yes to every processor with AVX-512, and emulates.
        return torch.cpu._is_avx512_bf16_supported() or torch.cpu._is_amx_tile_supported()
    return torch.ops.mkldnn._is_mkldnn_bf16_supported()


class Model(nn.Module):
    """The networks of a method, ready to edit.

    Args:
        method: whose networks these are.
        precision: "bf16-mixed" runs their convolutions in bfloat16 where the device computes in it, "32-true" never.
        architecture: what `Method.networks` takes.
    """

    def __init__(self, method: Method, precision: str, **architecture: Any):
        super().__init__()
        self.method, self.bf16 = method, precision == "bf16-mixed"
        for name, network in method.networks(**architecture).items():
            self.add_module(name, network)

    def autocast(self, images: Tensor) -> torch.autocast:
        """The precision of the convolutions, for the device of some images."""
        device = images.device
        enabled = self.bf16 and computes_bfloat16(device)
        # Weights are cast once in a pass anyway, and a captured step must not keep what it cast.
        return torch.autocast(device.type, torch.bfloat16, enabled=enabled, cache_enabled=device.type != "cuda")

    def edit(self, images: Tensor, x: Tensor, y: Tensor) -> Edit:
        """Images N×3×H×W in [-1, 1] of condition x to condition y, both N×n."""
        return self.method.edit(self, images, x, y)


def create(name: str, architecture: dict[str, Any]) -> Model:
    """A freshly initialised model; draws from torch's global generator."""
    return Model(methods.get(name), **architecture)


def load(name: str, directory: str | Path = "models") -> Model:
    """A model in eval mode, from NAME.safetensors and NAME.json where its method is trained.

    Raises MissingInputError where they are not there.
    """
    method = methods.get(name)
    if not method.trained:
        return Model(method, "32-true").eval()
    weights, description = Path(directory, f"{name}.safetensors"), Path(directory, f"{name}.json")
    for path in (weights, description):
        if not path.is_file():
            raise MissingInputError(f"{path}: no such file; the model is not trained yet")
    model = create(name, json.loads(description.read_text(encoding="utf-8"))["architecture"])
    model.load_state_dict(load_file(weights))
    return model.eval()


def save_weights(weights: Mapping[str, Tensor], path: str | Path) -> None:
    """Write weights to a safetensors file, with the permissions that files usually have."""
    with atomic_file(path) as temporary:
        # `save_file` of safetensors 0.8 makes files that nobody but their owner can read. In memory the weights are
        # channels-last; a file holds them in the usual order.
        temporary.write_bytes(save({key: value.contiguous() for key, value in weights.items()}))
