"""Action-unit intensities of photographed faces: one interface, and what makes a vector usable.

Four backends read them, chosen by `data.<role>.action_units`:

- `annotations`: the vectors that come with the data set, or those of a table (`defgan.faces.annotations`);
- `blendshapes`: from the photograph, by MediaPipe's networks (`defgan.faces.blendshapes`);
- `openface`: OpenFace 2, its CSV files or its binary (`defgan.faces.openface`);
- `pyfeat`: Py-Feat, where it is installed (`defgan.faces.pyfeat`).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from defgan.datasets.records import Record
from defgan.facs import AU_NAMES
from defgan.params import Source

TOLERANCE = 1e-4
"""Intensities this far outside [0, 1] are rounding, not another scale."""


@dataclass(frozen=True)
class Reading:
    """What a backend says of one face: `aus`, float32 of shape (17,) in [0, 1], or why there are none in `reject`."""

    aus: np.ndarray | None
    reject: str = ""

    @classmethod
    def of(cls, aus: np.ndarray | None) -> "Reading":
        """A vector of shape (17,), NaN where a unit is missing, as a reading: refused where it is not usable."""
        reject = why_unusable(aus)
        return cls(None, reject) if reject else cls(np.clip(aus, 0, 1).astype(np.float32))


class Reader(Protocol):
    """A backend: safe to call from several threads, and made afresh in every process."""

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[Reading]:
        """The AUs of one face per photograph.

        `images`: photographs, uint8 H×W×3 of any sizes; `points`: the face's five points in each, 5×2, in its pixels;
        `records`: what the data set says of each.
        """
        ...


def make_reader(source: Source) -> Reader:
    """The backend of a role. Raises UserError where it cannot work: a package, a file or the binary is missing."""
    # Each is imported only where it is chosen: an annotated data set needs none of the networks.
    if source.action_units == "blendshapes":
        from defgan.faces.blendshapes import BlendshapeReader

        return BlendshapeReader()
    if source.action_units == "openface":
        from defgan.faces.openface import make_openface_reader

        return make_openface_reader(source)
    if source.action_units == "pyfeat":
        from defgan.faces.pyfeat import PyFeatReader

        return PyFeatReader()
    from defgan.faces.annotations import AnnotationReader

    return AnnotationReader(source)


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
