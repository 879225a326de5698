"""Writes TIFF files that are compressed and have EXIF: Pillow writes the one or the other."""

import io
import zlib
from itertools import accumulate

import numpy as np
from PIL import ExifTags, Image, TiffImagePlugin, TiffTags
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from defgan.editing.exif import HEADS

_DEFLATE, _DIFFERENCES = 8, 2
_GREY, _RGB = 1, 2
_INDEPENDENT_ALPHA = 2  # not multiplied into the colours
_STRIP = 1 << 20  # bytes
_LEVEL = 3  # as of PNG: more takes longer for a few per cent


def encode_tiff(
    pixels: np.ndarray, exif: Image.Exif, icc_profile: bytes | None, dpi: tuple | None, xmp: bytes | None
) -> bytes:
    """A TIFF without loss, deflated; `pixels` uint8 H×W×C with C of 1 to 4: grey or RGB, and perhaps alpha."""
    height, width, channels = pixels.shape
    tags = ImageFileDirectory_v2(HEADS[exif.endian])
    for tag in exif:
        tags[tag] = exif[tag]
    for directory in (ExifTags.IFD.Exif, ExifTags.IFD.GPSInfo):
        if entries := exif.get_ifd(directory):
            tags[directory] = entries
    rows = max(1, _STRIP // (width * channels))
    strips = [_deflated(pixels[top : top + rows]) for top in range(0, height, rows)]
    tags.update(
        {
            TiffImagePlugin.IMAGEWIDTH: width,
            TiffImagePlugin.IMAGELENGTH: height,
            TiffImagePlugin.BITSPERSAMPLE: (8,) * channels,
            TiffImagePlugin.SAMPLESPERPIXEL: channels,
            TiffImagePlugin.PHOTOMETRIC_INTERPRETATION: _RGB if channels > 2 else _GREY,
            TiffImagePlugin.PLANAR_CONFIGURATION: 1,
            TiffImagePlugin.COMPRESSION: _DEFLATE,
            TiffImagePlugin.PREDICTOR: _DIFFERENCES,
            TiffImagePlugin.ROWSPERSTRIP: rows,
        }
    )
    if channels in (2, 4):
        tags[TiffImagePlugin.EXTRASAMPLES] = _INDEPENDENT_ALPHA
    if icc_profile:
        tags[TiffImagePlugin.ICCPROFILE] = icc_profile
    if dpi:
        tags[TiffImagePlugin.RESOLUTION_UNIT] = 2
        tags[TiffImagePlugin.X_RESOLUTION], tags[TiffImagePlugin.Y_RESOLUTION] = dpi
    if xmp:
        tags[TiffImagePlugin.XMP] = xmp
    sizes = [len(strip) for strip in strips]
    for tag, values in (
        (TiffImagePlugin.STRIPBYTECOUNTS, sizes),
        (TiffImagePlugin.STRIPOFFSETS, [0, *accumulate(sizes[:-1])]),  # Pillow adds where the strips begin
    ):
        tags.tagtype[tag] = TiffTags.LONG
        tags[tag] = tuple(values)
    buffer = io.BytesIO()
    tags.save(buffer)
    for strip in strips:
        buffer.write(strip)
    return buffer.getvalue()


def _deflated(rows: np.ndarray) -> bytes:
    """Rows as the differences of neighbouring pixels, compressed."""
    differences = rows.copy()
    differences[:, 1:] -= rows[:, :-1]
    return zlib.compress(differences, _LEVEL)
