"""Trained weights of the models that edit photographs: reading them, and making those that come with the project.

The project's own lie in `DIRECTORY`, in half precision. Beside each file a JSON holds the params that made it and the
file's SHA-256.
"""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from safetensors.torch import load_file

import defgan
from defgan import alignment
from defgan.editing import EDITORS
from defgan.editing.face_finder import THRESHOLD
from defgan.errors import UserError
from defgan.faces.turns import TurningDetector
from defgan.files import atomic_file
from defgan.methods.model import Model, load, save_weights
from defgan.photographs import read_photograph

if TYPE_CHECKING:
    from defgan.faces.table import Faces

DIRECTORY = Path(defgan.__file__).resolve().parent / "weights"
"""The weights that come with the project."""
DETECTED = 200
"""Number of photographs over which `mean_points` takes the mean."""


def _files(name: str, directory: Path) -> tuple[Path, Path]:
    return directory / f"{name}.safetensors", directory / f"{name}.json"


def available(directory: str | Path | None = None) -> tuple[str, ...]:
    """Those of `EDITORS` whose weights lie in a folder; without one, in the project's own.

    Raises UserError where there are none.
    """
    directory = DIRECTORY if directory is None else Path(directory)
    names = tuple(name for name in EDITORS if all(path.is_file() for path in _files(name, directory)))
    if not names:
        raise UserError(f"{directory}: no weights here; give a folder with NAME.safetensors and NAME.json")
    return names


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def read_weights(name: str, directory: str | Path | None = None) -> tuple[Model, dict[str, Any]]:
    """A model in eval mode, and the JSON beside its weights with the weights' SHA-256 in `sha256`.

    `directory` may also be the folder `models` of a finished experiment; its JSON has no hash and no points. Raises
    UserError for an unknown name, for missing files, and where the weights do not have the SHA-256 of the JSON.
    """
    if name not in EDITORS:
        raise UserError(f"{name}: no such model; choose one of {', '.join(EDITORS)}")
    directory = DIRECTORY if directory is None else Path(directory)
    weights, description = _files(name, directory)
    for path in (weights, description):
        if not path.is_file():
            raise UserError(
                f"{path}: no such file; give the folder with {name}.safetensors and {name}.json (--weights models)"
            )
    content, digest = json.loads(description.read_text(encoding="utf-8")), _sha256(weights)
    if content.setdefault("sha256", digest) != digest:
        raise UserError(
            f"{weights}: SHA-256 is {digest}, {description.name} says {content['sha256']}; download the file again"
        )
    return load(name, directory), content


def mean_points(faces: Faces, folder: Path) -> np.ndarray:
    """The mean of the detector's five points over prepared faces, as shares of the crop's side, float64 5×2.

    Photographs are aligned by the detector's points. A data set's own points may lie elsewhere on a face.

    Args:
        faces: the prepared faces.
        folder: their photographs, of which `DETECTED` are searched.

    Raises:
        UserError: the detector finds no face.
    """
    detect, transforms, found = TurningDetector(THRESHOLD), faces.crop_transforms(), []
    for row in np.random.default_rng(0).permutation(len(faces.frame))[:DETECTED]:
        [face] = detect([read_photograph(folder / faces.frame["source"].iloc[row]).pixels])
        if face is not None:
            found.append(alignment.apply(transforms[row], face.points))
    if not found:
        raise UserError(f"{folder}: the detector finds no face in {DETECTED} photographs of it")
    return np.mean(found, axis=0) / faces.pixels.shape[1]


def publish(name: str, source: str | Path, destination: str | Path, points: np.ndarray) -> Path:
    """Write a trained model's weights in half precision, and its JSON with their SHA-256; return the weights' path.

    The generators' weights are of the order of 0.01 to 1: half precision changes an edit by less than a grey level.

    Args:
        name: one of `EDITORS`.
        source: the folder with NAME.safetensors and NAME.json.
        destination: where both are written.
        points: the mean five points of the crops of the training (`mean_points`), 5×2, as shares of the side.

    Raises:
        UserError: a weight does not fit half precision.
    """
    load(name, source)  # raises where the files are not those of a whole model
    trained, description = _files(name, Path(source))
    path, new_description = _files(name, Path(destination))
    weights = {
        key: value.to(torch.float16) if value.is_floating_point() else value
        for key, value in load_file(trained).items()
    }
    for key, value in weights.items():
        if not torch.isfinite(value).all():
            raise UserError(f"{trained}: {key} does not fit half precision; train the model again")
    save_weights(weights, path)
    content = json.loads(description.read_text(encoding="utf-8")) | {
        "points": np.round(points, 4).tolist(),
        "precision": "fp16",
        "sha256": _sha256(path),
    }
    with atomic_file(new_description) as temporary:
        temporary.write_text(json.dumps(content, indent=2) + "\n", encoding="utf-8")
    return path
