"""The faces of a photograph, ready to be edited: found, checked, aligned, cropped, their action units read."""

from dataclasses import dataclass, replace

import numpy as np

from defgan.errors import UserError
from defgan.faces import alignment
from defgan.faces.action_units import Reading
from defgan.faces.blendshapes import BlendshapeReader
from defgan.faces.detection import Detection, Detector

THRESHOLD = 0.9
"""MTCNN's confidence below which a face is not seen, as in params.yaml."""
SEARCH_SIDE = 640
"""Photographs are searched at this size: a face may be 1/32 of the long side, as in a picture of a group."""
SMALLEST = 40
"""Smallest side of a face that is edited, pixels, as `prepare.min_face` of params.yaml."""
MOST_TURNED = 0.35
"""How far from the middle between the eyes the nose may be, in distances between the eyes; a profile has 0.5 and more.

By eye: of faces of video frames, those beyond it show one side only.
"""
RIVAL = 0.5
"""A face of at least this share of the largest one's side leaves open which is meant."""


@dataclass(frozen=True)
class Face:
    """A face of a photograph (or of a part of it, resized: `within`)."""

    number: int  # 1, 2, … from left to right among all faces found
    box: np.ndarray  # x0, y0, x1, y1, pixels of the photograph
    points: np.ndarray  # 5×2
    transform: np.ndarray  # 2×3, from photograph to crop pixels
    crop: np.ndarray  # uint8 size×size×3, what the networks see
    x: np.ndarray  # float32 (17,), the present AUs

    @property
    def side(self) -> float:
        return _side(self.box)

    def within(self, origin: tuple[float, float], factor: float) -> "Face":
        """The same face where the photograph is cut off at `origin` (x, y) and then resized by `factor`.

        Crop and AUs stay those of the original.
        """
        linear, corner = self.transform[:, :2], np.array(origin, np.float64)
        transform = np.column_stack([linear / factor, self.transform[:, 2] + linear @ corner])
        box = (self.box - np.tile(corner, 2)) * factor
        return replace(self, box=box, points=(self.points - corner) * factor, transform=transform)


def _side(box: np.ndarray) -> float:
    return float(min(box[2] - box[0], box[3] - box[1]))


def turned(points: np.ndarray) -> float:
    """How far the nose is from the middle between the eyes, along their line, in distances between the eyes."""
    across = points[1] - points[0]
    return float(abs((points[2] - points[:2].mean(0)) @ across) / (across @ across))


def parse_choice(choice: str) -> str | int:
    """`largest`, `all` or `only` as they are, a number as a number."""
    if choice in ("only", "largest", "all"):
        return choice
    if choice.isdecimal() and int(choice) > 0:
        return int(choice)
    raise UserError(f"{choice}: no such choice of a face; give largest, all or a number from 1, counted from the left")


def choose(found: list[Detection], choice: str | int) -> list[int]:
    """Indices of the faces that `choice` means; `found` stands from left to right.

    Raises UserError where there is none, or where `only` could mean more than one.
    """
    if not found:
        raise UserError("no face found; the face must be upright, in view and in colour or grey, not drawn")
    sides = [_side(face.box) for face in found]
    largest = int(np.argmax(sides))
    if isinstance(choice, int):
        if choice > len(found):
            raise UserError(f"there is no face {choice}; {len(found)} found, counted from the left")
        return [choice - 1]
    if choice == "all":
        return list(range(len(found)))
    rivals = sum(side >= RIVAL * sides[largest] for side in sides)
    if choice == "only" and rivals > 1:
        raise UserError(f"{rivals} faces found; choose: --face largest, --face all or --face N, counted from the left")
    return [largest]


class FaceFinder:
    """Finds faces and reads their AUs; the networks are loaded once.

    Args:
        crop_size: side of the crops, pixels.
        points: where the five points of a face come to lie, as well as they can, as shares of the side, 5×2: their mean
            in the crops that the model was trained on. Faces that are built otherwise than those, such as people where
            the model saw renders, are so brought with brows and lips to where it knows them: with eyes and nose alone a
            longer nose or narrower eyes would shift the mouth. None: `alignment.similarity_transform`, as in training.
    """

    def __init__(self, crop_size: int, points: np.ndarray | None = None) -> None:
        self.crop_size, self.points = crop_size, points
        self._detect, self._reader = Detector(THRESHOLD), BlendshapeReader()

    def suits(self, crop_size: int, points: np.ndarray | None) -> bool:
        """Whether another model wants the same crops."""
        return self.crop_size == crop_size and np.array_equal(self.points, points)

    def _transform(self, points: np.ndarray) -> np.ndarray:
        if self.points is None:
            return alignment.similarity_transform(points, self.crop_size)
        return alignment.fit_similarity(points, self.points * self.crop_size)

    def __call__(self, pixels: np.ndarray, choice: str | int = "only") -> list[Face]:
        """The chosen faces of a photograph, uint8 H×W×3, from left to right.

        `choice`: "only" (an error where there are two), "largest", "all", or a number from 1, counted from the left.
        With "all", faces that cannot be edited are left out as long as one can. Raises UserError where none is left.
        """
        if min(pixels.shape[:2]) < SMALLEST:
            height, width = pixels.shape[:2]
            raise UserError(f"{width}×{height} pixels are too few; a face needs at least {SMALLEST}×{SMALLEST}")
        [found] = self._detect.find_all([pixels], SEARCH_SIDE)
        found.sort(key=lambda face: face.points[:, 0].mean())
        faces, problems = [], []
        for index in choose(found, choice):
            try:
                faces.append(self._face(pixels, index + 1, found[index]))
            except UserError as error:
                problems.append(error)
        if not faces:
            raise problems[0]
        return faces

    def _face(self, pixels: np.ndarray, number: int, found: Detection) -> Face:
        side = _side(found.box)
        if side < SMALLEST:
            raise UserError(f"the face is {side:.0f} pixels wide, too small; at least {SMALLEST} are needed")
        if turned(found.points) > MOST_TURNED:
            raise UserError("the face is seen from the side; only faces that look towards the camera can be edited")
        transform = self._transform(found.points)
        reading = self.read(pixels, found.points)
        if reading.aus is None:
            raise UserError(f"the face's expression cannot be read ({reading.reject}); take a sharper, frontal one")
        crop = alignment.crop(pixels, transform, self.crop_size)
        return Face(number, found.box, found.points, transform, crop, reading.aus)

    def read(self, pixels: np.ndarray, points: np.ndarray) -> Reading:
        """The AUs of the face at the five points, 5×2, of a photograph, edited or not."""
        return self._reader([pixels], [points], [])[0]
