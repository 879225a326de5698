"""Follows the faces of a clip: MTCNN finds them, its last network follows them, which takes a thirtieth of the time.

Points, AUs and the like are measured here frame by frame; `defgan.editing.video.smoothing` smooths them afterwards.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import cv2
import numpy as np
import torch

from defgan import alignment
from defgan.editing.face_finder import MOST_TURNED, SEARCH_SIDE, SMALLEST, FaceFinder
from defgan.faces.detection import Detection
from defgan.faces.embedders import load_embedder
from defgan.faces.embedders.base import Embedder
from defgan.pixels import to_network

RATE = 12.5
"""How often the networks see a face, per second; between two of these moments the edit is interpolated in time."""
SEARCH_EVERY = 1.0
"""Seconds between two searches for other faces while one is followed."""
SEARCH_AGAIN = 0.2
"""Seconds between two searches while no face, or a lost one, is looked for."""
SAME_PERSON = 0.5
"""Largest L2 distance of dlib's embeddings of one person; 0.6 for its author, but frames of one clip are more alike."""
_FOLLOWED = 0.6  # least mean confidence of a face that is followed
_LOOKED_FOR = 2.0  # seconds
_APART = 0.4  # faces whose centres are nearer than this share of their side are one
_JUMP = 0.12  # a face that is farther from where it was expected, in sides, moved with a cut or a skip in the clip
_CUT = 25.0  # mean difference of two successive frames at a cut, in units of 0 … 255; where a face jumps, `_SKIP`
_SKIP = 4.0
_TIMES = 3.0  # … and so many times the differences just before
_THUMB = 32
# Squares around a face, in the coordinates of an aligned crop of side 1: (x, y) of the centre, side. The answers to all
# of them are averaged, because each has noise of its own.
_SQUARES = np.array([(0.5, 0.45, 0.93), (0.47, 0.43, 0.98), (0.53, 0.43, 0.98), (0.47, 0.47, 0.9), (0.53, 0.47, 0.9)])
_PORTRAIT = 150  # side of the crops by which people are told apart: that of dlib's network
_LAST = 48  # side of the last network's input


@dataclass
class Track:
    """A face that was followed from frame to frame without a break."""

    person: int
    shot: int
    frames: list[int] = field(default_factory=list)
    times: list[float] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)  # 5×2 each
    keys: list[int] = field(default_factory=list)  # positions in `frames` at which the networks see the face
    aus: list[np.ndarray] = field(default_factory=list)  # (17,) for each key; NaN where they cannot be estimated

    def side(self, position: int = -1) -> float:
        """The side of the face's box in a frame, pixels, about."""
        return _scale(self.points[position]) * _SQUARES[0, 2]

    def expected(self) -> np.ndarray:
        """Where the points should be in the next frame, 5×2, if the face moves on as it did."""
        if len(self.points) < 2:
            return self.points[-1]
        return self.points[-1] + (self.points[-1] - self.points[-2]).mean(axis=0)

    def editable(self, position: int) -> bool:
        """Whether a frame's face is large enough and looks towards the camera."""
        points = self.points[position]
        return self.side(position) >= SMALLEST and abs(alignment.nose_offset(points)) <= MOST_TURNED


def _scale(points: np.ndarray) -> float:
    """The side of the aligned crop in pixels of the frame."""
    return 1 / np.sqrt(abs(np.linalg.det(alignment.similarity_transform(points, 1.0)[:, :2])))


def _centre(points: np.ndarray) -> np.ndarray:
    inverse = alignment.invert(alignment.similarity_transform(points, 1.0))
    return alignment.apply(inverse, _SQUARES[0, :2])


class FaceTracker:
    """Takes the frames of a clip one after the other; `tracks` are the faces that were followed.

    `find`: whose detector and AU estimator are used; `rate`: how often per second at most AUs are estimated.
    """

    def __init__(self, find: FaceFinder, rate: float = RATE) -> None:
        self._find, self._rate = find, rate
        self._people: list[np.ndarray] = []  # an aligned crop of each
        self._alive: list[Track] = []
        self._thumb: np.ndarray | None = None
        self._differences: list[float] = []
        self._searched = self._lost = -np.inf
        self.tracks: list[Track] = []
        self.shots = [0]  # the first frame of each shot

    def add(self, number: int, time: float, pixels: np.ndarray) -> None:
        """The next frame, uint8 H×W×3; numbers and times rise."""
        cut, skip = self._changed(pixels)
        followed = [] if cut else [(track, *self._follow(pixels, track.expected())) for track in self._alive]
        jumped = any(
            np.linalg.norm(_centre(points) - _centre(track.expected())) > _JUMP * track.side()
            for track, points, confidence in followed
            if confidence >= _FOLLOWED
        )
        if cut or (skip and jumped):
            self.shots.append(number)
            followed, self._searched = [], -np.inf
        before, kept = len(self._alive), []
        for track, points, confidence in sorted(followed, key=lambda item: -item[2]):
            if confidence < _FOLLOWED:
                continue
            rival = next((place for place, (_, other) in enumerate(kept) if _near(points, other)), None)
            if rival is None:
                kept.append((track, points))
            else:  # one person hides the other, and both tracks have come to the face in front
                other, points = kept[rival]
                distances = self._distances(pixels, points, (other.person, track.person))
                kept[rival] = (track if distances[1] < distances[0] else other, points)
        for track, points in kept:
            self._append(track, number, time, pixels, points)
        self._alive = [track for track, _ in kept]
        if len(self._alive) < before:
            self._searched, self._lost = -np.inf, time  # who was lost may be found at once
        settled = self._alive and time - self._lost > _LOOKED_FOR
        pause = SEARCH_EVERY if settled else SEARCH_AGAIN
        if time - self._searched >= pause - 1e-6:
            self._search(number, time, pixels)

    def rest(self) -> None:
        """The next frame does not follow the last one: nothing is known of where faces are."""
        self._alive, self._searched, self._thumb = [], -np.inf, None

    def _changed(self, pixels: np.ndarray) -> tuple[bool, bool]:
        """Whether the frame begins a shot; and whether it may, if a face jumps too."""
        thumb = cv2.resize(pixels, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA).astype(np.float32)
        before, self._thumb = self._thumb, thumb
        if before is None:
            return False, False
        difference = float(np.abs(thumb - before).mean())
        usual = _TIMES * max(np.median(self._differences[-8:]) if self._differences else 0.0, 1.0)
        self._differences = [*self._differences[-8:], difference]
        return difference > max(_CUT, usual), difference > max(_SKIP, usual)

    def _follow(self, pixels: np.ndarray, expected: np.ndarray) -> tuple[np.ndarray, float]:
        """The five points near expected ones, 5×2, and the confidence that they are of a face."""
        for _ in range(2):
            inverse = alignment.invert(alignment.similarity_transform(expected, 1.0))
            sides = _SQUARES[:, 2] * np.sqrt(abs(np.linalg.det(inverse[:, :2])))
            corners = alignment.apply(inverse, _SQUARES[:, :2]) - sides[:, None] / 2
            confidences, points = self._last_network(pixels, corners, sides)
            found = np.average(points, axis=0, weights=confidences + 1e-6)
            moved = np.linalg.norm(_centre(found) - _centre(expected)) / sides[0]
            if moved < 0.06:  # else the squares were not around the face
                break
            expected = found
        return found, float(confidences.mean())

    def _last_network(
        self, pixels: np.ndarray, corners: np.ndarray, sides: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """Confidences (N) and points (N×5×2) that MTCNN's last network sees in N squares of a frame."""
        small, origin, factor = _reduced(pixels, corners, sides)
        crops = []
        for corner, side in zip((corners - origin) / factor, sides / factor, strict=True):
            scale = _LAST / side
            transform = np.array([[scale, 0, -scale * corner[0]], [0, scale, -scale * corner[1]]])
            crops.append(alignment.crop(small, transform, _LAST))
        with torch.inference_mode():
            _, points, confidences = self._find.detector.networks[2](to_network(torch.from_numpy(np.stack(crops))))
        shares = points.double().numpy().reshape(-1, 2, 5).transpose(0, 2, 1)
        return confidences[:, 1].double().numpy(), corners[:, None] + shares * sides[:, None, None]

    def _search(self, number: int, time: float, pixels: np.ndarray) -> None:
        self._searched = time
        [found] = self._find.detector.find_all([pixels], SEARCH_SIDE)
        for face in sorted(found, key=lambda face: face.points[:, 0].mean()):
            if any(_near(face.points, track.points[-1]) for track in self._alive):
                continue
            points, confidence = self._follow(pixels, face.points)
            if confidence < _FOLLOWED or any(_near(points, track.points[-1]) for track in self._alive):
                continue
            track = Track(self._person(pixels, face), len(self.shots) - 1)
            self._append(track, number, time, pixels, points)
            self._alive.append(track)
            self.tracks.append(track)

    def _person(self, pixels: np.ndarray, face: Detection) -> int:
        """The number of the person, from 0: of somebody who was seen before and is not in view, or a new one."""
        new = len(self._people)
        absent = [person for person in range(new) if person not in {track.person for track in self._alive}]
        if absent:
            distances = self._distances(pixels, face.points, absent)
            nearest = int(np.argmin(distances))
            if distances[nearest] < SAME_PERSON:
                return absent[nearest]
        self._people.append(_portrait(pixels, face.points))
        return new

    def _distances(self, pixels: np.ndarray, points: np.ndarray, people: Sequence[int]) -> list[float]:
        """How little a face is like each of some people: L2 distances of their embeddings."""
        portraits = np.stack([*(self._people[person] for person in people), _portrait(pixels, points)])
        with torch.inference_mode():
            *known, own = self._embed(to_network(torch.from_numpy(portraits))).unbind()
        return [float((own - other).norm()) for other in known]

    @cached_property
    def _embed(self) -> Embedder:
        return load_embedder("dlib-resnet-128")

    def _append(self, track: Track, number: int, time: float, pixels: np.ndarray, points: np.ndarray) -> None:
        track.frames.append(number)
        track.times.append(time)
        track.points.append(points)
        if track.keys and time - track.times[track.keys[-1]] < 1 / self._rate - 1e-3:
            return
        position = len(track.frames) - 1
        aus = self._find.estimate_aus(pixels, points).aus if track.editable(position) else None
        track.keys.append(position)
        track.aus.append(np.full(17, np.nan) if aus is None else aus)


def _reduced(pixels: np.ndarray, corners: np.ndarray, sides: np.ndarray) -> tuple[np.ndarray, np.ndarray, int]:
    """The part of a frame around some squares, reduced by a whole factor; its corner (x, y) and the factor.

    The smallest square keeps twice the pixels that the network sees, so a large face is reduced once, not once for each
    of the squares.
    """
    factor = int(sides.min() // (2 * _LAST))
    if factor < 2:
        return pixels, np.zeros(2), 1
    height, width = pixels.shape[:2]
    low = np.floor(corners.min(axis=0)).astype(int).clip(0, (width - factor, height - factor))
    high = np.ceil((corners + sides[:, None]).max(axis=0)).astype(int).clip(low + factor, (width, height))
    columns, rows = (high - low) // factor
    part = pixels[low[1] : low[1] + rows * factor, low[0] : low[0] + columns * factor]
    return cv2.resize(part, (int(columns), int(rows)), interpolation=cv2.INTER_AREA), low, factor


def _portrait(pixels: np.ndarray, points: np.ndarray) -> np.ndarray:
    """The crop of a face by which people are told apart, uint8."""
    return alignment.crop(pixels, alignment.similarity_transform(points, _PORTRAIT), _PORTRAIT)


def _near(one: np.ndarray, other: np.ndarray) -> bool:
    """Whether two sets of five points are of one face."""
    return bool(np.linalg.norm(_centre(one) - _centre(other)) < _APART * max(_scale(one), _scale(other)))
