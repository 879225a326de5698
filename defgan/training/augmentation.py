"""Random changes of the photographs that a model learns from: it must not lean on crops, light or compression."""

from __future__ import annotations

import io
import math
from typing import TYPE_CHECKING

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

if TYPE_CHECKING:
    from defgan.params import AugmentParams


FRAMING_DRAWS = 4
"""Turn, zoom and the two shifts."""
BEST_QUALITY = 95
"""JPEG quality from which the drawn one goes down to `jpeg_quality`."""


def change_framing(images: Tensor, draws: Tensor, options: AugmentParams) -> Tensor:
    """Images N×3×H×W turned, zoomed and shifted by `draws`, N×4 in [-1, 1]; the border is repeated outside.

    Turn by up to `turn` degrees, size times 1 ± `zoom`, position plus or minus `shift` of the side.
    """
    angle = torch.deg2rad(options.turn * draws[:, 0])
    scale = 1 / (1 + options.zoom * draws[:, 1])
    # A side is 2 long in the coordinates of grid_sample.
    shift = 2 * options.shift * draws[:, 2:]
    cosine, sine = scale * angle.cos(), scale * angle.sin()
    matrices = torch.stack([cosine, -sine, shift[:, 0], sine, cosine, shift[:, 1]], dim=1).view(-1, 2, 3)
    grid = F.affine_grid(matrices, list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, padding_mode="border", align_corners=False)


def compress(pixels: np.ndarray, draws: np.ndarray, lowest: int) -> np.ndarray:
    """Pixels uint8 N×H×W×3 through JPEG of a quality between BEST_QUALITY and `lowest`, by `draws` (N,) in [-1, 1]."""
    compressed = np.empty_like(pixels)
    for index, (image, draw) in enumerate(zip(pixels, draws, strict=True)):
        with io.BytesIO() as file:
            quality = math.floor(BEST_QUALITY + (lowest - BEST_QUALITY) * (draw + 1) / 2)
            Image.fromarray(image).save(file, "JPEG", quality=quality)
            compressed[index] = np.asarray(Image.open(file))
    return compressed
