"""The models by name: made from params, or loaded from safetensors."""

import json
from pathlib import Path

from safetensors.torch import load_file
from torch import nn

from defgan.errors import UserError
from defgan.models.copying import CopyInput
from defgan.models.defgan import DefGAN
from defgan.models.ganimation import GANimation
from defgan.params import Params

_CLASSES = {"defgan": DefGAN, "ganimation": GANimation}
TRAINABLE = tuple(_CLASSES)


def architecture(name: str, params: Params) -> dict[str, object]:
    """The arguments that make model `name`, for its constructor and for the JSON beside its weights."""
    training = params.training
    arguments = {
        "channels": training.channels,
        "residual_blocks": training.residual_blocks,
        "precision": training.precision,
    }
    return {**arguments, "max_offset": params.max_offset} if name == "defgan" else arguments


def create(name: str, arguments: dict[str, object]) -> nn.Module:
    """A freshly initialised model; draws from torch's global generator."""
    return _CLASSES[name](**arguments)


def load(name: str, directory: str | Path = "models") -> nn.Module:
    """A trained model in eval mode from NAME.safetensors and NAME.json; "copy" is the copy-input baseline."""
    if name == "copy":
        return CopyInput()
    weights, description = Path(directory, f"{name}.safetensors"), Path(directory, f"{name}.json")
    for path in (weights, description):
        if not path.is_file():
            raise UserError(f"{path}: no such file; train the model first: dvc repro train@{name}")
    model = create(name, json.loads(description.read_text())["architecture"])
    model.load_state_dict(load_file(weights))
    return model.eval()
