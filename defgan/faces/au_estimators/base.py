"""What all AU estimators share: their interface, the prediction, when a vector is usable, the crop for programs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from defgan import alignment
from defgan.facs import AU_NAMES
from defgan.records import Record

TOLERANCE = 1e-4
"""An intensity may be this far outside [0, 1] by rounding; farther out it is on another scale."""
LOOSE = 0.5
"""Side of the aligned crop within the loose crop: the detectors of OpenFace and Py-Feat want some surroundings."""
LOOSE_SIDE = 512
"""Side of the loose crop, pixels."""


@dataclass(frozen=True)
class AUPrediction:
    """The AUs of one face, `aus`, float32 of shape (17,) in [0, 1]; None where there are none, `reject` says why.

    `unbounded`: the intensities before they were brought into [0, 1], (17,), from estimators that have them.
    """

    aus: np.ndarray | None
    reject: str = ""
    unbounded: np.ndarray | None = None

    @classmethod
    def of(cls, aus: np.ndarray | None, unbounded: np.ndarray | None = None) -> "AUPrediction":
        """The prediction of a vector of shape (17,), NaN where a unit is missing; rejected where it is not usable."""
        reject = why_unusable(aus)
        return cls(None, reject) if reject else cls(np.clip(aus, 0, 1).astype(np.float32), unbounded=unbounded)


class AUEstimator(Protocol):
    """An AU estimator: each process makes its own, which several threads may share."""

    def __call__(
        self, images: Sequence[np.ndarray], points: Sequence[np.ndarray], records: Sequence[Record]
    ) -> list[AUPrediction]:
        """The AUs of one face per photograph.

        `images`: photographs, uint8 H×W×3 of any sizes; `points`: the five points of the face in each, 5×2, pixels;
        `records`: what the data set says of each photograph.
        """
        ...


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


def loose_crop(image: np.ndarray, points: np.ndarray, side: int = LOOSE_SIDE) -> tuple[np.ndarray, np.ndarray]:
    """The upright face with its surroundings, uint8 side×side×3, and its five points there, 5×2."""
    transform = alignment.similarity_transform(points, LOOSE * side)
    transform[:, 2] += side * (1 - LOOSE) / 2
    return alignment.crop(image, transform, side), alignment.apply(transform, points)
