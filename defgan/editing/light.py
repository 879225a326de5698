"""Coloured light: the networks see a face in light that they learnt from; the edit goes back to the face's own light.

They learnt teeth and the inside of mouths in light that is nearly white, and paint them so. In the warm light of a lamp
these would be bluish.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

RED, BLUE = (0.0, 1.15), (-0.85, 0.05)
"""Logarithms of red and blue over green, linear, of skin in usual light.

Rendered skin has 0.35 to 1.09 and -0.70 to -0.16; the random tints of the training widen that. Red begins at 0, so a
grey photograph stays grey.
"""
LARGEST = 4.0
"""Largest factor of a channel, and of the way back: a channel with more to gain holds little but noise."""
_SKIN = (slice(0.3, 0.85), slice(0.25, 0.75))  # rows and columns of an aligned crop, in shares of its side
_GAMMA = 2.2  # of the pixels; close enough to sRGB's curve for a factor and its way back
_DARKEST = 1e-3  # linear; keeps the logarithm finite


def light_gains(crops: Sequence[np.ndarray]) -> Tensor:
    """Factors that bring the skin of N crops, uint8 S×S×3, into the light that was learnt from: float32 N×3×1×1.

    Linear; 1 throughout where the light is such a light already.
    """
    gains = np.ones((len(crops), 3), np.float32)
    for row, crop in zip(gains, crops, strict=True):
        inside = tuple(slice(int(part.start * len(crop)), int(part.stop * len(crop))) for part in _SKIN)
        red, green, blue = np.median((crop[inside] / 255.0) ** _GAMMA, axis=(0, 1)) + _DARKEST
        for channel, value, bounds in ((0, red, RED), (2, blue, BLUE)):
            seen = np.log(value / green)
            row[channel] = np.exp(np.clip(seen, *bounds) - seen).clip(1 / LARGEST, LARGEST)
    return torch.from_numpy(gains)[..., None, None]


def relight(images: Tensor, gains: Tensor) -> Tensor:
    """Images in [-1, 1], N×3×H×W, in the light of these factors; those with factors of 1 are returned as they are."""
    if (same := same_light(gains)).all():
        return images
    linear = images.add(1).div(2).clamp(0, 1) ** _GAMMA
    relit = (linear * gains).clamp(0, 1) ** (1 / _GAMMA) * 2 - 1
    return torch.where(same, images, relit)


def relight_change(deformed: Tensor, change: Tensor, gains: Tensor) -> Tensor:
    """A change of deformed images, N×3×H×W in [-1, 1] twice, as it is in the light of these factors."""
    if (same := same_light(gains)).all():
        return change
    relit = relight(deformed + change, gains) - relight(deformed, gains)
    return torch.where(same, change, relit)


def same_light(gains: Tensor) -> Tensor:
    """Which of N factors, N×3×1×1, change nothing: bool N×1×1×1."""
    return (gains == 1).all(dim=1, keepdim=True)
