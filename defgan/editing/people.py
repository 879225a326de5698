"""People who are photographed neutral and smiling: what is kept of their two photographs, and the faces' embeddings."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import numpy as np
import torch
from torch import nn

from defgan import alignment
from defgan.editing.face_finder import Face, FaceFinder
from defgan.editing.image_file import open_photograph
from defgan.editing.smile import Smile, align
from defgan.evaluation.identity import DISTANCE_NAMES, embeddings
from defgan.faces.embedders import load_embedder

EMBEDDER = "dlib-resnet-128"
DISTANCE_NAME = DISTANCE_NAMES[EMBEDDER]
CHIP = 150
"""Side of the faces that the embedder sees, pixels."""


@dataclass(frozen=True)
class Person:
    """A person's neutral photograph for editing, and what is needed of the smiling one."""

    name: str
    pixels: np.ndarray  # uint8 H×W×3
    face: Face
    other: np.ndarray  # uint8 CHIP×CHIP×3, the aligned face of the smiling photograph
    smile: Smile


def read_person(find: FaceFinder, neutral: Path, smiling: Path) -> Person:
    """The person of two photographs. Raises UserError where one cannot be read or its face cannot be edited."""
    pixels = open_photograph(neutral).pixels
    [face] = find(pixels, "largest")
    other = open_photograph(smiling).pixels
    [smile] = find(other, "largest")
    return Person(neutral.stem, pixels, face, chip(other, smile.points), align(pixels, face, other, smile))


def chip(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The aligned face at the embedder's size, uint8 150×150×3."""
    return alignment.crop(pixels, alignment.similarity_transform(points, CHIP), CHIP)


@cache
def _embedder() -> nn.Module:
    return load_embedder(EMBEDDER)


def embed(chips: Sequence[np.ndarray]) -> torch.Tensor:
    """Embeddings of `chip`s, N×128, with a progress bar."""
    return embeddings(_embedder(), np.stack(chips), 16, "Identity")
