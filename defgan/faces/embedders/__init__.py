"""Identity embedders by name: frozen, differentiable networks from aligned crops to vectors that tell people apart.

The paper uses OpenFace. No package brings its weights or FaceNet's: they are downloaded once, or put by hand where
`weights_path` looks for them. dlib's network comes inside a package.
"""

import importlib
from types import MappingProxyType

import torch
import torch.nn.functional as F
from torch import Tensor

from defgan.errors import UserError
from defgan.faces.embedders.base import Embedder
from defgan.weight_files import weights_path

EMBEDDERS = MappingProxyType(
    {
        "dlib-resnet-128": "dlib ResNet-128",
        "facenet-vggface2": "FaceNet (VGGFace2)",
        "facenet-casia-webface": "FaceNet (CASIA-WebFace)",
        "openface-nn4.small2": "OpenFace nn4.small2",
    }
)
"""Name to label in tables; the names are also those of the files in `WEIGHTS`."""

_MODULES = {
    "dlib-resnet-128": "dlib_resnet",
    "facenet-vggface2": "facenet",
    "facenet-casia-webface": "facenet",
    "openface-nn4.small2": "openface_nn4",
}


def load_embedder(name: str) -> Embedder:
    """The frozen embedder of a name in `EMBEDDERS`: aligned crops N×3×H×H in [-1, 1] to N×d, differentiable.

    Raises UserError where the name is unknown or its weights cannot be had.
    """
    if name not in EMBEDDERS:
        raise UserError(f"{name}: no such embedder; choose one of {', '.join(EMBEDDERS)}")
    embedder = importlib.import_module(f"{__name__}.{_MODULES[name]}").read(weights_path(name))
    return embedder.eval().requires_grad_(False).to(memory_format=torch.channels_last)


def identity_distance(a: Tensor, b: Tensor) -> Tensor:
    """1 − cosine of two sets of embeddings, both N×D, shape (N,); 0 for the same direction, 2 for the opposite."""
    return 1 - F.cosine_similarity(a, b, dim=1)
