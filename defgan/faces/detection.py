"""Face detection with five points: MTCNN (Zhang et al., 2016) with facenet-pytorch's networks and weights."""

from collections.abc import Sequence
from dataclasses import dataclass

import cv2
import numpy as np
import torch
from facenet_pytorch.models.mtcnn import ONet, PNet, RNet
from facenet_pytorch.models.utils.detect_face import detect_face

from defgan.faces.weights import weights_path

LONG_SIDE = 256
"""Photographs are searched at no more than this size; pixels."""
SMALLEST = 20
"""Smallest face that is searched for, in pixels at the searched size: 1/13 of a large photograph's long side."""
_PYRAMID = 0.709
# MTCNN's coordinates are relative to a box whose corner is truncated to whole pixels when the face is cut out: on
# average they are half a pixel too far right and down.
_TRUNCATED = 0.5
_CANDIDATE_THRESHOLDS = (0.6, 0.7)  # of the first two networks, as published


@dataclass(frozen=True)
class Detection:
    """The largest face of a photograph, in its pixels (pixel centres at +0.5)."""

    box: np.ndarray  # x0, y0, x1, y1
    points: np.ndarray  # 5×2, in the order of defgan.faces.table.POINTS


class Detector:
    """Finds the largest face of each photograph; faces of a confidence below `threshold` are not seen."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.networks = []
        for network, name in ((PNet, "mtcnn-pnet"), (RNet, "mtcnn-rnet"), (ONet, "mtcnn-onet")):
            module = network(pretrained=False)
            module.load_state_dict(torch.load(weights_path(name), weights_only=True))
            self.networks.append(module.eval().requires_grad_(False))

    def __call__(self, images: Sequence[np.ndarray]) -> list[Detection | None]:
        """Photographs, uint8 H×W×3 of any sizes, searched together; None where there is no face."""
        if not images:
            return []
        scales = [min(1.0, LONG_SIDE / max(image.shape[:2])) for image in images]
        shrunk = [
            cv2.resize(image, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA) if scale < 1 else image
            for image, scale in zip(images, scales, strict=True)
        ]
        height, width = (max(image.shape[axis] for image in shrunk) for axis in (0, 1))
        canvas = np.zeros((len(images), height, width, 3), np.uint8)
        for row, image in zip(canvas, shrunk, strict=True):
            row[: image.shape[0], : image.shape[1]] = image
        boxes, points = detect_face(
            canvas, SMALLEST, *self.networks, (*_CANDIDATE_THRESHOLDS, self.threshold), _PYRAMID, "cpu"
        )
        return [
            _largest(image_boxes, image_points, scale)
            for image_boxes, image_points, scale in zip(boxes, points, scales, strict=True)
        ]


def _largest(boxes: np.ndarray, points: np.ndarray, scale: float) -> Detection | None:
    if len(boxes) == 0:
        return None
    boxes, points = boxes.astype(np.float64), points.astype(np.float64)
    index = int(np.argmax((boxes[:, 2] - boxes[:, 0]) * (boxes[:, 3] - boxes[:, 1])))
    return Detection(box=(boxes[index, :4] - _TRUNCATED) / scale, points=(points[index] - _TRUNCATED) / scale)
