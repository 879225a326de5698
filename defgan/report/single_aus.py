"""Single action units: edits as one AU grows, the region that moves, and the deformed mesh (Fig. 6, 11, 12)."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pandas as pd
from PIL import Image, ImageDraw

from defgan.evaluation.edits import Edits
from defgan.facs import ACTION_UNITS
from defgan.methods.base import Method
from defgan.report.canvas import TILE, Row, Scale, common_scale, enlarge
from defgan.report.names import TRUE_IMAGE, group_name
from defgan.report.pictures import Pictures

AUS = ("AU02", "AU04", "AU05", "AU07", "AU12", "AU14", "AU26", "AU45")
"""Those of Fig. 11 and 12: sec. 4.3 and App. B speak of them; and AU12, the smile."""
MESH_LINES = 17
"""Lines of the mesh in each direction."""
MAGNIFICATION = 4
"""By how much the mesh of Fig. 11 moves more than the face."""
_MESH_COLOUR = (0, 60, 120)
_PALE = 0.45  # share of white over the face behind the mesh
_REFINEMENT = 4  # the mesh is drawn so many times larger, then shrunk: smooth lines
_INVERSION_STEPS = 8


def moved(offsets: np.ndarray, others: np.ndarray) -> np.ndarray:
    """How far two deformations are apart at each pixel: H×W×2 twice to float H×W, in their unit (pixels at 128 px)."""
    return np.linalg.norm(offsets.astype(np.float32) - others, axis=-1)


def carried(offsets: np.ndarray, lines: int = MESH_LINES) -> np.ndarray:
    """Where the deformation moves the points of a regular mesh, as shifts, float lines×lines×2 (x, y).

    `offsets`, H×W×2 in pixels at 128 px, say where each *output* pixel is sampled. A point q of the input appears at
    the p with p + offset(p) = q, which a fixed-point iteration finds. The mesh spans the image from edge to edge.
    Shifts are in pixels at 128 px.
    """
    from scipy.ndimage import map_coordinates  # takes long to load; most figures do not need it

    size = len(offsets)
    points = np.stack(np.meshgrid(*[np.linspace(0, size, lines)] * 2, indexing="xy"))  # x and y, pixels of the crop
    field = offsets.astype(np.float32) * (size / 128)
    found = points
    for _ in range(_INVERSION_STEPS):
        rows, columns = found[1] - 0.5, found[0] - 0.5
        offset = [map_coordinates(field[..., axis], [rows, columns], order=1, mode="nearest") for axis in (0, 1)]
        found = points - np.stack(offset)
    return (found - points).transpose(1, 2, 0) * (128 / size)


def mesh(face: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """A mesh over a pale face; it moves like the face, but `MAGNIFICATION` times as far. Uint8 TILE×TILE×3."""
    side = TILE * _REFINEMENT
    pale = (enlarge(face, side) * (1 - _PALE) + 255 * _PALE).astype(np.uint8)
    image = Image.fromarray(pale)
    draw = ImageDraw.Draw(image)
    edges = np.linspace(0, side, MESH_LINES)
    points = np.stack(np.meshgrid(edges, edges, indexing="xy"), axis=-1)
    points = points + MAGNIFICATION * carried(offsets) * (side / 128)
    for line in (*points, *points.transpose(1, 0, 2)):
        draw.line([tuple(point) for point in line], fill=_MESH_COLOUR, width=_REFINEMENT)
    return np.asarray(image.reduce(_REFINEMENT))


def sweep(rows: pd.DataFrame, au: str) -> pd.Index:
    """Positions in the plan of one face's edits of one AU, by intensity."""
    return rows[rows["expression"] == au].sort_values("alpha").index


def au_label(au: str) -> str:
    """An AU's number and words, in short lines."""
    return "\n".join([au, *textwrap.wrap(ACTION_UNITS[au], 11)])


def moved_in_sweep(edits: Edits, positions: pd.Index) -> np.ndarray:
    """How far each pixel's sampling position moves from the first to the last edit of a sweep, float H×W."""
    return moved(edits.offsets[positions[-1]], edits.offsets[positions[0]])


def motion_scale(maps: Sequence[np.ndarray]) -> Scale:
    """The scale of all maps of motion in a figure."""
    return Scale(common_scale(maps), "motion between intensity 0 and 1, pixels at 128 px")


def rows_of(method: Method, shown: Sequence[Method], rows: Sequence[Row]) -> list[Row]:
    """A method's rows in its group; where several methods are `shown`, its label goes before the rows'."""
    before = f"{method.label}\n" if len(shown) > 1 else ""
    return [replace(row, label=before + row.label, group=group_name(method)) for row in rows]


def steps(rows: pd.DataFrame, array: np.ndarray, kind: str) -> list[Row]:
    """One row of pictures per intensity, one column per AU of `AUS`; `kind` begins the rows' labels."""
    sweeps = np.array([sweep(rows, au) for au in AUS])
    intensities = sorted(rows["alpha"].unique())
    return [Row(f"{kind}\nat {step:g}", array[sweeps[:, i]]) for i, step in enumerate(intensities)]


def true_row(pictures: Pictures, rows: pd.DataFrame) -> list[Row]:
    """The true images at intensity 1, one column per AU of `AUS`; no row where they are not known."""
    if not pictures.truth_known(rows):
        return []
    return [Row(f"{TRUE_IMAGE}\nat 1", [pictures.truth.images[sweep(rows, au)[-1]] for au in AUS])]
