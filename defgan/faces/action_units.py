"""Action-unit intensities of prepared faces: what makes a vector usable, and the backends that read one.

Two backends exist: `annotations` takes the vectors that come with a data set; `blendshapes` reads them from the
photograph (`defgan.faces.blendshapes`).
"""

import numpy as np

from defgan.facs import AU_NAMES

TOLERANCE = 1e-4
"""Intensities this far outside [0, 1] are rounding, not another scale."""


def why_unusable(aus: np.ndarray | None) -> str:
    """Why a vector of shape (17,) cannot stand in the faces table; "" where it can."""
    if aus is None:
        return "AUs missing: all"
    missing = [name for name, value in zip(AU_NAMES, aus, strict=True) if not np.isfinite(value)]
    if missing:
        return f"AUs missing: {', '.join(missing)}"
    for name, value in zip(AU_NAMES, aus, strict=True):
        if not -TOLERANCE <= value <= 1 + TOLERANCE:
            return f"AU out of range: {name} is {value:g}, intensities are in [0, 1]"
    return ""
