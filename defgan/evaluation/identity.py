"""Identity distance: how far an edit moves a face away from the person it shows (sec. 4.2, Fig. 3)."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING

import numpy as np
import torch
from rich.progress import track
from torch import nn

from defgan.faces.embedders import EMBEDDERS, identity_distance

if TYPE_CHECKING:
    from defgan.evaluation.edits import Edits
    from defgan.faces.table import Faces

DISTANCE_NAMES = MappingProxyType({name: f"1 − cos, {label}" for name, label in EMBEDDERS.items()})
"""The name of the distance in tables, by embedder."""


def embeddings(embedder: nn.Module, images: np.ndarray, batch_size: int, description: str) -> torch.Tensor:
    """Embeddings of uint8 crops N×H×W×3, N×D on the CPU, with a progress bar."""
    device = next(embedder.parameters()).device
    batches = []
    with torch.inference_mode():
        for start in track(range(0, len(images), batch_size), description):
            batch = torch.from_numpy(np.array(images[start : start + batch_size])).permute(0, 3, 1, 2)
            batches.append(embedder(batch.to(device) / 127.5 - 1).cpu())
    return torch.cat(batches)


def distances(edited: torch.Tensor, inputs: torch.Tensor) -> np.ndarray:
    """1 − cos between the embeddings of edits and of their inputs, both M×D; float64 of shape (M,), in [0, 2].

    Rounding can push the cosine of two equal vectors past 1, so distances are clamped at 0.
    """
    return identity_distance(edited.double(), inputs.double()).clamp(min=0).numpy()


def distances_to_inputs(
    embedder: nn.Module, edits: Edits, inputs: Faces, counted: np.ndarray, batch_size: int
) -> np.ndarray:
    """Identity distance between each counted edit and its input, float32 (M,); NaN for the other edits.

    `inputs` has one face per edit; `counted` is bool (M,).
    """
    edited = embeddings(embedder, edits.final[counted], batch_size, "Identity of the edits")
    # A face is edited many times. Each input is embedded once.
    faces = edits.frame.loc[counted, ["role", "row"]]
    distinct = inputs.pixels[counted][~faces.duplicated()]
    originals = embeddings(embedder, distinct, batch_size, "Identity of the inputs")
    position = faces.groupby(["role", "row"], sort=False).ngroup().tolist()
    found = np.full(len(counted), np.nan, np.float32)
    found[counted] = distances(edited, originals[position])
    return found
