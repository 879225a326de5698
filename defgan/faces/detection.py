"""Face detection with five points: MTCNN (Zhang et al., 2016) with facenet-pytorch's networks and weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from facenet_pytorch.models.utils.detect_face import detect_face

from defgan.weight_files import weights_path

LONG_SIDE = 256
"""Photographs are reduced to this size, the longer side in pixels, before the search."""
SMALLEST = 20
"""Smallest face that is searched for, pixels after the reduction: 1/13 of a large photograph's longer side."""
COARSE = 40
"""Where only the largest face is needed, faces of this size are searched for first: smaller ones take nearly half of
the work, and do not matter once a large one is found."""
BATCH = 8
"""Photographs in one pass of the networks: with more, the first layers do not fit the processor's cache."""
_PYRAMID = 0.709
# MTCNN's coordinates are relative to a box whose corner is truncated to whole pixels before the face is cut out. So
# they are half a pixel too far right and down on average.
_TRUNCATED = 0.5
_CANDIDATE_THRESHOLDS = (0.6, 0.7)  # of the first two networks, as published


@dataclass(frozen=True)
class Detection:
    """A face of a photograph, in its pixels (pixel centres at +0.5)."""

    box: np.ndarray  # x0, y0, x1, y1
    points: np.ndarray  # 5×2, in the order of defgan.alignment.POINTS
    confidence: float = 1.0  # MTCNN's
    quarters: int = 0  # turns, counter-clockwise, that make the face upright (`defgan.faces.turns`)


class Detector:
    """Finds the faces of photographs whose confidence is at least `threshold`."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.networks = []
        for network, name in ((PNet, "mtcnn-pnet"), (RNet, "mtcnn-rnet"), (ONet, "mtcnn-onet")):
            module = network(pretrained=False)
            module.load_state_dict(torch.load(weights_path(name), weights_only=True))
            self.networks.append(module.eval().requires_grad_(False))

    def __call__(self, images: Sequence[np.ndarray]) -> list[Detection | None]:
        """The largest face of each photograph, uint8 H×W×3 of any sizes; None where no face is found."""
        found = self._search(images, COARSE)
        again = [index for index, faces in enumerate(found) if not faces]
        for index, faces in zip(again, self._search([images[index] for index in again], SMALLEST), strict=True):
            found[index] = faces
        return [faces[0] if faces else None for faces in found]

    def find_all(self, images: Sequence[np.ndarray], long_side: int = LONG_SIDE) -> list[list[Detection]]:
        """All faces of each photograph, the largest first; photographs are reduced to `long_side` pixels."""
        return self._search(images, SMALLEST, long_side)

    def _search(self, images: Sequence[np.ndarray], smallest: int, long_side: int = LONG_SIDE) -> list[list[Detection]]:
        found: list[list[Detection]] = [[] for _ in images]
        shrunk, scales = zip(*(shrink(image, long_side) for image in images), strict=True) if images else ((), ())
        # A photograph smaller than the smallest face has none, and MTCNN fails where its first window does not fit.
        large = [index for index, image in enumerate(shrunk) if min(image.shape[:2]) >= smallest]
        for start in range(0, len(large), BATCH):
            batch = large[start : start + BATCH]
            height, width = (max(shrunk[index].shape[axis] for index in batch) for axis in (0, 1))
            canvas = np.zeros((len(batch), height, width, 3), np.uint8)
            for row, index in zip(canvas, batch, strict=True):
                row[: shrunk[index].shape[0], : shrunk[index].shape[1]] = shrunk[index]
            with torch.inference_mode():
                boxes, points = detect_face(
                    canvas, smallest, *self.networks, (*_CANDIDATE_THRESHOLDS, self.threshold), _PYRAMID, "cpu"
                )
            for index, image_boxes, image_points in zip(batch, boxes, points, strict=True):
                found[index] = _by_size(image_boxes, image_points, scales[index])
        return found


def shrink(image: np.ndarray, long_side: int) -> tuple[np.ndarray, float]:
    """A photograph reduced for the search, and the scale of that."""
    scale = min(1.0, long_side / max(image.shape[:2]))
    if scale == 1 or min(image.shape[:2]) * scale < 1:
        return image, scale
    return cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), scale


def _by_size(boxes: np.ndarray, points: np.ndarray, scale: float) -> list[Detection]:
    boxes, points = np.asarray(boxes, np.float64), np.asarray(points, np.float64)
    if len(boxes) == 0:
        return []
    areas = (boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])
    return [
        Detection(
            box=(boxes[index, :4] - _TRUNCATED) / scale,
            points=(points[index] - _TRUNCATED) / scale,
            confidence=float(boxes[index, 4]),
        )
        for index in np.argsort(-areas, kind="stable")
    ]
