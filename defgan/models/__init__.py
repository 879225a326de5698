"""The models by name: made from params, or loaded from safetensors."""

import json
from pathlib import Path

from safetensors.torch import load_file

from defgan.errors import UserError
from defgan.models.base import EditingModel, TrainableModel
from defgan.models.copying import CopyInput
from defgan.models.defgan import DefGAN
from defgan.models.ganimation import GANimation
from defgan.models.stargan import StarGAN
from defgan.params import GANimationParams, Params, StarGANParams

MODELS = {"defgan": DefGAN, "ganimation": GANimation, "stargan": StarGAN}


def coefficients(name: str, params: Params) -> Params | GANimationParams | StarGANParams:
    """Model `name`'s own coefficients: DefGAN's are top-level keys, a baseline's a block."""
    return params if name == "defgan" else getattr(params, name)


def architecture(name: str, params: Params) -> dict[str, object]:
    """The arguments that make model `name`, for its constructor and for the JSON beside its weights."""
    training = params.training
    arguments = {
        "channels": training.channels,
        "residual_blocks": training.residual_blocks,
        "precision": training.precision,
    }
    if name != "defgan":
        return arguments
    own = ("max_offset", "use_deformation", "use_texture")
    return {**arguments, **{key: getattr(params, key) for key in own}}


def create(name: str, arguments: dict[str, object]) -> TrainableModel:
    """A freshly initialised model; draws from torch's global generator."""
    return MODELS[name](**arguments)


def load(name: str, directory: str | Path = "models") -> EditingModel:
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
