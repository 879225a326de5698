"""Figures of single action units: how the deformation answers (Fig. 6, 11) and the final image (Fig. 12)."""

import textwrap
from collections.abc import Sequence

import numpy as np
import pandas as pd
from matplotlib.figure import Figure
from PIL import Image, ImageDraw
from scipy.ndimage import map_coordinates

from defgan.facs import ACTION_UNITS
from defgan.report.canvas import TILE, Block, Row, Scale, common_scale, enlarge, photo_grid
from defgan.report.pictures import TRUE_IMAGE, Pictures

SECTION_AUS = ("AU04", "AU05", "AU14", "AU26")
"""Those of sec. 4.3; its list names AU14 twice, and its text AU4."""
APPENDIX_AUS = ("AU02", "AU04", "AU05", "AU07", "AU12", "AU14", "AU26", "AU45")
"""Those that sec. 4.3 and App. B speak of, and AU12, the smile."""
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
    """Where the deformation carries the points of a regular mesh, as shifts, float lines×lines×2 (x, y).

    `offsets` H×W×2 in pixels at 128 px say where each *output* pixel reads; a point q of the input appears at the p
    with p + offset(p) = q, found by fixed-point iteration. The mesh spans the image from edge to edge; shifts are in
    pixels at 128 px.
    """
    size = len(offsets)
    points = np.stack(np.meshgrid(*[np.linspace(0, size, lines)] * 2, indexing="xy"))  # x and y, pixels of the crop
    field = offsets.astype(np.float32) * (size / 128)
    found = points
    for _ in range(_INVERSION_STEPS):
        rows, columns = found[1] - 0.5, found[0] - 0.5
        read = [map_coordinates(field[..., axis], [rows, columns], order=1, mode="nearest") for axis in (0, 1)]
        found = points - np.stack(read)
    return (found - points).transpose(1, 2, 0) * (128 / size)


def mesh(face: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """A mesh that moves as the deformation does, `MAGNIFICATION` times as far, over a pale face; uint8 TILE×TILE×3."""
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


def _sweep(rows: pd.DataFrame, au: str) -> pd.Index:
    """Positions in the plan of one face's edits of one AU, by intensity."""
    return rows[rows["expression"] == au].sort_values("alpha").index


def _named(au: str) -> str:
    return "\n".join([au, *textwrap.wrap(ACTION_UNITS[au], 11)])


def _moved_by(pictures: Pictures, positions: pd.Index) -> np.ndarray:
    offsets = pictures.methods["defgan"].offsets
    return moved(offsets[positions[-1]], offsets[positions[0]])


def _motion_scale(maps: Sequence[np.ndarray]) -> Scale:
    return Scale(common_scale(maps), "motion between intensity 0 and 1, pixels at 128 px")


def deformed_sweep(pictures: Pictures, faces: Sequence[pd.DataFrame]) -> Figure:
    """Fig. 6: DefGAN's deformed image as one AU grows, and the region that it moves; the true image beside."""
    blocks, maps = [], []
    for rows in faces:
        shown = []
        for au in SECTION_AUS:
            positions = _sweep(rows, au)
            maps.append(_moved_by(pictures, positions))
            tiles = [*pictures.methods["defgan"].deformed[positions], maps[-1]]
            if pictures.truth_known(rows):
                tiles.append(pictures.truth.images[positions[-1]])
            shown.append(Row(_named(au), tiles))
        blocks.append(Block(pictures.original(rows), shown))
    steps = sorted(faces[0]["alpha"].unique())
    columns = [*(f"{step:g}" for step in steps), "region moved"]
    columns += [f"{TRUE_IMAGE}, {steps[-1]:g}"] if pictures.truth_known(faces[0]) else []
    title = f"Fig. 6   One action unit grows from 0 to 1: DefGAN's deformed image   [{pictures.data['wild']}]"
    return photo_grid(title, columns, blocks, _motion_scale(maps))


def _true_row(pictures: Pictures, rows: pd.DataFrame) -> list[Row]:
    if not pictures.truth_known(rows):
        return []
    return [Row(f"{TRUE_IMAGE}\nat 1", [pictures.truth.images[_sweep(rows, au)[-1]] for au in APPENDIX_AUS])]


def _steps(rows: pd.DataFrame, array: np.ndarray, kind: str) -> list[Row]:
    """One row of pictures per intensity, one column per AU."""
    sweeps = np.array([_sweep(rows, au) for au in APPENDIX_AUS])
    intensities = sorted(rows["alpha"].unique())
    return [Row(f"{kind}\nat {step:g}", array[sweeps[:, i]]) for i, step in enumerate(intensities)]


def deformation_grid(pictures: Pictures, rows: pd.DataFrame) -> Figure:
    """Fig. 11: deformed images as single AUs grow, the regions that they move, and the deformation grids."""
    edits, original = pictures.methods["defgan"], pictures.original(rows)
    last = [_sweep(rows, au)[-1] for au in APPENDIX_AUS]
    maps = [_moved_by(pictures, _sweep(rows, au)) for au in APPENDIX_AUS]
    shown = [
        *_steps(rows, edits.deformed, "deformed"),
        Row("region moved", maps),
        Row(f"grid at 1\nmotion × {MAGNIFICATION}", [mesh(original, edits.offsets[position]) for position in last]),
        *_true_row(pictures, rows),
    ]
    title = f"Fig. 11   Single action units: DefGAN's deformation   [{pictures.data['wild']}]"
    return photo_grid(title, list(map(_named, APPENDIX_AUS)), [Block(original, shown)], _motion_scale(maps))


def final_sweep(pictures: Pictures, rows: pd.DataFrame) -> Figure:
    """Fig. 12: DefGAN's final images as single AUs grow."""
    shown = [*_steps(rows, pictures.methods["defgan"].final, "final"), *_true_row(pictures, rows)]
    title = f"Fig. 12   Single action units: DefGAN's final image   [{pictures.data['wild']}]"
    return photo_grid(title, list(map(_named, APPENDIX_AUS)), [Block(pictures.original(rows), shown)])
