"""Applies an edit of a small crop to the photograph at its own resolution.

The networks see an aligned crop of 64 or 128 pixels and give two smooth fields: where each pixel comes from, and how
its colour changes. Both fields are enlarged to the photograph's resolution. The photograph itself is sampled along the
motion, and the change of colour is added. So its detail and grain stay, and everything outside the face.
"""

from functools import lru_cache

import cv2
import numpy as np

from defgan import alignment
from defgan.warp import REFERENCE_SIZE

FEATHER = 0.1
"""Width of the crop's border in which the edit fades in, as a share of the crop's side."""
# OpenCV interpolates in steps of 1/32 of a source pixel: fields are first enlarged in the crop's frame, by up to this.
_FINEST = 8
_BAND = 64  # rows that are edited at a time


@lru_cache(maxsize=2)  # the next frame of a clip needs it again
def feather(size: int) -> np.ndarray:
    """Weight of the edit at each pixel of the crop, float32 size×size, read-only: 0 at the border, 1 inside."""
    centres = (np.arange(size) + 0.5) / size
    ramp = np.clip(np.minimum(centres, 1 - centres) / FEATHER, 0, 1)
    ramp = ramp * ramp * (3 - 2 * ramp)
    ramp[[0, -1]] = 0
    weight = np.outer(ramp, ramp).astype(np.float32)
    weight.setflags(write=False)
    return weight


def _window(transform: np.ndarray, size: int, height: int, width: int) -> tuple[slice, slice]:
    """Rows and columns of the photograph around the crop's square."""
    corners = size * np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0], [1.0, 1.0]])
    corners = alignment.apply(alignment.invert(transform), corners)
    (x0, y0), (x1, y1) = np.floor(corners.min(0)).astype(int), np.ceil(corners.max(0)).astype(int)
    return slice(max(y0, 0), min(y1, height)), slice(max(x0, 0), min(x1, width))


def _fine(field: np.ndarray, finer: int) -> np.ndarray:
    """A field of the crop, float32 S×S×C with C ≤ 4, enlarged by a whole factor and weighted by `feather`."""
    fine = cv2.resize(field, None, fx=finer, fy=finer, interpolation=cv2.INTER_CUBIC) if finer > 1 else field.copy()
    fine *= feather(len(fine))[..., None]
    return fine


def _finer(transform: np.ndarray) -> int:
    """The factor by which fields of the crop are enlarged."""
    scale = np.sqrt(abs(np.linalg.det(transform[:, :2])))
    return int(np.clip(np.ceil(1 / scale), 1, _FINEST))


def _fine_shift(transform: np.ndarray, offsets: np.ndarray) -> np.ndarray:
    """The offsets of the grid in pixels of the photograph, as a fine field."""
    # A step in the crop becomes one in the photograph by the inverse of the transform's linear part.
    step = np.linalg.inv(transform[:, :2]).T * (len(offsets) / REFERENCE_SIZE)
    return _fine((offsets.reshape(-1, 2) @ step).reshape(offsets.shape).astype(np.float32), _finer(transform))


def _place(fine: np.ndarray, matrix: np.ndarray, rows: slice, columns: slice) -> np.ndarray:
    """A fine field in a part of a photograph, float32 h×w×C; 0 outside. `matrix`: 2×3, from photograph to field."""
    # OpenCV's indices are those of pixel centres.
    own = matrix.copy()
    own[:, 2] += own[:, :2] @ (columns.start + 0.5, rows.start + 0.5) - 0.5
    size = (columns.stop - columns.start, rows.stop - rows.start)
    return cv2.warpAffine(fine, own, size, flags=cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP)


def motion(transform: np.ndarray, offsets: np.ndarray, height: int, width: int) -> np.ndarray:
    """The backward flow of `apply_edit`, whose arguments these are, float32 H×W×2 (x, y), pixels of the photograph.

    Pixel p of the edit is read at p + flow(p) in the photograph; outside the crop the flow is 0.
    """
    return _place(_fine_shift(transform, offsets), transform * _finer(transform), slice(0, height), slice(0, width))


def deform_crop(crop: np.ndarray, offsets: np.ndarray | None) -> np.ndarray:
    """What the networks deform: a crop, uint8 S×S×3, read along the grid, float32 in units of 0 … 255.

    `offsets`: as of `apply_edit`; edges are repeated.
    """
    values = crop.astype(np.float32)
    if offsets is None:
        return values
    where = offsets * np.float32(len(crop) / REFERENCE_SIZE)
    where[..., 0] += np.arange(len(crop), dtype=np.float32)
    where[..., 1] += np.arange(len(crop), dtype=np.float32)[:, None]
    return cv2.remap(values, where, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)


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
    finer = _finer(transform)
    matrix = transform * finer
    if offsets is not None:
        shift = _fine_shift(transform, offsets)
        reach = int(np.ceil(np.abs(shift).max())) + 4
        top, left = max(rows.start - reach, 0), max(columns.start - reach, 0)
        source = pixels[top : rows.stop + reach, left : columns.stop + reach]
        xs = np.arange(columns.start - left, columns.stop - left, dtype=np.float32)
    colour = None if change is None else _fine(change, finer)
    # Whole fields of a large face would take gigabytes, and would not fit the processor's cache. Outside the crop they
    # are 0: there a pixel is sampled where it is, and 0 is added.
    for start in range(rows.start, rows.stop, _BAND):
        band = slice(start, min(start + _BAND, rows.stop))
        result = pixels[band, columns]
        if offsets is not None:
            where = _place(shift, matrix, band, columns)
            where[..., 0] += xs
            where[..., 1] += np.arange(band.start - top, band.stop - top, dtype=np.float32)[:, None]
            result = cv2.remap(source, where, None, cv2.INTER_CUBIC, borderMode=cv2.BORDER_REFLECT_101)
        if colour is not None:
            result = cv2.add(result, _place(colour, matrix, band, columns), dtype=cv2.CV_8U)  # rounded and clipped
        edited[band, columns] = result
    return edited
