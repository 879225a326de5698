"""Applies an edit of a small crop to the photograph at its own resolution.

The networks see an aligned crop of 64 or 128 pixels and give two smooth fields: where each pixel comes from, and how
its colour changes. Both fields are enlarged to the photograph's resolution. The photograph itself is sampled along the
motion, and the change of colour is added. So its detail and grain stay, and everything outside the face.
"""

import cv2
import numpy as np

from defgan import alignment
from defgan.warp import REFERENCE_SIZE

FEATHER = 0.1
"""Width of the crop's border in which the edit fades in, as a share of the crop's side."""
# OpenCV interpolates in steps of 1/32 of a source pixel: fields are first enlarged in the crop's frame, by up to this.
_FINEST = 8


def feather(size: int) -> np.ndarray:
    """Weight of the edit at each pixel of the crop, float32 size×size: 0 at the border, 1 inside."""
    centres = (np.arange(size) + 0.5) / size
    ramp = np.clip(np.minimum(centres, 1 - centres) / FEATHER, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    ramp[[0, -1]] = 0
    return np.outer(ramp, ramp).astype(np.float32)


def _window(transform: np.ndarray, size: int, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the photograph around the crop's square."""
    corners = size * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    corners = alignment.apply(alignment.invert(transform), corners)
    (x0, y0), (x1, y1) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width))


def _enlarge(field: np.ndarray, transform: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """A field of the crop, float32 S×S×C with C ≤ 4, weighted by `feather`, in a photograph's window; 0 outside."""
    scale = np.sqrt(abs(np.linalg.det(transform[:, :2])))
    finer = int(np.clip(np.ceil(1 / scale), 1, _FINEST))
    fine = cv2.resize(field, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC) if finer > 1 else field
    weight = feather(len(fine))
    fine = fine * (weight if fine.ndim == 2 else weight[..., None])
    # From pixel indices of the window to those of the fine field. OpenCV's indices are those of pixel centres.
    matrix = transform * finer
    matrix[:, 2] += matrix[:, :2] @ (columns.start + 0.5, rows.start + 0.5) - 0.5
    target = (columns.stop - columns.start, rows.stop - rows.start)
    return cv2.warpAffine(fine, matrix, target, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def _move(pixels: np.ndarray, rows: slice, columns: slice, shift: np.ndarray) -> np.ndarray:
    """The window of a photograph, warped: each pixel is sampled `shift` away, float32 h×w×2, x and y in pixels."""
    reach = int(np.ceil(np.abs(shift).max())) + 4
    top, left = max(rows.start - reach, 0), max(columns.start - reach, 0)
    source = np.ascontiguousarray(pixels[top : rows.stop + reach, left : columns.stop + reach])
    height, width = shift.shape[:2]
    map_x = shift[..., 0] + np.arange(columns.start - left, columns.start - left + width, dtype=np.float32)
    map_y = shift[..., 1] + np.arange(rows.start - top, rows.start - top + height, dtype=np.float32)[:, None]
    return cv2.remap(source, map_x, map_y, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)


def apply_edit(
    pixels: np.ndarray, transform: np.ndarray, offsets: np.ndarray | None, change: np.ndarray | None
) -> np.ndarray:
    """A photograph with one face edited, uint8 H×W×3; outside the crop not a bit changes.

    Args:
        pixels: the photograph, uint8 H×W×3.
        transform: 2×3, from photograph to crop pixels.
        offsets: offsets of the grid 𝒢, float32 S×S×2, pixels at 128 px; None: no motion.
        change: ℐ_y − ℐ*_y, added to the deformed crop, float32 S×S×3, in units of 0 … 255; None: no change of colour.
    """
    assert pixels.dtype == np.uint8 and pixels.ndim == 3 and pixels.shape[2] == 3, (pixels.dtype, pixels.shape)
    edited = pixels.copy()
    fields = [field for field in (offsets, change) if field is not None]
    if not fields:
        return edited
    size = len(fields[0])
    rows, columns = _window(transform, size, *pixels.shape[:2])
    if rows.start >= rows.stop or columns.start >= columns.stop:
        return edited
    window = edited[rows, columns]
    inside = _enlarge(np.ones((size, size), np.float32), transform, rows, columns) > 0
    result = window
    if offsets is not None:
        # A step in the crop becomes one in the photograph by the inverse of the transform's linear part.
        step = np.linalg.inv(transform[:, :2]).T * (size / REFERENCE_SIZE)
        shift = (offsets.reshape(-1, 2) @ step).reshape(offsets.shape).astype(np.float32)
        result = _move(pixels, rows, columns, _enlarge(shift, transform, rows, columns))
    if change is not None:
        # In place: a face of 24 megapixels takes much memory.
        total = _enlarge(change, transform, rows, columns)
        total += result
        np.rint(total, out=total)
        result = np.clip(total, 0, 255, out=total).astype(np.uint8)
    np.copyto(window, result, where=inside[..., None])
    return edited
