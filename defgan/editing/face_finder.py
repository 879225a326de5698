"""Finds the faces of a photograph for editing: detection, checks, aligned crop, AU estimation."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise

import numpy as np
import torch

from defgan import alignment
from defgan.errors import UserError
from defgan.faces.au_estimators.base import AUPrediction
from defgan.faces.au_estimators.blendshapes import BlendshapeEstimator
from defgan.faces.detection import Detection
from defgan.faces.turns import TurningDetector, turn_points

THRESHOLD = 0.9
"""MTCNN's least confidence in a face, as in params.yaml."""
SEARCH_SIDE = 640
"""Long side of the photographs that are searched, pixels: in a picture of a group a face may be 1/32 of it."""
SMALLEST = 40
"""Least side of a face that is edited, pixels, as `prepare.min_face` of params.yaml."""
MOST_TURNED = 0.35
"""Largest `alignment.nose_offset` of a face that is edited. A profile has 0.5 and more.

Chosen by eye: among faces of video frames, those above it show one side only.
"""
ROW_GAP = 0.6
"""Faces of the next row of a group are lower than those of the row above by more than this, in sides of a face."""
RIVAL = 0.5
"""Where a second face has at least this share of the largest one's side, the user has to choose."""


@dataclass(frozen=True)
class Face:
    """A face of a photograph, or of a resized part of it (see `within`)."""

    number: int  # 1, 2, … among all faces found (`in_order`)
    box: np.ndarray  # x0, y0, x1, y1, pixels of the photograph
    points: np.ndarray  # 5×2
    transform: np.ndarray  # 2×3, from photograph to crop pixels
    crop: np.ndarray  # uint8 size×size×3, what the networks see
    x: np.ndarray  # float32 (17,), the present AUs
    quarters: int = 0  # turns, counter-clockwise, that make the face upright

    def within(self, origin: tuple[float, float], factor: float) -> "Face":
        """The same face in a part of the photograph that begins at `origin` (x, y) and is resized by `factor`.

        Crop and AUs stay those of the original.
        """
        linear, corner = self.transform[:, :2], np.array(origin, np.float64)
        transform = np.column_stack([linear / factor, self.transform[:, 2] + linear @ corner])
        box = (self.box - np.tile(corner, 2)) * factor
        return replace(self, box=box, points=(self.points - corner) * factor, transform=transform)


@dataclass(frozen=True)
class FoundFace:
    """A face that was found, whether it can be edited or not."""

    number: int  # as `Face.number`
    box: np.ndarray  # x0, y0, x1, y1, pixels of the photograph
    face: Face | None
    problem: str = ""  # why it cannot be edited
    quarters: int = 0  # as `Face.quarters`


def _side(box: np.ndarray) -> float:
    return float(min(box[2] - box[0], box[3] - box[1]))


def parse_choices(choices: Sequence[str]) -> str | int | tuple[int, ...]:
    """The choice of faces from the texts of `--face`: none is "only"; several have to be numbers."""
    parsed = [parse_choice(choice) for choice in choices] or ["only"]
    if len(parsed) == 1:
        return parsed[0]
    for choice in parsed:
        if isinstance(choice, str):
            raise UserError(f"--face {choice} stands alone; several faces are numbers, counted from the left")
    return tuple(sorted(set(parsed)))


def parse_choice(choice: str) -> str | int:
    """The choice of a face from text: "only", "largest" and "all" stay as they are, a number becomes an int."""
    if choice in ("only", "largest", "all"):
        return choice
    if choice.isdecimal() and int(choice) > 0:
        return int(choice)
    raise UserError(f"{choice}: no such choice of a face; give largest, all or a number from 1, counted from the left")


def in_order(found: list[Detection], height: int, width: int) -> list[Detection]:
    """The faces of a photograph of this size as they are numbered: from left to right.

    Where people stand above one another, or in rows of at least two, row by row from the top. A child beside its
    parents is in their row. A photograph on its side is read as its upright faces are.
    """
    if not found:
        return []
    quarters = found[0].quarters
    corners = np.array([turn_points(face.box.reshape(2, 2), quarters, height, width) for face in found])
    low, high = corners.min(1), corners.max(1)
    centres, sizes = (low + high) / 2, high - low
    by_height = np.argsort(centres[:, 1], kind="stable")
    gaps = np.diff(centres[by_height, 1]) > ROW_GAP * np.median(sizes[:, 1])
    rows = np.split(by_height, np.flatnonzero(gaps) + 1)
    above_another = any(
        low[i, 0] < high[j, 0] and low[j, 0] < high[i, 0]
        for upper, lower in pairwise(rows)
        for i in upper
        for j in lower
    )
    rows = rows if above_another or min(map(len, rows)) > 1 else [by_height]
    return [found[i] for row in rows for i in row[np.argsort(centres[row, 0], kind="stable")]]


def choose(found: list[Detection], choice: str | int | tuple[int, ...]) -> list[int]:
    """Indices of the chosen faces among those found, which are `in_order`.

    Raises UserError where no face was found, and where "only" is not clear.
    """
    if not found:
        raise UserError("no face found; the face must be fully visible and a photograph, not a drawing")
    sides = [_side(face.box) for face in found]
    largest = int(np.argmax(sides))
    if not isinstance(choice, str):
        numbers = (choice,) if isinstance(choice, int) else sorted(choice)
        for number in numbers:
            if number > len(found):
                raise UserError(f"there is no face {number}; {len(found)} found, counted from the left")
        return [number - 1 for number in numbers]
    if choice == "all":
        return list(range(len(found)))
    rivals = sum(side >= RIVAL * sides[largest] for side in sides)
    if choice == "only" and rivals > 1:
        raise UserError(f"{rivals} faces found; choose: --face largest, --face all or --face N, counted from the left")
    return [largest]


class FaceFinder:
    """Finds faces and estimates their AUs; the networks are loaded once.

    Args:
        crop_size: side of the crops, pixels.
        points: the mean five points of the crops of the training, 5×2, as shares of the side. A face's five points are
            aligned with them by least squares. Real faces have other proportions than the rendered faces of the
            training: aligned by eyes and nose alone, a longer nose or narrower eyes would shift the mouth. None:
            `alignment.similarity_transform`, as in training.
    """

    def __init__(self, crop_size: int, points: np.ndarray | None = None) -> None:
        self.crop_size, self.points = crop_size, points
        self.detector, self._estimate = TurningDetector(THRESHOLD), BlendshapeEstimator()
        for network in self.detector.networks:  # torch pools features more than twice as fast where channels are last
            network.to(memory_format=torch.channels_last)

    def suits(self, crop_size: int, points: np.ndarray | None) -> bool:
        """Whether a model with these crops can use this finder."""
        return self.crop_size == crop_size and np.array_equal(self.points, points)

    def transform(self, points: np.ndarray) -> np.ndarray:
        """From photograph to crop pixels, 2×3, for a face's five points, 5×2."""
        if self.points is None:
            return alignment.similarity_transform(points, self.crop_size)
        return alignment.fit_similarity(points, self.points * self.crop_size)

    def __call__(self, pixels: np.ndarray, choice: str | int | tuple[int, ...] = "only") -> list[Face]:
        """The chosen faces of a photograph, uint8 H×W×3, in the order of their numbers.

        The photograph may lie on its side or stand on its head; faces, edits and all coordinates are in the photograph
        as it is.

        Args:
            choice: "only" (an error where there is more than one), "largest", "all", a number from 1, counted from the
                left, or several numbers. With "all", faces that cannot be edited are left out.

        Raises:
            UserError: no face is left.
        """
        found = self._find(pixels)
        faces, problems = [], []
        for index in choose(found, choice):
            try:
                faces.append(self._face(pixels, index + 1, found[index]))
            except UserError as error:
                if isinstance(choice, tuple):
                    raise UserError(f"face {index + 1}: {error}") from None
                problems.append(error)
        if not faces:
            raise problems[0]
        return faces

    def survey(self, pixels: np.ndarray) -> list[FoundFace]:
        """All faces of a photograph, uint8 H×W×3, in the order of their numbers; raises UserError where there is none.

        Those that cannot be edited are among them.
        """
        found = self._find(pixels)
        faces = []
        for index in choose(found, "all"):
            number, face, problem = index + 1, None, ""
            try:
                face = self._face(pixels, number, found[index])
            except UserError as error:
                problem = str(error)
            faces.append(FoundFace(number, found[index].box, face, problem, found[index].quarters))
        return faces

    def _find(self, pixels: np.ndarray) -> list[Detection]:
        if min(pixels.shape[:2]) < SMALLEST:
            height, width = pixels.shape[:2]
            raise UserError(f"the photograph has {width}×{height} pixels; a face needs at least {SMALLEST}×{SMALLEST}")
        try:
            [found] = self.detector.find_all([pixels], SEARCH_SIDE)
        except (RuntimeError, IndexError) as error:  # MTCNN fails on some images with boxes at the border
            raise UserError(f"the face detector failed on this photograph ({error}); crop it otherwise") from None
        return in_order(found, *pixels.shape[:2])

    def _face(self, pixels: np.ndarray, number: int, found: Detection) -> Face:
        side = _side(found.box)
        if side < SMALLEST:
            raise UserError(f"the face is too small: {side:.0f} pixels; at least {SMALLEST} are needed")
        if abs(alignment.nose_offset(found.points)) > MOST_TURNED:
            raise UserError("the face is seen from the side; only faces that look towards the camera can be edited")
        transform = self.transform(found.points)
        prediction = self.estimate_aus(pixels, found.points)
        if prediction.aus is None:
            raise UserError(
                f"the AUs of the face cannot be estimated ({prediction.reject}); use a sharper, frontal photograph"
            )
        crop = alignment.crop(pixels, transform, self.crop_size)
        return Face(number, found.box, found.points, transform, crop, prediction.aus, found.quarters)

    def estimate_aus(self, pixels: np.ndarray, points: np.ndarray) -> AUPrediction:
        """The AUs of the face at five points, 5×2, of a photograph, uint8 H×W×3, edited or not."""
        return self._estimate([pixels], [points], [])[0]
