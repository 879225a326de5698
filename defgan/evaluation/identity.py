"""Identity distance: how far an edit moves a face away from the person it shows (sec. 4.2, Fig. 3)."""

from types import MappingProxyType

import numpy as np
import torch
from rich.progress import track
from torch import nn

from defgan.faces.identity import EMBEDDERS, identity_distance

DISTANCE_NAMES = MappingProxyType({name: f"1 − cos, {label}" for name, label in EMBEDDERS.items()})


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

    Rounding can push the cosine of two equal vectors past 1: distances are clamped at 0.
    """
    return identity_distance(edited.double(), inputs.double()).clamp(min=0).numpy()
