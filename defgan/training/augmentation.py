"""Random changes of the photographs that a model learns from: it must not lean on crops, light or compression."""

import io
import math

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import Tensor

from defgan.params import AugmentParams

FRAMING_DRAWS = 4
"""Turn, zoom and the two shifts."""
COLOR_DRAWS = 3
"""Saturation, contrast and brightness."""
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


def change_colors(images: Tensor, draws: Tensor, strength: float) -> Tensor:
    """Images N×3×H×W in [-1, 1] in other colours by `draws`, N×3 in [-1, 1]; may leave that range.

    Saturation times 1 ± s, contrast times 1 ± s/2, brightness plus or minus s/2: DiffAugment (Zhao et al., 2020).
    """
    saturation, contrast, brightness = strength * draws.T[..., None, None, None]
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (1 + saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (1 + contrast / 2) + brightness / 2


def compress(pixels: np.ndarray, draws: np.ndarray, lowest: int) -> np.ndarray:
    """Pixels uint8 N×H×W×3 through JPEG of a quality between BEST_QUALITY and `lowest`, by `draws` (N,) in [-1, 1]."""
    compressed = np.empty_like(pixels)
    for index, (image, draw) in enumerate(zip(pixels, draws, strict=True)):
        with io.BytesIO() as file:
            quality = math.floor(BEST_QUALITY + (lowest - BEST_QUALITY) * (draw + 1) / 2)
            Image.fromarray(image).save(file, "JPEG", quality=quality)
            compressed[index] = np.asarray(Image.open(file))
    return compressed
