"""Keeps the irises of eyes that widen: they are moved, not repainted.

The weights for photographs learnt from rendered eyes. Where upper lids rise, their texture turns dark irises pale. The
motion alone uncovers them well, so there an edit takes the deformed image ℐ*_y.
"""

import numpy as np

from defgan.facs import AU_NAMES

RADIUS = 0.093
"""An iris' radius as a share of the distance between the pupils: 11.7 mm across, 63 mm apart (Dodgson, 2004)."""
INSIDE, OUTSIDE = 1.2, 2.2
"""Radii, in those of an iris, where the weight is 1 and where it has fallen to 0: eyes can look aside."""
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
    strength = rise[_WIDEN] * (1 - rise[_NARROW].max())
    centres = np.arange(size) + 0.5
    radius = RADIUS * np.linalg.norm(eyes[1] - eyes[0])
    distances = [np.hypot(centres - eye[0], (centres - eye[1])[:, None]) / radius for eye in eyes]
    nearness = np.clip((OUTSIDE - np.minimum(*distances)) / (OUTSIDE - INSIDE), 0, 1)
    return (strength * nearness).astype(np.float32)
