"""Rendered pairs: scenes, each under several AU vectors, with the true motion between chosen pairs of its images.

A set of pairs is one table, `pairs.parquet`, with a row per scene. Only this module knows its columns. It needs neither
the head model nor the renderer, so methods can learn from pairs wherever the table is.
"""

from __future__ import annotations

import io
import json
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from PIL import Image

from defgan.errors import MissingInputError, UserError
from defgan.facs import AU_NAMES

FILE = "pairs.parquet"
UNSEEN = -128
"""A flow's value where the point is not seen in both images."""
FLOW_UNITS = 8
"""Flows are stored in eighths of a pixel at 128 px."""
FLOW_STRIDE = 4
"""Side of an image over side of a flow."""
WEBP_QUALITY = 92
_DESCRIPTION = b"pairs"


@dataclass(frozen=True)
class Pairs:
    """N scenes of K images; P ordered pairs of images (i, j) have their true motion.

    Each scene is one person in one light, pose and camera. `motion` is the backward flow of the edit from image i to
    image j: what is at p in image j was at p + flow in image i.
    """

    images: np.ndarray  # uint8 N×K×S×S×3
    aus: np.ndarray  # float32 N×K×17 in [0, 1]
    flows: np.ndarray  # int8 N×P×h×h×2 (x, y) in eighths of a pixel at 128 px, UNSEEN where not seen; h = S / 4
    order: np.ndarray  # int64 P×2: image i, image j
    held_out: np.ndarray  # bool (N,): scenes that methods do not learn from
    tone: np.ndarray  # float32 (N,): relative luminance of the bare skin, 0 to 1


@dataclass(frozen=True)
class PackedScene:
    """A scene as it is stored: WebP images and int8 flows (see `Pairs`)."""

    images: list[bytes]
    aus: np.ndarray
    flows: np.ndarray
    tone: float


def encode(image: np.ndarray) -> bytes:
    """An image, uint8 S×S×3, as WebP."""
    with io.BytesIO() as file:
        Image.fromarray(image).save(file, "WEBP", quality=WEBP_QUALITY, method=4)
        return file.getvalue()


def quantise(flow: np.ndarray, seen: np.ndarray) -> np.ndarray:
    """A flow in pixels at 128 px, float h×h×2, and where it holds, bool h×h, as int8 h×h×2 (±15.8 px at most)."""
    packed = np.clip(np.round(flow * FLOW_UNITS), -127, 127).astype(np.int8)
    packed[~seen] = UNSEEN
    return packed


def write_pairs(
    path: Path, scenes: Sequence[PackedScene], order: Sequence[tuple[int, int]], held_out: int, size: int
) -> None:
    """Write scenes, of which the last `held_out` are not learnt from, with images of `size` pixels."""
    count = len(scenes)
    table = pa.table(
        {
            "scene": pa.array(range(count), pa.int32()),
            "held_out": pa.array([index >= count - held_out for index in range(count)]),
            "tone": pa.array([scene.tone for scene in scenes], pa.float32()),
            "aus": pa.array([scene.aus.ravel().tolist() for scene in scenes], pa.list_(pa.float32())),
            "images": pa.array([scene.images for scene in scenes], pa.list_(pa.binary())),
            "flows": pa.array([_row_changes(scene.flows).tobytes() for scene in scenes], pa.binary()),
        }
    )
    description = {"size": size, "order": [list(map(int, pair)) for pair in order], "aus": list(AU_NAMES)}
    table = table.replace_schema_metadata({_DESCRIPTION: json.dumps(description)})
    pq.write_table(table, path, compression="zstd", compression_level=19, use_dictionary=False)


def read_pairs(directory: str | Path) -> Pairs:
    """The pairs of a directory, decoded into memory.

    Raises MissingInputError where they are not there, UserError where the file is none of pairs.
    """
    path = Path(directory, FILE)
    if not path.is_file():
        raise MissingInputError(f"{path}: no such file; the pairs are not rendered")
    try:
        table = pq.read_table(path)
        description = json.loads(table.schema.metadata[_DESCRIPTION])
    except (pa.ArrowException, OSError, KeyError, TypeError, ValueError) as error:
        raise UserError(f"{path}: not a table of pairs ({error}); delete it and render the pairs again") from None
    size, order = description["size"], np.array(description["order"], np.int64)
    count, files = len(table), table["images"].to_pylist()
    with ThreadPoolExecutor() as readers:
        images = np.stack(list(readers.map(_decode, [file for scene in files for file in scene])))
    flows = np.stack([np.frombuffer(flow, np.uint8) for flow in table["flows"].to_pylist()])
    side = size // FLOW_STRIDE
    return Pairs(
        images.reshape(count, -1, size, size, 3),
        np.array(table["aus"].to_pylist(), np.float32).reshape(count, -1, len(AU_NAMES)),
        # In uint8, sums wrap round just as the differences did.
        flows.reshape(count, len(order), side, side, 2).cumsum(axis=2, dtype=np.uint8).view(np.int8),
        order,
        table["held_out"].to_numpy(),
        table["tone"].to_numpy(),
    )


def _row_changes(flows: np.ndarray) -> np.ndarray:
    """What is stored of a scene's flows P×h×h×2: each row's change from the row above, uint8. It packs better."""
    return np.diff(flows.view(np.uint8), axis=1, prepend=np.uint8(0))


def _decode(file: bytes) -> np.ndarray:
    with Image.open(io.BytesIO(file)) as image:
        return np.asarray(image.convert("RGB"))
