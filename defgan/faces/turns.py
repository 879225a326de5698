"""Faces of photographs that lie on their side or stand on their head, though no EXIF note says so.

MTCNN was taught upright faces. In a turned photograph it finds no face, or one that is not there: an eye on a cheek, a
mouth on an ear, often with a confidence of .95 and more. MediaPipe's landmark network then sees other eyes and another
mouth at those points, or no face. Where that is so, the photograph is searched again, turned by quarters.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np
from torch import nn

from defgan.faces.au_estimators.blendshapes import FaceMesh
from defgan.faces.detection import LONG_SIDE, Detection, Detector, shrink

QUARTERS = (1, 3, 2)
"""Turns that are tried, quarters counter-clockwise; a camera is seldom held upside down."""
CLOSE, PRESENT = 0.13, 4.0
"""What right points have: at most this `FaceMesh.disagreement`, at least this logit of the presence of a face."""
LEAST_DOUBT = 0.0001
"""Where MTCNN's confidence leaves less doubt, the points are right without a second look."""
LITTLE_DOUBT = 0.005
"""The most that is left at faces that landmarks do not confirm, for which a photograph is turned."""
# The first three numbers were chosen on 160 upright portraits and their turned copies, the last on 400 upright frames
# of videos (80 to 360 pixels, in the wild) and theirs. Of 1,200 turned frames 1,196 are found right and one wrong; by
# MTCNN alone 5 right, 187 wrong and 1,008 not at all. No upright portrait is turned, and none of 2,751 upright frames.

Search = Callable[[Sequence[np.ndarray]], list[list[Detection]]]
"""Finds faces in photographs as they are."""


class TurningDetector:
    """A `Detector` that also finds the faces of turned photographs; boxes and points are in the photograph as it is."""

    def __init__(self, threshold: float) -> None:
        self._detect, self._mesh = Detector(threshold), FaceMesh()

    @property
    def networks(self) -> list[nn.Module]:
        """MTCNN's three networks."""
        return self._detect.networks

    def __call__(self, images: Sequence[np.ndarray]) -> list[Detection | None]:
        """The largest face of each photograph, uint8 H×W×3 of any sizes; None where no face is found."""

        def largest(images: Sequence[np.ndarray]) -> list[list[Detection]]:
            return [[face] if face else [] for face in self._detect(images)]

        return [faces[0] if faces else None for faces in self._search(images, largest, LONG_SIDE)]

    def find_all(self, images: Sequence[np.ndarray], long_side: int = LONG_SIDE) -> list[list[Detection]]:
        """All faces of each photograph, the largest first; photographs are reduced to `long_side` pixels."""
        return self._search(images, lambda images: self._detect.find_all(images, long_side), long_side)

    def _search(self, images: Sequence[np.ndarray], search: Search, long_side: int) -> list[list[Detection]]:
        return [
            faces
            if _doubt(faces) <= LEAST_DOUBT or self._distance(image, faces) <= CLOSE
            else self._best_turn(image, faces, search, long_side)
            for image, faces in zip(images, search(images), strict=True)
        ]

    def _best_turn(
        self, image: np.ndarray, faces: list[Detection], search: Search, long_side: int
    ) -> list[Detection]:  # fmt: skip
        """The faces of a photograph as it is, or turned if that suits them better."""
        small, scale = shrink(image, long_side)  # a large photograph is not copied for each turn
        turned = []
        for quarters in QUARTERS:
            try:
                [found] = search([np.ascontiguousarray(np.rot90(small, quarters))])
            except (RuntimeError, IndexError):  # MTCNN fails on some images with boxes at the border
                continue
            turned.append([_turned_back(face, quarters, small.shape, scale) for face in found])
        distances = [self._distance(image, found) for found in turned]
        if min(distances, default=np.inf) <= CLOSE:
            return turned[int(np.argmin(distances))]
        # The landmark network sees no blurred and no averted faces: the detector's confidence decides.
        surest = min(turned, key=_doubt, default=[])
        return surest if _doubt(surest) < min(LITTLE_DOUBT, _doubt(faces) / 2) else faces

    def _distance(self, image: np.ndarray, faces: list[Detection]) -> float:
        """How far the landmarks are from the points of the face that they fit best."""
        return min((self._mesh.disagreement(image, face.points, PRESENT) for face in faces), default=np.inf)


def _doubt(faces: list[Detection]) -> float:
    """1 − the confidence in the surest of some faces; 1 where there is none."""
    return 1 - max((face.confidence for face in faces), default=0.0)


def turn_points(points: np.ndarray, quarters: int, height: int, width: int) -> np.ndarray:
    """Where points, K×2, of an image of this size lie after `np.rot90(image, quarters)`."""
    for _ in range(quarters % 4):
        points = np.stack([points[:, 1], width - points[:, 0]], axis=1)
        height, width = width, height
    return points


def _turned_back(face: Detection, quarters: int, shape: tuple[int, ...], scale: float) -> Detection:
    """A face of a turned, reduced photograph in the photograph itself; `shape` and `scale` are of the reduced one."""
    height, width = shape[:2] if quarters % 2 == 0 else shape[1::-1]
    box, points = (
        turn_points(places, -quarters, height, width) / scale for places in (face.box.reshape(2, 2), face.points)
    )
    return replace(face, box=np.concatenate([box.min(0), box.max(0)]), points=points, quarters=quarters)
