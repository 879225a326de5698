"""Brings the smiling photograph of a person into the frame of the neutral one."""

from collections.abc import Mapping
from dataclasses import dataclass

import cv2
import numpy as np

from defgan import alignment
from defgan.editing import pictures
from defgan.editing.face_finder import Face
from defgan.evaluation.regions import Ellipse, ellipses_mask

SIDE = 128
"""Side of the aligned faces that are compared, pixels."""
ALIGNMENTS = ("eyes and nose", "upper face", "upper face and colours")
"""By what the smile is aligned with the neutral face: a similarity transform of the three points; then one more, by the
intensities of the upper face (Evangelidis and Psarakis, 2008); then a factor for each colour."""
STILL: tuple[Ellipse, ...] = ((0.5, 0.11, 0.20, 0.08), (0.5, 0.37, 0.07, 0.10))
"""Forehead and bridge of the nose, which no AU of a smile moves; in shares of the crop's side."""
FARTHEST = 0.06
"""Where the intensities move a point of the upper face by more than this share of the side, they are not followed."""
_UPPER: tuple[Ellipse, ...] = ((0.5, 0.30, 0.40, 0.26),)
PORTRAIT = 240
"""Largest side of a picture of a person, pixels."""


@dataclass(frozen=True)
class Smile:
    """The smiling photograph of a person, in the frame of the neutral one."""

    aus: np.ndarray  # float32 (17,)
    neutral: np.ndarray  # uint8 SIDE×SIDE×3, the aligned neutral face
    aligned: Mapping[str, np.ndarray]  # the aligned smile by `ALIGNMENTS`, uint8 SIDE×SIDE×3
    portrait: np.ndarray  # uint8 s×s×3, s ≤ PORTRAIT, in the frame of `pictures.portrait` of the neutral photograph


def _refinement(neutral: np.ndarray, smile: np.ndarray) -> np.ndarray:
    """From the smile's to the neutral crop: 2×3, a similarity; the identity where the intensities give none.

    They do not correlate, or lead astray: a fringe that hangs otherwise is not the head.
    """
    upper = ellipses_mask(_UPPER, SIDE)
    grey = [cv2.cvtColor(image, cv2.COLOR_RGB2GRAY) for image in (neutral, smile)]
    stop = (cv2.TERM_CRITERIA_EPS | cv2.TERM_CRITERIA_COUNT, 60, 1e-4)
    start = np.eye(2, 3, dtype=np.float32)
    try:
        _, warp = cv2.findTransformECC(*grey, start, cv2.MOTION_AFFINE, stop, upper.astype(np.uint8) * 255, 5)
    except cv2.error:
        return np.eye(2, 3)
    # OpenCV counts from pixel centres, and its matrix goes from the neutral crop to the smile's.
    warp = warp.astype(np.float64)
    warp[:, 2] += 0.5 - warp[:, :2].sum(axis=1) / 2
    rows, columns = np.nonzero(upper)
    points = np.column_stack([columns, rows]) + 0.5
    sources = alignment.apply(warp, points)
    if np.linalg.norm(sources - points, axis=1).max() > FARTHEST * SIDE:
        return np.eye(2, 3)
    return alignment.fit_similarity(sources, points)


def _matched(neutral: np.ndarray, smile: np.ndarray) -> np.ndarray:
    """The smile's crop with each colour scaled so that the still region has the neutral crop's mean."""
    still = ellipses_mask(STILL, SIDE)
    factors = neutral[still].mean(axis=0) / np.maximum(smile[still].mean(axis=0), 1)
    return np.clip(np.rint(smile * factors), 0, 255).astype(np.uint8)


def _chain(second: np.ndarray, first: np.ndarray) -> np.ndarray:
    """The 2×3 transform that applies `first`, then `second`."""
    return np.column_stack([second[:, :2] @ first[:, :2], alignment.apply(second, first[:, 2])])


def aligned(pixels: np.ndarray, face: Face) -> np.ndarray:
    """The aligned face of a neutral photograph, edited or not, uint8 SIDE×SIDE×3."""
    return alignment.crop(pixels, alignment.similarity_transform(face.points, SIDE), SIDE)


def align(pixels: np.ndarray, face: Face, smiling: np.ndarray, smile: Face) -> Smile:
    """Bring a smiling photograph into the frame of the neutral one; photographs are uint8 H×W×3, of any sizes."""
    to_crop = alignment.similarity_transform(face.points, SIDE)
    rigid = slice(alignment.RIGID_POINTS)
    by_points = _chain(to_crop, alignment.fit_similarity(smile.points[rigid], face.points[rigid]))
    neutral, first = aligned(pixels, face), alignment.crop(smiling, by_points, SIDE)
    by_pixels = _chain(_refinement(neutral, first), by_points)
    second = alignment.crop(smiling, by_pixels, SIDE)
    (x, y), length, factor = pictures.framing(pixels, face, PORTRAIT)
    to_portrait = factor * np.array([[1.0, 0.0, -x], [0.0, 1.0, -y]])
    to_portrait = _chain(to_portrait, _chain(alignment.invert(to_crop), by_pixels))
    return Smile(
        aus=smile.x,
        neutral=neutral,
        aligned=dict(zip(ALIGNMENTS, (first, second, _matched(neutral, second)), strict=True)),
        portrait=alignment.crop(smiling, to_portrait, max(1, round(length * factor))),
    )
