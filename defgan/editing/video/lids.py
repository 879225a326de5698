"""Keeps lids that are closed: they are moved, not repainted.

Averaged over time, the texture around a blink holds the open eyes before and after it. The networks themselves leave a
smear on closed lids, too. The motion alone closes them well, so there an edit takes the deformed image ℐ*_y.
"""

import numpy as np

INSIDE, OUTSIDE = 0.25, 0.4
"""Distances from an eye, in those between both eyes, where the weight is whole and where it has fallen to 0."""


def lid_weight(eyes: np.ndarray, closed: float, size: int) -> np.ndarray:
    """How far an edit keeps each pixel of the deformed crop, float32 size×size in [0, 1].

    Args:
        eyes: centres of both eyes, 2×2, crop pixels.
        closed: how far the lids are closed, before the edit and after it, in [0, 1].
        size: side of the crop.
    """
    centres, apart = np.arange(size) + 0.5, np.linalg.norm(eyes[1] - eyes[0])
    distances = [np.hypot(centres - eye[0], (centres - eye[1])[:, None]) / apart for eye in eyes]
    nearness = np.clip((OUTSIDE - np.minimum(*distances)) / (OUTSIDE - INSIDE), 0, 1)
    return (closed * nearness).astype(np.float32)
