"""Forehead and brows do not fold: where a grid runs backwards there, it is smoothed.

At the edge of a highlight or a fringe the networks can lose a brow, and the grid folds over itself: a dark spot, ragged
brows. Lips and lids may fold, for a mouth that opens shows what was hidden.
"""

import cv2
import numpy as np

from defgan.warp import REFERENCE_SIZE

LEAST = 0.3
"""Area that a cell of a smoothed grid keeps at least, as a share of what it is without motion."""
_ABOVE = 0.25  # height above the eyes from which on nothing folds, in distances between them: over the upper lids
_REACH, _FADE, _SMOOTHING = 7, 2.0, 3.0  # pixels of a crop of 128
_ROUNDS = 30


def areas(offsets: np.ndarray) -> np.ndarray:
    """The area of each cell of a grid as a share of the identity's, float32 (S-1)×(S-1); below 0 it is turned over.

    `offsets`: float32 S×S×2 (x, y), pixels at 128 px.
    """
    steps = offsets * np.float32(len(offsets) / REFERENCE_SIZE)
    right, down = np.diff(steps, axis=1)[:-1], np.diff(steps, axis=0)[:, :-1]
    return (1 + right[..., 0]) * (1 + down[..., 1]) - right[..., 1] * down[..., 0]


def unfold(offsets: np.ndarray, eyes: np.ndarray) -> np.ndarray:
    """Offsets, float32 S×S×2: where a cell above the eyes is turned over, all of them there get `LEAST` of their area.

    Otherwise they are returned as they are: without a fold, skin may be pressed together by more. `eyes`: centres of
    both eyes, 2×2, pixels of the crop.
    """
    size = len(offsets)
    lowest = int(max(1, eyes[:, 1].min() - _ABOVE * np.linalg.norm(eyes[1] - eyes[0])))
    if areas(offsets)[:lowest].min() >= 0:
        return offsets
    scale = size / REFERENCE_SIZE
    reach = np.ones((2 * round(_REACH * scale / 2) + 1,) * 2, np.uint8)
    for _ in range(_ROUNDS):
        folded = (areas(offsets)[:lowest] < LEAST).astype(np.float32)
        if not folded.any():
            break
        near = np.zeros((size, size), np.float32)
        near[: len(folded), : folded.shape[1]] = folded
        near = cv2.GaussianBlur(cv2.dilate(near, reach), (0, 0), _FADE * scale)[..., None]
        offsets = offsets + near * (cv2.GaussianBlur(offsets, (0, 0), _SMOOTHING * scale) - offsets)
    return offsets
