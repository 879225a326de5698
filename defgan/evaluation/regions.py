"""Where on an aligned face each action unit shows, and where the face ends: ellipses on the alignment template.

The crops are aligned by eyes and nose (`defgan.alignment`), so one set of regions fits all faces roughly. The regions
follow the Facial Action Coding System (Ekman and Friesen, 1978), which describes what each unit moves and creases.
"""

from functools import cache
from types import MappingProxyType

import numpy as np

from defgan.facs import AU_NAMES

Ellipse = tuple[float, float, float, float]
"""Centre x, y and half axes x, y, in shares of the crop's side."""


def _both(x: float, y: float, rx: float, ry: float) -> tuple[Ellipse, Ellipse]:
    """An ellipse and its mirror image."""
    return (x, y, rx, ry), (1 - x, y, rx, ry)


_INNER_BROWS = ((0.5, 0.21, 0.23, 0.13),)
_OUTER_BROWS = _both(0.25, 0.20, 0.17, 0.15)
_BROWS = ((0.5, 0.23, 0.17, 0.13), *_both(0.29, 0.25, 0.19, 0.10))
_EYES = _both(0.31, 0.34, 0.16, 0.09)
_CHEEKS = _both(0.27, 0.44, 0.17, 0.13)
_NOSE = ((0.5, 0.45, 0.16, 0.17),)
_BETWEEN_THE_BROWS = ((0.5, 0.28, 0.18, 0.10),)
_UPPER_LIP = ((0.5, 0.67, 0.22, 0.13),)
_MOUTH = ((0.5, 0.75, 0.27, 0.14),)
_MOUTH_CORNERS = _both(0.33, 0.75, 0.16, 0.14)
_CHIN = ((0.5, 0.88, 0.22, 0.12),)
_JAW = ((0.5, 0.90, 0.36, 0.16),)

AU_REGIONS = MappingProxyType(
    {
        "AU01": _INNER_BROWS,
        "AU02": _OUTER_BROWS,
        "AU04": _BROWS,
        "AU05": _EYES,
        "AU06": (*_EYES, *_CHEEKS),
        "AU07": _EYES,
        "AU09": (*_NOSE, *_BETWEEN_THE_BROWS, *_UPPER_LIP),
        "AU10": (*_UPPER_LIP, *_MOUTH),
        "AU12": (*_UPPER_LIP, *_MOUTH, *_MOUTH_CORNERS, *_CHEEKS),
        "AU14": (*_MOUTH, *_MOUTH_CORNERS),
        "AU15": (*_MOUTH, *_MOUTH_CORNERS),
        "AU17": (*_MOUTH, *_CHIN),
        "AU20": (*_MOUTH, *_MOUTH_CORNERS),
        "AU23": _MOUTH,
        "AU25": _MOUTH,
        "AU26": (*_MOUTH, *_JAW),
        "AU45": _EYES,
    }
)
"""The region of each unit, a union of ellipses."""

FACE: tuple[Ellipse, ...] = ((0.5, 0.53, 0.46, 0.53),)
"""From the hairline to below the chin, with room for a dropped jaw. Background, hair and neck lie outside."""


def ellipses_mask(ellipses: tuple[Ellipse, ...], size: int) -> np.ndarray:
    """The pixels whose centres lie in one of the ellipses, bool size×size."""
    y, x = (np.mgrid[0:size, 0:size] + 0.5) / size
    return np.any([((x - cx) / rx) ** 2 + ((y - cy) / ry) ** 2 <= 1 for cx, cy, rx, ry in ellipses], axis=0)


@cache
def au_masks(size: int) -> np.ndarray:
    """The regions of all units in the order of `AU_NAMES`, bool 17×size×size, read-only."""
    masks = np.stack([ellipses_mask(AU_REGIONS[name], size) for name in AU_NAMES])
    masks.setflags(write=False)
    return masks


def face_mask(size: int) -> np.ndarray:
    """The face, bool size×size."""
    return ellipses_mask(FACE, size)


def regions_of(asked: np.ndarray, size: int) -> np.ndarray:
    """The union of the regions of the asked units: bool M×17 to bool M×size×size."""
    return (asked.astype(np.float32) @ au_masks(size).reshape(len(AU_NAMES), -1) > 0).reshape(-1, size, size)
