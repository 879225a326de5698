"""From photographs to the faces table: find five points, align, crop, read action units; reject with a reason."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from types import MappingProxyType

import numpy as np
import pandas as pd
from PIL import Image, ImageOps
from rich.progress import track

from defgan.datasets import Dataset, Record
from defgan.errors import UserError
from defgan.faces import alignment
from defgan.faces.action_units import make_reader
from defgan.faces.table import BOX_COLUMNS, CROP_COLUMNS, POINT_COLUMNS
from defgan.facs import AU_NAMES
from defgan.params import PrepareParams, Source

CHUNK = 32
"""Photographs that a thread has in memory, and in one pass of MTCNN."""
THREADS = 2
LEAST_HELD_OUT = MappingProxyType({"train": 1, "rafd": 3})
"""Roles that models learn from, and how many subjects of each are held out at least: Fig. 17 shows three of rafd."""


@dataclass
class _Face:
    """One photograph on its way; `reject` says why it stops."""

    record: Record
    reject: str = ""
    image: np.ndarray | None = None
    box: np.ndarray | None = None
    points: np.ndarray | None = None
    transform: np.ndarray | None = None
    crop: np.ndarray | None = None
    aus: np.ndarray | None = None


@dataclass(frozen=True)
class Prepared:
    """What `defgan.faces.table.write_faces` writes."""

    frame: pd.DataFrame
    pixels: np.ndarray
    rejects: pd.DataFrame


def prepare_faces(
    dataset: Dataset, role: str, source: Source, image_size: int, options: PrepareParams, seed: int
) -> Prepared:
    """The faces table of a data set; every record ends as a row or as a reject.

    Raises UserError where the annotations lack what `source` takes from them, and where no face is left.
    """
    _check_annotations(dataset, role, source)
    detect = initializer = None
    # The networks are loaded only where they are used: an annotated data set needs none.
    if source.points == "mtcnn":
        import torch

        from defgan.faces.detection import Detector

        # MTCNN's many small operations lose more by sharing cores than they win: one core per chunk.
        initializer = partial(torch.set_num_threads, 1)
        detect = Detector(options.detection_threshold)
    read_aus = make_reader(source)

    def process(records: Sequence[Record]) -> list[_Face]:
        faces = [_Face(record) for record in records]
        for face in faces:
            _decode(face)
        if detect is None:
            for face in _left(faces):
                _take_points(face, image_size)
        else:
            found = detect([face.image for face in _left(faces)])
            for face, detection in zip(_left(faces), found, strict=True):
                if detection is None:
                    face.reject = "no face found"
                else:
                    face.box, face.points = detection.box, detection.points
        for face in _left(faces):
            _crop(face, image_size, options.min_face)
        left = _left(faces)
        readings = read_aus(
            [face.image for face in left], [face.points for face in left], [face.record for face in left]
        )
        for face, reading in zip(left, readings, strict=True):
            face.aus, face.reject = reading.aus, reading.reject
        for face in faces:
            face.image = None  # only the crop is kept
        return faces

    records = dataset.records
    chunks = [records[start : start + CHUNK] for start in range(0, len(records), CHUNK)]
    with ThreadPoolExecutor(THREADS, initializer=initializer) as pool:
        done = track(pool.map(process, chunks), f"Faces of {role}", total=len(chunks), transient=True)
        faces = [face for chunk in done for face in chunk]
    return _table(faces, role, source, image_size, options, seed)


def _check_annotations(dataset: Dataset, role: str, source: Source) -> None:
    for wanted, there, what, key, other in (
        (source.points, dataset.has_points, "points", "points", "mtcnn"),
        (source.action_units, dataset.has_aus or source.au_table, "action units", "action_units", "blendshapes"),
    ):
        if wanted == "annotations" and not there:
            raise UserError(
                f"{source.path}: its annotations have no {what}; add columns for them to annotations.csv there,"
                f" or let a network read them: -S data.{role}.{key}={other}"
            )


def _left(faces: list[_Face]) -> list[_Face]:
    return [face for face in faces if not face.reject]


def read_photograph(path) -> np.ndarray:
    """An image file upright (EXIF orientation applied), uint8 RGB of shape H×W×3."""
    with Image.open(path) as image:
        return np.asarray(ImageOps.exif_transpose(image).convert("RGB"))


def _decode(face: _Face) -> None:
    if not face.record.path.is_file():
        face.reject = "missing file: the annotations name it"
        return
    try:
        face.image = read_photograph(face.record.path)
    except Exception as error:  # Pillow's decoders raise nearly anything on broken content; it is kept as the reason.
        face.reject = f"unreadable image: {' '.join(str(error).split()) or type(error).__name__}"


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
    # Annotations name no box: the square that will be cropped stands for it.
    corners = image_size * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    corners = alignment.apply(alignment.invert(transform), corners)
    face.box = np.concatenate([corners.min(0), corners.max(0)])


def _crop(face: _Face, image_size: int, min_face: int) -> None:
    side = min(face.box[2] - face.box[0], face.box[3] - face.box[1])
    if side < min_face:
        face.reject = f"face too small: {side:.0f} pixels, prepare.min_face is {min_face}"
        return
    face.transform = alignment.similarity_transform(face.points, image_size)
    face.crop = alignment.crop(face.image, face.transform, image_size)


def held_out(subjects: set[str], seed: int, share: float, least: int = 1) -> set[str]:
    """The subjects held out: those whose hash falls into the share, so that further subjects change nobody's side.

    Where the share is positive and fewer than `least` do, those of the smallest hashes are, if as many others stay.
    """

    def place(subject: str) -> float:
        digest = hashlib.blake2b(f"{seed}/{subject}".encode(), digest_size=8).digest()
        return int.from_bytes(digest, "big") / 2**64

    least = min(least, len(subjects) // 2) if share > 0 else 0
    return {subject for i, subject in enumerate(sorted(subjects, key=place)) if i < least or place(subject) < share}


def _image_id(source: str, box: np.ndarray) -> str:
    place = ",".join(f"{value:.0f}" for value in box)
    return hashlib.blake2b(f"{source}|{place}".encode(), digest_size=8).hexdigest()


def _table(
    faces: list[_Face], role: str, source: Source, image_size: int, options: PrepareParams, seed: int
) -> Prepared:
    kept = _left(faces)
    rejects = pd.DataFrame(
        [(face.record.source, face.reject) for face in faces if face.reject], columns=["source", "reason"], dtype=str
    )
    if not kept:
        counts = Counter(reason.split(":")[0] for reason in rejects["reason"]).most_common()
        first = rejects.iloc[0]
        raise UserError(
            f"{source.path}: all {len(faces)} photographs were rejected"
            f" ({', '.join(f'{count} × {reason}' for reason, count in counts)});"
            f" first {first['source']}: {first['reason']}; see `prepare` and `data.{role}` in params.yaml"
        )
    subjects = {face.record.subject for face in kept}
    learnt = role in LEAST_HELD_OUT
    validation = held_out(subjects, seed, options.val_share, LEAST_HELD_OUT[role]) if learnt else set()
    rows = []
    for row, face in enumerate(kept):
        record = face.record
        split = ("val" if record.subject in validation else "train") if learnt else "test"
        rows.append(
            {
                "image_id": _image_id(record.source, face.box),
                "source": record.source,
                "role": role,
                "subject": record.subject,
                "expression": record.expression,
                **dict(zip(BOX_COLUMNS, face.box, strict=True)),
                **dict(zip(POINT_COLUMNS, face.points.ravel(), strict=True)),
                **dict(zip(CROP_COLUMNS, face.transform.ravel(), strict=True)),
                **dict(zip(AU_NAMES, face.aus, strict=True)),
                "au_source": source.action_units,
                "split": split,
                "row": row,
            }
        )
    pixels = np.stack([face.crop for face in kept])
    assert pixels.shape == (len(kept), image_size, image_size, 3)
    assert len(kept) + len(rejects) == len(faces), "a photograph was lost"
    return Prepared(pd.DataFrame(rows), pixels, rejects)


def contact_sheet(pixels: np.ndarray, columns: int = 12, rows: int = 8) -> np.ndarray:
    """Up to columns × rows crops spread evenly over N×H×W×3 uint8, as one image; free places are white."""
    count = min(len(pixels), columns * rows)
    chosen = pixels[np.linspace(0, len(pixels) - 1, count).round().astype(int)]
    columns = min(columns, count)
    rows = -(-count // columns)
    height, width = pixels.shape[1:3]
    sheet = np.full((rows * columns, height, width, 3), 255, np.uint8)
    sheet[:count] = chosen
    return sheet.reshape(rows, columns, height, width, 3).swapaxes(1, 2).reshape(rows * height, columns * width, 3)
