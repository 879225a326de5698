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
    """A face of a photograph, in its pixels (pixel centres at +0.5)."""

    box: np.ndarray  # x0, y0, x1, y1
    points: np.ndarray  # 5×2, in the order of defgan.faces.table.POINTS


class Detector:
    """Finds the faces of photographs; those of a confidence below `threshold` are not seen."""

    def __init__(self, threshold: float) -> None:
        self.threshold = threshold
        self.networks = []
        for network, name in ((PNet, "mtcnn-pnet"), (RNet, "mtcnn-rnet"), (ONet, "mtcnn-onet")):
            module = network(pretrained=False)
            module.load_state_dict(torch.load(weights_path(name), weights_only=True))
            self.networks.append(module.eval().requires_grad_(False))

    def __call__(self, images: Sequence[np.ndarray]) -> list[Detection | None]:
        """The largest face of each photograph, uint8 H×W×3 of any sizes; None where there is no face."""
        return [max(faces, key=_area, default=None) for faces in self.find_all(images)]

    def find_all(self, images: Sequence[np.ndarray], long_side: int = LONG_SIDE) -> list[list[Detection]]:
        """All faces of each photograph, uint8 H×W×3 of any sizes, searched together at no more than `long_side`."""
        if not images:
            return []
        scales = [min(1.0, long_side / max(image.shape[:2])) for image in images]
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
            [
                Detection(box=(box[:4] - _TRUNCATED) / scale, points=(five - _TRUNCATED) / scale)
                for box, five in zip(
                    np.asarray(image_boxes, np.float64), np.asarray(image_points, np.float64), strict=True
                )
            ]
            for image_boxes, image_points, scale in zip(boxes, points, scales, strict=True)
        ]


def _area(face: Detection) -> float:
    return float((face.box[2] - face.box[0]) * (face.box[3] - face.box[1]))
