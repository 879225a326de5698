"""A face, and models of the smallest size with random weights, whose edits are visible."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import save_file

from defgan import methods
from defgan.demo.examples import examples
from defgan.editing import EDITORS
from defgan.editing.editor import Editor
from defgan.editing.face_finder import FaceFinder
from defgan.methods.model import create
from defgan.params import load_params
from tests.conftest import ROOT

CROP = 32


@pytest.fixture(autouse=True, scope="session")
def one_thread():
    """MTCNN's small operations on several threads are slow where the cores are busy."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def face_file() -> Path:
    """A rendered person, 512×512 JPEG."""
    return examples()[0]


@pytest.fixture(scope="session")
def face_pixels(face_file) -> np.ndarray:
    with Image.open(face_file) as image:
        return np.asarray(image.convert("RGB"))


@pytest.fixture(scope="session")
def weights(tmp_path_factory) -> Path:
    """A folder of random weights of all models."""
    directory = tmp_path_factory.mktemp("models")
    params = load_params(ROOT / "params.yaml")
    training = {"channels": 4, "residual_blocks": 1, "precision": "32-true"}
    params = params.model_copy(update={"training": params.training.model_copy(update=training)})
    for name in EDITORS:
        torch.manual_seed(0)
        arguments = methods.get(name).architecture(params)
        state = create(name, arguments).state_dict()
        # The edits of fresh weights are hardly visible.
        state = {key: value * 20 if "head" in key else value for key, value in state.items()}
        save_file(state, directory / f"{name}.safetensors")
        content = {"model": name, "architecture": arguments, "params": {"image_size": CROP}}
        (directory / f"{name}.json").write_text(json.dumps(content))
    return directory


@pytest.fixture(scope="session")
def find() -> FaceFinder:
    return FaceFinder(CROP)


@pytest.fixture(scope="session")
def editor(weights, find) -> Editor:
    return Editor.load("defgan", weights, find)


@pytest.fixture(scope="session")
def faces(find, face_pixels):
    """The one face of the rendered person."""
    return find(face_pixels)
