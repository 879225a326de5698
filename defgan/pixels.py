"""Images as the networks see them, and as they lie on disk; changes of their colours; pictures side by side."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

COLOR_DRAWS = 3
"""Saturation, contrast and brightness."""
DIFFERENCE_MAP = "inferno"
"""Matplotlib's name for the colours of difference images: perceptually uniform, black = unchanged."""


def to_network(pixels: Tensor) -> Tensor:
    """uint8 N×H×W×3 in [0, 255] to float32 N×3×H×W in [-1, 1], channels last in memory."""
    return pixels.permute(0, 3, 1, 2).float().div_(127.5).sub_(1)


def to_pixels(images: Tensor) -> np.ndarray:
    """Float N×3×H×W in [-1, 1] to uint8 N×H×W×3 in [0, 255], rounded."""
    return images.add(1).mul(127.5).round().clamp(0, 255).byte().permute(0, 2, 3, 1).cpu().numpy()


def change_colors(images: Tensor, draws: Tensor, strength: float) -> Tensor:
    """Images N×3×H×W in [-1, 1] in other colours by `draws`, N×3 in [-1, 1]; may leave that range.

    Saturation times 1 ± s, contrast times 1 ± s/2, brightness plus or minus s/2: DiffAugment (Zhao et al., 2020).
    """
    saturation, contrast, brightness = strength * draws.T[..., None, None, None]
    grey = images.mean(1, keepdim=True)
    images = grey + (images - grey) * (1 + saturation)
    mean = images.mean((1, 2, 3), keepdim=True)
    return mean + (images - mean) * (1 + contrast / 2) + brightness / 2


def tile(pictures: Sequence[np.ndarray], columns: int) -> np.ndarray:
    """Pictures of one size, H×W or H×W×C, side by side in rows of `columns`, as one picture of the same type.

    A last row that is not full is filled up with white (255).
    """
    blank = np.full_like(pictures[0], 255)
    rows = [pictures[start : start + columns] for start in range(0, len(pictures), columns)]
    return np.concatenate([np.concatenate([*row, *[blank] * (columns - len(row))], axis=1) for row in rows])


def difference(edited: np.ndarray, original: np.ndarray) -> np.ndarray:
    """|edited − original|, mean over the channels in shares of full scale: uint8 H×W×3 twice to float H×W in [0, 1]."""
    return np.abs(edited.astype(np.int16) - original).mean(axis=-1) / 255


def heat(values: np.ndarray, full: float) -> np.ndarray:
    """Float H×W as colours of `DIFFERENCE_MAP`, uint8 H×W×3; `full` and more is the brightest."""
    from matplotlib import colormaps  # takes long to load, and most that import this module draw nothing

    return colormaps[DIFFERENCE_MAP](values / full, bytes=True)[..., :3]
