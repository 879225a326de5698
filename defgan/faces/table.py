"""The faces table: what all later steps read, whatever the photographs were.

A prepared role is a directory of three files:

- `faces.parquet`, one row per face, with the columns of `COLUMNS`;
- `pixels.npy`, uint8 of shape N×H×W×3 (RGB), memory-mapped; the column `row` is the index into it;
- `rejects.parquet` with `source` and `reason`: rows + rejects = inputs. An input is a photograph, or one of its faces
  where all faces of a photograph are kept.
"""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

from defgan.alignment import POINT_COLUMNS
from defgan.errors import MissingInputError, UserError
from defgan.facs import AU_NAMES

BOX_COLUMNS = ("box_x0", "box_y0", "box_x1", "box_y1")
CROP_COLUMNS = ("crop_m00", "crop_m01", "crop_m02", "crop_m10", "crop_m11", "crop_m12")
"""The 2×3 similarity transform from photograph pixels to crop pixels, row by row (pixel centres at +0.5)."""

COLUMNS = (
    "image_id",  # stable: hash of the source's path and the box
    "source",  # path of the photograph relative to the role's directory
    "role",
    "subject",
    "expression",  # "" where unknown
    *BOX_COLUMNS,
    *POINT_COLUMNS,
    *CROP_COLUMNS,
    *AU_NAMES,  # float32 in [0, 1]
    "au_source",
    "split",  # "train" or "val" by subject in the roles that models learn from (train, rafd), "test" elsewhere
    "row",
)


VIEW = "view"
"""A further column where `data.<role>.views` is not `frontal`: the camera and gaze, "" for the frontal ones."""


@dataclass(frozen=True)
class Faces:
    """A prepared role: `frame` with `COLUMNS`, perhaps `VIEW`; `pixels` uint8 N×H×W×3."""

    frame: pd.DataFrame
    pixels: np.ndarray

    @property
    def aus(self) -> np.ndarray:
        """AU intensities, float32 of shape N×17 in [0, 1], in the order of `AU_NAMES`."""
        return np.array(self.frame[list(AU_NAMES)], np.float32)  # a copy: pandas gives a read-only view

    def frontal(self) -> "Faces":
        """The faces that the frontal camera took with the frontal gaze; all where there is no other."""
        if VIEW not in self.frame:
            return self
        return Faces(self.frame[self.frame[VIEW] == ""].reset_index(drop=True), self.pixels)

    def crop_transforms(self) -> np.ndarray:
        """Photograph-to-crop similarity transforms, float64 of shape N×2×3."""
        return self.frame[list(CROP_COLUMNS)].to_numpy(np.float64).reshape(-1, 2, 3)


def image_id(source: str, box: np.ndarray) -> str:
    """The stable name of a face: a hash of its photograph's path and its box (4,), rounded to pixels."""
    place = ",".join(f"{value:.0f}" for value in box)
    return hashlib.blake2b(f"{source}|{place}".encode(), digest_size=8).hexdigest()


def read_pixels(directory: str | Path) -> np.ndarray:
    """The crops of a prepared role, uint8 N×H×W×3, memory-mapped."""
    return np.load(Path(directory) / "pixels.npy", mmap_mode="r", allow_pickle=False)


def read_faces(directory: str | Path) -> Faces:
    """A prepared role, its pixels memory-mapped. Raises MissingInputError where it is not there."""
    directory = Path(directory)
    if not (directory / "faces.parquet").is_file():
        raise MissingInputError(f"{directory}/faces.parquet: no such file; this role is not prepared")
    frame = pd.read_parquet(directory / "faces.parquet")
    pixels = read_pixels(directory)
    if len(frame) != len(pixels):
        raise UserError(f"{directory}: {len(frame)} rows but {len(pixels)} images; delete it and prepare it again")
    return Faces(frame.sort_values("row", ignore_index=True), pixels)


def read_inputs(plan: pd.DataFrame, directory: str | Path) -> Faces:
    """The input of every planned edit, named by the plan's `role` and `row`, in the plan's order; pixels in memory.

    `directory` holds the prepared roles.
    """
    frames, pixels = [], []
    for role, rows in plan["row"].groupby(plan["role"], sort=False):
        faces = read_faces(Path(directory, role))
        frames.append(faces.frame.iloc[rows].set_index(rows.index))
        pixels.append(faces.pixels[rows])
    frame = pd.concat(frames)
    order = np.argsort(frame.index)
    return Faces(frame.iloc[order].assign(row=np.arange(len(plan))), np.concatenate(pixels)[order])
