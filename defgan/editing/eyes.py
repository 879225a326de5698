"""Where an edit moves the eyes and does not repaint them.

The weights for photographs learnt from rendered eyes. Where upper lids rise, their texture turns dark irises pale; lids
that are closed get a smear. The motion alone does both well, so there an edit takes the deformed image ℐ*_y.
"""

import numpy as np

from defgan.facs import AU_NAMES

_RADIUS = 0.093  # of an iris, in distances between the pupils: 11.7 mm across, 63 mm apart (Dodgson, 2004)
IRISES, LIDS = (1.2 * _RADIUS, 2.2 * _RADIUS), (0.25, 0.4)
"""Distances from the centre of an eye, in those between both eyes, up to which it is kept, and where that has faded.

Eyes can look aside, so more than an iris is kept.
"""
RISE = 0.25
"""Rise of AU05 from which on no texture is left on the irises; as large a rise of AU07 or AU45 brings it back."""
_WIDEN, _NARROW = AU_NAMES.index("AU05"), [AU_NAMES.index(name) for name in ("AU07", "AU45")]


def iris_weight(eyes: np.ndarray, x: np.ndarray, y: np.ndarray, size: int) -> np.ndarray:
    """How far an edit keeps each pixel of the deformed crop, float32 size×size in [0, 1]; 0 where no eye widens.

    Args:
        eyes: centres of both eyes, 2×2, crop pixels.
        x, y: present and target AUs, (17,).
        size: side of the crop.
    """
    rise = np.clip((y - x) / RISE, 0, 1)
    return rise[_WIDEN] * (1 - rise[_NARROW].max()) * _near(eyes, IRISES, size)


def lid_weight(eyes: np.ndarray, closed: float, size: int) -> np.ndarray:
    """As `iris_weight`, for lids that are closed before the edit and after it, as far as `closed` in [0, 1].

    Clips need it: their texture is averaged over time, and around a blink it holds the open eyes before and after.
    """
    return np.float32(closed) * _near(eyes, LIDS, size)


def _near(eyes: np.ndarray, reach: tuple[float, float], size: int) -> np.ndarray:
    """1 near the eyes, falling to 0 between both distances of `reach`, float32 size×size."""
    centres, apart = np.arange(size) + 0.5, np.linalg.norm(eyes[1] - eyes[0])
    distances = [np.hypot(centres - eye[0], (centres - eye[1])[:, None]) / apart for eye in eyes]
    inside, outside = reach
    return np.clip((outside - np.minimum(*distances)) / (outside - inside), 0, 1).astype(np.float32)
