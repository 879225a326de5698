"""The project's own trained weights: half precision, beside a JSON of the params that made them and a SHA-256."""

import hashlib
import json
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file

import defgan
from defgan import models
from defgan.editing.faces import THRESHOLD
from defgan.errors import UserError
from defgan.faces import alignment
from defgan.faces.detection import Detector
from defgan.faces.photographs import read_photograph
from defgan.faces.table import Faces
from defgan.files import atomic_file
from defgan.models.base import EditingModel

DIRECTORY = Path(defgan.__file__).resolve().parents[1] / "weights"
"""Where the weights lie that come with the project."""
EDITORS = ("defgan", "ganimation")
"""Models that edit by action units."""
DETECTED = 200
"""Photographs in which the mean points are looked for."""


def sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(name: str, directory: str | Path | None = None) -> tuple[EditingModel, dict[str, Any]]:
    """A model in eval mode and the JSON beside its weights, whose `sha256` is that of the file.

    `directory` may also be the `models` of a finished experiment, whose JSON holds neither hash nor points.
    """
    if name not in EDITORS:
        raise UserError(f"{name}: no such model; choose one of {', '.join(EDITORS)}")
    directory = DIRECTORY if directory is None else Path(directory)
    weights, description = directory / f"{name}.safetensors", directory / f"{name}.json"
    for path in (weights, description):
        if not path.is_file():
            raise UserError(
                f"{path}: no such file; give the folder with {name}.safetensors and {name}.json: --weights models"
            )
    content, digest = json.loads(description.read_text()), sha256(weights)
    if content.setdefault("sha256", digest) != digest:
        raise UserError(f"{weights}: SHA-256 is {digest}, {description.name} says {content['sha256']}; fetch it afresh")
    return models.load(name, directory), content


def mean_points(faces: Faces, folder: Path) -> np.ndarray:
    """Where the detector finds the five points of prepared faces on average, shares of the crops' side, float64 5×2.

    The points that a data set brings may lie elsewhere on a face than the detector's, by which photographs are aligned.
    `folder` holds the photographs; `DETECTED` of them are looked at. Raises UserError where no face is found.
    """
    detect, transforms, found = Detector(THRESHOLD), faces.crop_transforms(), []
    for row in np.random.default_rng(0).permutation(len(faces.frame))[:DETECTED]:
        [face] = detect([read_photograph(folder / faces.frame["source"].iloc[row]).pixels])
        if face is not None:
            found.append(alignment.apply(transforms[row], face.points))
    if not found:
        raise UserError(f"{folder}: the detector finds no face in {DETECTED} photographs of it")
    return np.mean(found, axis=0) / faces.pixels.shape[1]


def publish(name: str, source: str | Path, destination: str | Path, points: np.ndarray) -> Path:
    """Write a trained model's weights in half precision, with its JSON and their SHA-256; returns the weights' path.

    `points` are the mean five points of the crops that it was trained on, see `mean_points` and `FaceFinder`.
    The generators' weights are of the order of 0.01 to 1: half precision moves an edit by less than a grey level.
    """
    source, destination = Path(source), Path(destination)
    models.load(name, source)  # that it is whole, and a model of this project
    weights = {
        key: value.to(torch.float16) if value.is_floating_point() else value
        for key, value in load_file(source / f"{name}.safetensors").items()
    }
    for key, value in weights.items():
        if not torch.isfinite(value).all():
            raise UserError(f"{source / name}.safetensors: {key} does not fit half precision; train it again")
    path = destination / f"{name}.safetensors"
    with atomic_file(path) as temporary:
        save_file(weights, temporary)
    content = json.loads((source / f"{name}.json").read_text()) | {
        "points": np.round(points, 4).tolist(),
        "precision": "fp16",
        "sha256": sha256(path),
    }
    with atomic_file(destination / f"{name}.json") as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n")
    return path
