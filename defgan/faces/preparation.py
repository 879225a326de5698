"""From photographs to faces: find five points, align, crop, estimate AUs; or reject with a reason.

`prepare_shard` depends only on some photographs and a recipe, so that shards can be made anywhere and in any order
(`defgan.faces.shards`).
"""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

import cv2
import numpy as np
import pandas as pd

from defgan import alignment
from defgan.alignment import POINT_COLUMNS
from defgan.errors import UserError
from defgan.faces.au_estimators import AUEstimator, make_estimator
from defgan.faces.table import BOX_COLUMNS, CROP_COLUMNS, image_id
from defgan.facs import AU_NAMES
from defgan.photographs import Photograph, UnreadableImageError, read_photograph
from defgan.records import Record

if TYPE_CHECKING:
    from defgan.params import PrepareParams, Source

READ_SIDE = 512
"""A larger photograph is reduced when it is read, its longer side at least this, pixels: twice the size at which faces
are searched for. It is read again at a larger size if its face is small."""
CHUNK = 8
"""Photographs in memory at a time."""
ESTIMATOR_SIDE = 168
"""About the side at which AU estimators see a face, pixels."""
OUTSIDE = 0.25
"""How far outside a photograph points may lie, as a share of its longer side."""
STEPS = ("decode", "detect", "align", "estimate AUs")


@dataclass(frozen=True)
class Recipe:
    """Everything beside the photographs that decides a shard."""

    role: str
    source: Source
    image_size: int
    options: PrepareParams


@dataclass(frozen=True)
class Shard:
    """The faces and the rejects of some photographs."""

    frame: pd.DataFrame  # columns of the faces table but for `split` and `row`, one row per face
    pixels: np.ndarray  # uint8 N×H×W×3, aligned with it
    rejects: pd.DataFrame  # `source` and `reason`
    inputs: int  # photographs, and each further face of a photograph with several
    seconds: MappingProxyType | dict = field(default_factory=dict)  # processor time of each of STEPS


@dataclass
class _Face:
    """A photograph, or one of its faces, in progress; `reject` says why it stops."""

    record: Record
    reject: str = ""
    photograph: Photograph | None = None
    box: np.ndarray | None = None  # like the points, in pixels of the file
    points: np.ndarray | None = None
    transform: np.ndarray | None = None
    crop: np.ndarray | None = None
    aus: np.ndarray | None = None


class _Clock:
    """Processor time by step; on a busy machine wall time says little."""

    def __init__(self) -> None:
        self.seconds = dict.fromkeys(STEPS, 0.0)

    @contextmanager
    def __call__(self, step: str) -> Iterator[None]:
        started = time.thread_time()
        yield
        self.seconds[step] += time.thread_time() - started


def prepare_shard(records: Sequence[Record], recipe: Recipe) -> Shard:
    """The faces of some photographs; each ends as a row or as a reject.

    The frames of one take (`Record.take`) must be in one shard.
    """
    detect, estimate = _networks(recipe.source, recipe.options.detection_threshold)
    clock, faces = _Clock(), []
    for start in range(0, len(records), CHUNK):
        faces += _process(records[start : start + CHUNK], recipe, detect, estimate, clock)
    _keep_peaks(faces)
    shard = _tabulate(faces, recipe, clock.seconds)
    assert len(shard.frame) + len(shard.rejects) == shard.inputs >= len(records), "a photograph was lost"
    return shard


@lru_cache(maxsize=2)
def _networks(source: Source, threshold: float):
    """The detector, or None where it is not used, and the AU estimator; made once in every process."""
    if source.points == "annotations":
        return None, make_estimator(source)
    from defgan.faces.turns import TurningDetector

    return TurningDetector(threshold), make_estimator(source)


def _process(
    records: Sequence[Record], recipe: Recipe, detect, estimate: AUEstimator, clock: _Clock
) -> list[_Face]:  # fmt: skip
    faces, options = [_Face(record, record.reject) for record in records], recipe.options
    # OpenFace's tables tell faces apart by landmarks in pixels of the file.
    long_side = None if recipe.source.action_units == "openface" else READ_SIDE
    with clock("decode"):
        for face in _left(faces):
            _decode(face, long_side)
    with clock("detect"):
        if detect is None:
            for face in _left(faces):
                _take_points(face, recipe.image_size)
        else:
            faces = _detect(faces, detect, options.faces)
    with clock("align"):
        for face in _left(faces):
            _check_geometry(face, options)
        for face in _left(faces):
            _crop(face, recipe, options.min_sharpness)
    with clock("estimate AUs"):
        left = _left(faces)
        predictions = estimate(
            [face.photograph.pixels for face in left],
            [face.points / face.photograph.factor for face in left],
            [face.record for face in left],
        )
        for face, prediction in zip(left, predictions, strict=True):
            face.aus, face.reject = prediction.aus, prediction.reject
    for face in faces:
        face.photograph = None  # only the crop is kept
    return faces


def _left(faces: list[_Face]) -> list[_Face]:
    return [face for face in faces if not face.reject]


def _decode(face: _Face, long_side: int | None) -> None:
    try:
        face.photograph = read_photograph(face.record.open(), long_side)
    except FileNotFoundError:
        face.reject = "missing file: the annotations or a link name it"
    except (UnreadableImageError, OSError, KeyError) as error:
        text = error.strerror.lower() if isinstance(error, OSError) and error.strerror else str(error)
        face.reject = f"unreadable image: {text}"


def _take_points(face: _Face, image_size: int) -> None:
    face.points = face.record.points
    if face.points is None:
        face.reject = "no points in the annotations"
        return
    try:
        transform = alignment.similarity_transform(face.points, image_size)
    except ValueError as error:
        face.reject = f"unusable points: {error}"
        return
    # Annotations have no box: it is the square that will be cropped.
    corners = image_size * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    corners = alignment.apply(alignment.invert(transform), corners)
    face.box = np.concatenate([corners.min(0), corners.max(0)])


def _detect(faces: list[_Face], detect, which: str) -> list[_Face]:
    """Boxes and points of the photographs; where all faces are kept, a photograph with several becomes several."""
    left = _left(faces)
    images = [face.photograph.pixels for face in left]
    find = detect.find_all if which == "all" else lambda given: [[face] if face else [] for face in detect(given)]
    try:
        found = find(images)
    except (RuntimeError, IndexError):  # MTCNN fails on some images with boxes at the border
        found = [_detect_alone(find, image) for image in images]
    result = [face for face in faces if face.reject]
    for face, detections in zip(left, found, strict=True):
        if isinstance(detections, str):
            result.append(replace(face, reject=detections))
        elif not detections:
            result.append(replace(face, reject="no face found"))
        for detection in detections if isinstance(detections, list) else ():
            factor = face.photograph.factor
            result.append(replace(face, box=detection.box * factor, points=detection.points * factor))
    order = {id(face.record): index for index, face in enumerate(faces)}
    return sorted(result, key=lambda face: order[id(face.record)])


def _detect_alone(find, image: np.ndarray) -> list | str:
    try:
        return find([image])[0]
    except (RuntimeError, IndexError) as error:
        return f"the detector failed: {' '.join(str(error).split())}"


def sharpness(image: np.ndarray) -> float:
    """Variance of the Laplacian of the luminance of an RGB image, uint8 (Pech-Pacheco et al., 2000); 0 is blurred."""
    return float(cv2.Laplacian(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), cv2.CV_64F).var())


def _check_geometry(face: _Face, options: PrepareParams) -> None:
    height, width = (side * face.photograph.factor for side in face.photograph.pixels.shape[:2])
    margin, rigid = OUTSIDE * max(height, width), face.points[: alignment.RIGID_POINTS]
    side = min(face.box[2] - face.box[0], face.box[3] - face.box[1])
    if not ((rigid >= -margin) & (rigid <= np.array([width, height]) + margin)).all():
        face.reject = "points outside the photograph"
    elif side < options.min_face:
        face.reject = f"face too small: {side:.0f} pixels, prepare.min_face is {options.min_face}"
    elif abs(alignment.yaw(face.points)) > options.max_yaw:
        face.reject = f"turned aside: by {abs(alignment.yaw(face.points)):.0f}°, prepare.max_yaw is {options.max_yaw:g}"


def _crop(face: _Face, recipe: Recipe, min_sharpness: float) -> None:
    face.transform = alignment.similarity_transform(face.points, recipe.image_size)
    scale = np.sqrt(abs(np.linalg.det(face.transform[:, :2]))) / recipe.image_size  # crops per pixel of the file
    wanted = max(recipe.image_size, ESTIMATOR_SIDE if recipe.source.action_units != "annotations" else 0)
    if face.photograph.factor > max(1, 1 / (scale * wanted)):
        # The face is small in a large photograph: read it again, at no higher resolution than the crop's.
        longer = max(face.photograph.pixels.shape[:2]) * face.photograph.factor
        _decode(face, int(np.ceil(longer * scale * wanted)))
        if face.reject:
            return
    matrix = face.transform.copy()
    matrix[:, :2] *= face.photograph.factor
    face.crop = alignment.crop(face.photograph.pixels, matrix, recipe.image_size)
    if min_sharpness > 0 and sharpness(face.crop) < min_sharpness:
        face.reject = f"blurred: sharpness {sharpness(face.crop):.0f}, prepare.min_sharpness is {min_sharpness:g}"


def _keep_peaks(faces: list[_Face]) -> None:
    """Keep one frame of each take, that of the strongest expression; of a neutral take, that of the weakest."""
    takes = defaultdict(list)
    for face in _left(faces):
        if face.record.take:
            takes[face.record.take].append(face)
    for frames in takes.values():
        sign = -1 if frames[0].record.expression == "neutral" else 1
        peak = max(frames, key=lambda face: sign * float(face.aus.sum()))
        for face in frames:
            if face is not peak:
                face.reject = f"not the peak of its take: {peak.record.source} is"


def _tabulate(faces: list[_Face], recipe: Recipe, seconds: dict[str, float]) -> Shard:
    kept = _left(faces)
    rows = [
        {
            "image_id": image_id(face.record.source, face.box),
            "source": face.record.source,
            "role": recipe.role,
            "subject": face.record.subject,
            "expression": face.record.expression,
            **dict(zip(BOX_COLUMNS, face.box, strict=True)),
            **dict(zip(POINT_COLUMNS, face.points.ravel(), strict=True)),
            **dict(zip(CROP_COLUMNS, face.transform.ravel(), strict=True)),
            **dict(zip(AU_NAMES, face.aus, strict=True)),
            "au_source": recipe.source.action_units,
        }
        for face in kept
    ]
    size = recipe.image_size
    return Shard(
        frame=pd.DataFrame(rows),
        pixels=np.stack([face.crop for face in kept]) if kept else np.empty((0, size, size, 3), np.uint8),
        rejects=pd.DataFrame(
            [(face.record.source, face.reject) for face in faces if face.reject],
            columns=["source", "reason"],
            dtype=str,
        ),
        inputs=len(faces),
        seconds=seconds,
    )


def reject_all(records: Sequence[Record], reason: str, recipe: Recipe) -> Shard:
    """The shard of photographs that are rejected together."""
    return _tabulate([_Face(record, reason) for record in records], recipe, {})


def check_annotations(path: str, has_points: bool, has_aus: bool, role: str, source: Source) -> None:
    """Raises UserError where the annotations lack what `source` takes from them."""
    for wanted, there, what, key, other in (
        (source.points, has_points, "points", "points", "mtcnn"),
        (source.action_units, has_aus or source.au_table, "action units", "action_units", "blendshapes"),
    ):
        if wanted == "annotations" and not there:
            raise UserError(
                f"{path}: its annotations have no {what}; add columns for them to annotations.csv there,"
                f" or let a network find them: data.{role}.{key}: {other}"
            )
